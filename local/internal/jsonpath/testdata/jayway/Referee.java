import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.jayway.jsonpath.Configuration;
import com.jayway.jsonpath.InvalidPathException;
import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.PathNotFoundException;
import com.jayway.jsonpath.spi.json.JacksonJsonProvider;
import com.jayway.jsonpath.spi.mapper.JacksonMappingProvider;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;

/** Reads {"path":"…","document":…}, one a line, and prints what Jayway JsonPath makes of it. */
public class Referee {
    public static void main(String[] args) throws Exception {
        ObjectMapper json = new ObjectMapper();
        Configuration configuration = Configuration.builder()
            .jsonProvider(new JacksonJsonProvider()).mappingProvider(new JacksonMappingProvider()).build();
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null; ) {
            JsonNode test = json.readTree(line);
            out.println(verdict(json, configuration, test.get("path").asText(), test.get("document").toString()));
        }
        out.flush();
    }

    private static String verdict(ObjectMapper json, Configuration configuration, String text, String document) throws Exception {
        JsonPath path;
        try {
            path = JsonPath.compile(text);
        } catch (RuntimeException e) {
            return "syntax";
        }
        try {
            Object found = path.read(configuration.jsonProvider().parse(document), configuration);
            return (path.isDefinite() ? "one " : "all ") + json.writeValueAsString(found);
        } catch (PathNotFoundException e) {
            return "missing " + String.valueOf(e.getMessage()).replace('\n', ' ');
        } catch (RuntimeException e) {
            return "failed";
        }
    }
}
