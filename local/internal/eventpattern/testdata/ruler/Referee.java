import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import software.amazon.event.ruler.Machine;

/** Reads {"pattern":"…","event":"…"}, one a line, and prints Event Ruler's verdict on each. */
public class Referee {
    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            JsonNode test = json.readTree(line);
            out.println(verdict(test.get("pattern").asText(), test.get("event").asText()));
        }
        out.flush();
    }

    private static String verdict(String pattern, String event) {
        try {
            Machine machine = Machine.builder().build();
            machine.addRule("rule", pattern);
            return machine.rulesForJSONEvent(event).isEmpty() ? "no" : "yes";
        } catch (Exception e) {
            return "error: " + String.valueOf(e.getMessage()).split("\n")[0];
        }
    }
}
