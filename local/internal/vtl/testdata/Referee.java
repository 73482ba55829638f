import java.io.*;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

// Renders cases with Apache Velocity 1.7 in its default configuration. A line of
// standard input is "<base64 of the variables as JSON> <base64 of the template>";
// a line of standard output is "OK <base64 of the output>" or "ERR <base64 of the message>".
public class Referee {
    public static void main(String[] args) throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        PrintStream out = System.out;
        System.setErr(new PrintStream(OutputStream.nullOutputStream()));
        for (String line; (line = in.readLine()) != null; ) {
            String[] f = line.split(" ", -1);
            String answer;
            try {
                answer = "OK " + encode(render(decode(f[0]), decode(f[1])));
            } catch (Throwable t) {
                answer = "ERR " + encode(String.valueOf(t.getMessage()));
            }
            out.println(answer);
        }
        out.flush();
    }

    static String render(String vars, String template) throws Exception {
        VelocityEngine engine = new VelocityEngine(); // a fresh one: macros would outlive their template
        engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        engine.setProperty("parser.pool.size", "1");
        engine.init();
        VelocityContext context = new VelocityContext();
        for (Map.Entry<?, ?> e : ((Map<?, ?>) new Json(vars).document()).entrySet()) {
            context.put((String) e.getKey(), e.getValue());
        }
        StringWriter w = new StringWriter();
        engine.evaluate(context, w, "case", template);
        return w.toString();
    }

    static String decode(String s) {
        return new String(Base64.getDecoder().decode(s), StandardCharsets.UTF_8);
    }

    static String encode(String s) {
        return Base64.getEncoder().encodeToString(s.getBytes(StandardCharsets.UTF_8));
    }

    static class Json {
        final String s;
        int i;

        Json(String s) {
            this.s = s;
        }

        Object document() {
            Object v = value();
            space();
            if (i != s.length()) throw new IllegalArgumentException("text after the document");
            return v;
        }

        void space() {
            while (i < s.length() && Character.isWhitespace(s.charAt(i))) i++;
        }

        Object value() {
            space();
            char c = s.charAt(i);
            if (c == '{') {
                Map<Object, Object> m = new LinkedHashMap<>();
                for (i++, space(); s.charAt(i) != '}'; space()) {
                    if (s.charAt(i) == ',') i++;
                    space();
                    String k = string();
                    space();
                    i++;
                    m.put(k, value());
                }
                i++;
                return m;
            }
            if (c == '[') {
                List<Object> l = new ArrayList<>();
                for (i++, space(); s.charAt(i) != ']'; space()) {
                    if (s.charAt(i) == ',') i++;
                    l.add(value());
                }
                i++;
                return l;
            }
            if (c == '"') return string();
            int from = i;
            while (i < s.length() && ",]} \n".indexOf(s.charAt(i)) < 0) i++;
            String w = s.substring(from, i);
            switch (w) {
                case "null": return null;
                case "true": return Boolean.TRUE;
                case "false": return Boolean.FALSE;
            }
            if (w.matches("-?[0-9]+")) {
                BigInteger n = new BigInteger(w);
                if (n.bitLength() < 32) return n.intValue();
                if (n.bitLength() < 64) return n.longValue();
                return n;
            }
            return Double.valueOf(w);
        }

        String string() {
            StringBuilder b = new StringBuilder();
            for (i++; s.charAt(i) != '"'; i++) {
                char c = s.charAt(i);
                if (c != '\\') {
                    b.append(c);
                    continue;
                }
                c = s.charAt(++i);
                switch (c) {
                    case 'n': b.append('\n'); break;
                    case 't': b.append('\t'); break;
                    case 'r': b.append('\r'); break;
                    case 'b': b.append('\b'); break;
                    case 'f': b.append('\f'); break;
                    case 'u':
                        b.append((char) Integer.parseInt(s.substring(i + 1, i + 5), 16));
                        i += 4;
                        break;
                    default: b.append(c);
                }
            }
            i++;
            return b.toString();
        }
    }
}
