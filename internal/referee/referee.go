// Package referee starts the outside programs that tests compare this project with: npm
// packages, Python's moto, programs in Java. A test whose referee is not installed is skipped
// and says why.
//
// The npm packages are those of test/referees (npm ci there), or of the folder that
// ORDERFLOW_REFEREES names. Python is python3, or what ORDERFLOW_PYTHON names.
package referee

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Node finds node and the npm packages, and returns the folder whose node_modules has them.
func Node(t testing.TB, packages ...string) (folder string) {
	t.Helper()
	if folder = os.Getenv("ORDERFLOW_REFEREES"); folder == "" {
		folder = filepath.Join(root(t), "test", "referees")
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("no referee: node is not installed")
	}
	for _, p := range packages {
		if _, err := os.Stat(filepath.Join(folder, "node_modules", p)); err != nil {
			t.Skipf("no referee: the npm package %s is not in %s (npm ci there installs it)", p, filepath.Join(folder, "node_modules"))
		}
	}
	return folder
}

// root is the repository's folder.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if folder == filepath.Dir(folder) {
			t.Fatal("no go.mod above the test's folder")
		}
		folder = filepath.Dir(folder)
	}
}

// Velocity runs a Java source file with Apache Velocity 1.7, from Debian's package "velocity"
// (apt-get install velocity default-jdk-headless), whose jars lie in /usr/share/java;
// ORDERFLOW_VELOCITY_JARS names another folder. It returns what the program prints.
func Velocity(t testing.TB, source string, input []byte) []byte {
	t.Helper()
	folder := os.Getenv("ORDERFLOW_VELOCITY_JARS")
	if folder == "" {
		folder = "/usr/share/java"
	}
	var jars []string
	for _, name := range []string{"velocity.jar", "commons-collections3.jar", "commons-lang.jar"} {
		jars = append(jars, filepath.Join(folder, name))
	}
	return Java(t, jars, source, input)
}

// Judge has a program in Java judge cases, each a value for JSON, and returns what it says of each, in a line. The folder has
// Referee.java, and its jars in target/dependency; name is what they are of.
func Judge[T any](t testing.TB, folder, name string, cases []T) []string {
	t.Helper()
	jars, err := filepath.Glob(filepath.Join(folder, "target", "dependency", "*.jar"))
	if err != nil || len(jars) == 0 {
		t.Skipf("no referee: the jars of %s are not there (see referee_test.go)", name)
	}
	var in bytes.Buffer
	for _, c := range cases {
		if err := json.NewEncoder(&in).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	out := Java(t, jars, filepath.Join(folder, "Referee.java"), in.Bytes())
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) != len(cases) {
		t.Fatalf("the referee answered %d of %d cases", len(lines), len(cases))
	}
	return lines
}

// Java runs a source file with the jars beside it and returns what it prints.
func Java(t testing.TB, jars []string, source string, input []byte) []byte {
	t.Helper()
	java, err := exec.LookPath("java")
	if err != nil {
		t.Skip("no referee: java is not installed")
	}
	for _, jar := range jars {
		if _, err := os.Stat(jar); err != nil {
			t.Skipf("no referee: %s is not there", jar)
		}
	}
	cmd := exec.Command(java, "-cp", strings.Join(jars, string(os.PathListSeparator)), source)
	cmd.Stdin = bytes.NewReader(input)
	out, stderr, err := run(cmd)
	switch {
	case err != nil && strings.Contains(stderr, "find or load main class"):
		t.Skip("no referee: this java runs no source files (a JDK is needed, not a JRE)")
	case err != nil:
		t.Fatalf("the referee failed: %v\n%s", err, stderr)
	}
	return out
}

// Run runs a referee to its end and returns what it prints.
func Run(t testing.TB, cmd *exec.Cmd) []byte {
	t.Helper()
	out, stderr, err := run(cmd)
	if err != nil {
		t.Fatalf("the referee failed: %v\n%s%s", err, out, stderr)
	}
	return out
}

func run(cmd *exec.Cmd) (out []byte, stderr string, err error) {
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err = cmd.Output()
	return out, faults.String(), err
}

// Serve starts a server that prints its port on a line and ends with its input, which is
// when the test ends. It returns the server's URL.
func Serve(t testing.TB, cmd *exec.Cmd) (url string) {
	t.Helper()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	})
	port, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + strings.TrimSpace(port)
}

// Python finds python3.
func Python(t testing.TB) (program string) {
	t.Helper()
	if program = os.Getenv("ORDERFLOW_PYTHON"); program == "" {
		program = "python3"
	}
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("no referee: %s is not installed", program)
	}
	return program
}

// motoVersion is the version of moto (PyPI) whose faults the tests know.
const motoVersion = "5.2.5"

const motoServer = `
import logging, sys
logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
server.stop()
`

// Moto starts moto and returns its URL. Its services must be installed:
//
//	pip install 'moto[server,dynamodb,sns,sqs]==5.2.5'
func Moto(t testing.TB) (url string) {
	t.Helper()
	python := Python(t)
	check := "import moto, moto.server, sys; sys.exit(moto.__version__ != '" + motoVersion + "')"
	if err := exec.Command(python, "-c", check).Run(); err != nil {
		t.Skipf("no referee: %s has no moto %s (pip install 'moto[server,dynamodb,sns,sqs]==%[2]s'): %v", python, motoVersion, err)
	}
	return Serve(t, exec.Command(python, "-c", motoServer))
}

// Program finds a program, which install says how to get.
func Program(t testing.TB, name, install string) (path string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("no referee: %s is not installed (%s)", name, install)
	}
	return path
}
