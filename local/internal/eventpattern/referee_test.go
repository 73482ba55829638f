package eventpattern

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referee is Event Ruler, AWS's own rule engine, in Java. Its jars come with
//
//	mvn -q -f local/internal/eventpattern/testdata/ruler/pom.xml dependency:copy-dependencies
//
// into testdata/ruler/target/dependency. It needs a JDK of version 11 or later. One JVM judges all cases. Without a
// referee TestCases checks its stored verdicts.
func ruler(t *testing.T, cases []testCase) []testCase {
	t.Helper()
	lines := referee.Judge(t, "testdata/ruler", "Event Ruler", cases)
	judged := make([]testCase, len(cases))
	for i, c := range cases {
		judged[i] = testCase{c.Pattern, c.Event, withoutMessage(c.Pattern, lines[i])}
	}
	return judged
}

// TestReferee asks the referee about the stored cases, and about new ones.
func TestReferee(t *testing.T) {
	if *update {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		for _, c := range ruler(t, newGenerator(1).cases(1000)) {
			if err := enc.Encode(c); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(casesFile, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored := readCases(t)
	for i, c := range ruler(t, stored) {
		if c != stored[i] {
			t.Errorf("%s on %s: stored %s, the referee says %s", c.Pattern, c.Event, stored[i].Verdict, c.Verdict)
		}
	}
	for _, c := range ruler(t, newGenerator(2).cases(4000)) {
		if got := verdict(c); got != c.Verdict {
			t.Errorf("%s on %s:\n got %s\nwant %s", c.Pattern, c.Event, got, c.Verdict)
		}
	}
}
