package vtl_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// One JVM renders all cases. Known differences, on purpose, are in the package
// documentation; none of the cases is one. Without a referee TestCases checks its stored outputs.
func velocity(t *testing.T, cases []testCase) []testCase {
	t.Helper()
	var in bytes.Buffer
	for _, c := range cases {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(c.vars)) + " " +
			base64.StdEncoding.EncodeToString([]byte(c.template)) + "\n")
	}
	out := referee.Velocity(t, "testdata/Referee.java", in.Bytes())
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("the referee answered %d of %d cases", len(lines), len(cases))
	}
	judged := make([]testCase, len(cases))
	for i, line := range lines {
		verdict, text, _ := strings.Cut(line, " ")
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		judged[i] = cases[i]
		judged[i].want, judged[i].fails = string(b), verdict != "OK"
		if judged[i].fails {
			judged[i].want = ""
		}
	}
	return judged
}

// TestReferee renders every case with Velocity and with this package.
func TestReferee(t *testing.T) {
	cases := readCases(t)
	judged := velocity(t, cases)
	if *update {
		writeCases(t, judged)
	}
	for i, c := range judged {
		t.Run(c.name, func(t *testing.T) {
			if !*update && (c.want != cases[i].want || c.fails != cases[i].fails) {
				t.Errorf("the stored output is not the referee's; run with -update")
			}
			c.check(t)
		})
	}
}
