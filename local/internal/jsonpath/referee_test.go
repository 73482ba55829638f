package jsonpath

import (
	"bytes"
	"encoding/json"
	"os"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referee is Jayway JsonPath 2.9.0, in Java. Its jars come with
//
//	mvn -q -f local/internal/jsonpath/testdata/jayway/pom.xml dependency:copy-dependencies
//
// into testdata/jayway/target/dependency. It needs a JDK of version 11 or later. One JVM judges
// all cases. Without a referee TestCases checks its stored verdicts.
func jayway(t *testing.T, cases []testCase) []testCase {
	t.Helper()
	asked := make([]testCase, len(cases)) // without verdicts, which are not the referee's to see
	for i, c := range cases {
		asked[i] = testCase{Path: c.Path, Document: c.Document}
	}
	lines := referee.Judge(t, "testdata/jayway", "Jayway JsonPath", asked)
	judged := make([]testCase, len(cases))
	for i, c := range cases {
		judged[i] = testCase{c.Path, c.Document, lines[i]}
	}
	return judged
}

// TestReferee asks the referee about the stored cases, and about new ones.
func TestReferee(t *testing.T) {
	if *update {
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		for _, c := range jayway(t, newCases(1, 1200)) {
			if err := enc.Encode(c); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(casesFile, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	stored := readCases(t)
	for i, c := range jayway(t, stored) {
		if c.Verdict != stored[i].Verdict {
			t.Errorf("%s on %s: stored %s, the referee says %s", c.Path, c.Document, stored[i].Verdict, c.Verdict)
		}
	}
	for _, c := range jayway(t, newCases(2, 4000)) {
		if diff := differ(verdict(c), c.Verdict); diff != "" {
			t.Errorf("%s on %s: %s", c.Path, c.Document, diff)
		}
	}
}
