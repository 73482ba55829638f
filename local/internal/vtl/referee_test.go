package vtl_test

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referee is Apache Velocity 1.7 itself, from Debian's package "velocity"
// (apt-get install velocity default-jdk-headless), whose jars lie in
// /usr/share/java; ORDERFLOW_VELOCITY_JARS names another folder. One JVM renders
// all cases. Known differences, on purpose, are in the package documentation;
// none of the cases is one. Without a referee TestCases checks its stored outputs.
func velocity(t *testing.T, cases []testCase) []testCase {
	t.Helper()
	dir := os.Getenv("ORDERFLOW_VELOCITY_JARS")
	if dir == "" {
		dir = "/usr/share/java"
	}
	var jars []string
	for _, name := range []string{"velocity.jar", "commons-collections3.jar", "commons-lang.jar"} {
		jars = append(jars, filepath.Join(dir, name))
	}
	var in bytes.Buffer
	for _, c := range cases {
		in.WriteString(base64.StdEncoding.EncodeToString([]byte(c.vars)) + " " +
			base64.StdEncoding.EncodeToString([]byte(c.template)) + "\n")
	}
	out := referee.Java(t, jars, "testdata/Referee.java", in.Bytes())
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
