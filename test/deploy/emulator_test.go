package deploy

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/referee"
)

const (
	region  = "eu-west-1"
	account = "000000000000" // of callers whose access key is no account's id
)

// emulator is a MiniStack of this test's own.
type emulator struct {
	url     string
	version string
	python  string
	log     string // file
	environ []string
}

// install is how MiniStack is installed, in the repository's folder.
const install = "python3 -m pip install --no-deps --target test/deploy/.python -r test/deploy/requirements.txt"

// startEmulator starts MiniStack on a free port, with its files in folder, until the test ends.
func startEmulator(t *testing.T, folder string) *emulator {
	t.Helper()
	packages, err := filepath.Abs(".python")
	if err != nil {
		t.Fatal(err)
	}
	environ := append(without(os.Environ(), "AWS_", "CDK_", "MINISTACK_", "LAMBDA_", "LOCALSTACK_", "PYTHONPATH=", "SERVICES=", "USE_SSL="), "PYTHONPATH="+packages)
	python := referee.Python(t)
	cmd := exec.Command(python, "-c", "import importlib.metadata as m; print(m.version('ministack'))")
	cmd.Env = environ
	version, err := cmd.Output()
	if err != nil {
		t.Skipf("no emulator: %s has no ministack (%s)", python, install)
	}
	port := freePort(t)
	e := &emulator{
		url:     fmt.Sprintf("http://127.0.0.1:%d", port),
		version: strings.TrimSpace(string(version)),
		python:  python,
		log:     filepath.Join(folder, "ministack.log"),
	}
	temporary := filepath.Join(folder, "tmp")
	if err := os.MkdirAll(temporary, 0o755); err != nil {
		t.Fatal(err)
	}
	e.environ = append(environ,
		"AWS_ENDPOINT_URL="+e.url, "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
	)

	log, err := os.Create(e.log)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "emulator.py"))
	if err != nil {
		t.Fatal(err)
	}
	cmd = exec.Command(python, script)
	cmd.Dir = folder
	cmd.Stdout, cmd.Stderr = log, log
	// It hands its own AWS_ENDPOINT_URL on to the functions' processes.
	cmd.Env = append(e.environ,
		fmt.Sprintf("GATEWAY_PORT=%d", port), "BIND_HOST=127.0.0.1", "IOT_MTLS_ENABLED=0", "MINISTACK_REGION="+region, "MINISTACK_HOST=127.0.0.1",
		"STATE_DIR="+filepath.Join(folder, "state"), "TMPDIR="+temporary, "LAMBDA_EXECUTOR=local",
	)
	// A group of its own, with the functions' processes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	alive, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		group := -cmd.Process.Pid
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
		}
		_ = syscall.Kill(group, syscall.SIGKILL)
		_ = alive.Close()
		_ = log.Close()
	})

	deadline := time.Now().Add(time.Minute)
	for {
		if res, err := http.Get(e.url + "/_ministack/health"); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return e
			}
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("ministack ended: %v\n%s", err, e.lastLines(20))
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("ministack does not answer\n%s", e.lastLines(20))
		}
	}
}

// lastLines are the last of the emulator's log.
func (e *emulator) lastLines(n int) string {
	b, err := os.ReadFile(e.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// resources lists what there is in the account: names by kind.
func (e *emulator) resources(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command(e.python, filepath.Join("testdata", "resources.py"))
	cmd.Env = e.environ
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("resources.py: %v\n%s", err, stderr.String())
	}
	var found map[string][]string
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// object reads an object of a bucket.
func (e *emulator) object(ctx context.Context, bucket, key string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, e.url+"/"+bucket+"/"+key, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = errors.New(res.Status)
	}
	return b, err
}

// without leaves out the variables with the prefixes.
func without(environ []string, prefixes ...string) []string {
	var kept []string
next:
	for _, kv := range environ {
		for _, p := range prefixes {
			if strings.HasPrefix(kv, p) {
				continue next
			}
		}
		kept = append(kept, kv)
	}
	return kept
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().(*net.TCPAddr).Port
}
