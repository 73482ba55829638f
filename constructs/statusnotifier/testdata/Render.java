import java.io.*;
import java.nio.charset.StandardCharsets;
import java.util.*;
import org.apache.commons.lang.StringEscapeUtils;
import org.apache.velocity.VelocityContext;
import org.apache.velocity.app.VelocityEngine;

/**
 * Renders mapping templates with Apache Velocity 1.7. Each line of the input is
 * a JSON object {template, context, params, payload}; each line of the output
 * is the rendered text in base64, a space, and $context.responseOverride
 * likewise, as JSON.
 */
public class Render {
    public static class Util {
        public String base64Encode(String s) { return b64(s); }
        public Object parseJson(String s) { return new Json(s).value(); }
        public String urlEncode(String s) throws IOException { return java.net.URLEncoder.encode(s, "UTF-8"); }
        public String escapeJavaScript(String s) { return StringEscapeUtils.escapeJavaScript(s); }
    }

    public static class Input {
        private final Map<?, ?> params;
        private final String payload;
        Input(Map<?, ?> params, String payload) { this.params = params; this.payload = payload; }
        public Map<?, ?> params() { return params; }
        public String getBody() { return payload; }
        /** As API Gateway: a path that leads nowhere is "". */
        public Object path(String path) {
            Object v = new Json(payload).value();
            for (String step : path.split("\\.")) {
                if (!step.equals("$")) v = v instanceof Map ? ((Map<?, ?>) v).get(step) : null;
            }
            return v == null ? "" : v;
        }
        public String json(String path) { return Json.text(path(path)); }
    }

    public static void main(String[] args) throws Exception {
        VelocityEngine engine = new VelocityEngine();
        engine.setProperty("runtime.log.logsystem.class", "org.apache.velocity.runtime.log.NullLogChute");
        engine.init();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            Map<?, ?> c = (Map<?, ?>) new Json(line).value();
            VelocityContext vars = new VelocityContext();
            vars.put("context", c.get("context"));
            vars.put("util", new Util());
            vars.put("input", new Input((Map<?, ?>) c.get("params"), (String) c.get("payload")));
            StringWriter out = new StringWriter();
            engine.evaluate(vars, out, "template", (String) c.get("template"));
            Object override = ((Map<?, ?>) c.get("context")).get("responseOverride");
            System.out.println(b64(out.toString()) + " " + b64(Json.text(override)));
        }
    }

    static String b64(String s) { return Base64.getEncoder().encodeToString(s.getBytes(StandardCharsets.UTF_8)); }

    /** As much of JSON as the scenarios need: numbers are longs. */
    static class Json {
        private final String s;
        private int i;
        Json(String s) { this.s = s; }

        private char next() {
            while (Character.isWhitespace(s.charAt(i))) i++;
            return s.charAt(i);
        }

        Object value() {
            switch (next()) {
                case '{': {
                    Map<String, Object> m = new LinkedHashMap<>();
                    for (i++; next() != '}'; ) {
                        if (s.charAt(i) == ',') { i++; next(); }
                        String name = string();
                        next();
                        i++;
                        m.put(name, value());
                    }
                    i++;
                    return m;
                }
                case '[': {
                    List<Object> l = new ArrayList<>();
                    for (i++; next() != ']'; ) {
                        if (s.charAt(i) == ',') i++;
                        l.add(value());
                    }
                    i++;
                    return l;
                }
                case '"': return string();
                case 't': i += 4; return true;
                case 'f': i += 5; return false;
                case 'n': i += 4; return null;
                default: {
                    int from = i;
                    while (i < s.length() && "-0123456789".indexOf(s.charAt(i)) >= 0) i++;
                    return Long.parseLong(s.substring(from, i));
                }
            }
        }

        private String string() {
            StringBuilder b = new StringBuilder();
            for (i++; s.charAt(i) != '"'; i++) {
                if (s.charAt(i) != '\\') { b.append(s.charAt(i)); continue; }
                char e = s.charAt(++i);
                if (e == 'u') { b.append((char) Integer.parseInt(s.substring(i + 1, i + 5), 16)); i += 4; }
                else b.append(e == 'n' ? '\n' : e == 't' ? '\t' : e == 'r' ? '\r' : e);
            }
            i++;
            return b.toString();
        }

        static String text(Object v) {
            if (v instanceof Map) {
                StringJoiner j = new StringJoiner(",", "{", "}");
                ((Map<?, ?>) v).forEach((name, e) -> j.add(text(name.toString()) + ":" + text(e)));
                return j.toString();
            }
            if (v instanceof List) {
                StringJoiner j = new StringJoiner(",", "[", "]");
                ((List<?>) v).forEach(e -> j.add(text(e)));
                return j.toString();
            }
            if (v instanceof String) return '"' + StringEscapeUtils.escapeJavaScript((String) v).replace("\\'", "'") + '"';
            return String.valueOf(v);
        }
    }
}
