package dynamodb_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The referee is dynalite (npm, 4.0.0), an implementation of DynamoDB whose
// messages were taken from the service. It is looked for in the node_modules of
// $ORDERFLOW_REFEREES, by default test/referees of this repository:
//
//	cd test/referees && npm ci
//
// dynalite has no transactions, no streams, no time to live and no
// ReturnValuesOnConditionCheckFailure. These are its known faults, by the key
// that marks a case:
var dynaliteFaults = map[string]string{
	"syntax":             "its parser words syntax errors in its own way; the service names the token and its neighbours",
	"syntax-accepted":    "it accepts a name that starts with an underscore, which the service refuses (aws-sdk-js issue 1691)",
	"deep":               "it never finds two lists or two maps equal",
	"size-empty":         "it takes an empty string for a missing one in size()",
	"not-not":            "its grammar has no NOT NOT, which the service's has",
	"remove-index":       "it removes list elements one after the other, so that the second index means another element",
	"misplaced-function": "it does not know the message about a function of the other kind of expression",
	"unordered":          "it lets <, <=, > and >= be asked of types that have no order",
	"expression-limits":  "it has no limits on the size of expressions",
	"empty-key":          "its wording for an empty key, or its lack of a refusal, is not the service's",
	"empty-index-key":    "it accepts an empty string as an index key",
	"plus":               "it refuses a plus sign before a number",
	"nesting":            "it has no limit on nesting",
	"delete-values":      "it accepts any ReturnValues of a DeleteItem",
	"select":             "it does not check Select against the other parameters",
	"unprojected":        "it returns empty items where an index lacks the attributes asked for",
	"index-capacity":     "it does not count the writes of indexes",
}

const dynaliteServer = `
const server = require('dynalite')({createTableMs: 0});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
process.stdin.on('end', () => process.exit(0)).resume();
`

// referees is the folder whose node_modules has the referees.
func referees(t *testing.T, pkg string) string {
	dir := os.Getenv("ORDERFLOW_REFEREES")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "test", "referees")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "node_modules", pkg)); err != nil {
		t.Skipf("skipped: no referee: %s is not in %s/node_modules (npm ci there installs it)", pkg, dir)
	}
	return dir
}

// client speaks the JSON protocol to a server on this machine.
type client struct {
	t    *testing.T
	base string
}

func startDynalite(t *testing.T) *client {
	dir := referees(t, "dynalite")
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("skipped: no referee: node is not installed")
	}
	cmd := exec.Command(node, "-e", dynaliteServer)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
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
	return &client{t, "http://127.0.0.1:" + strings.TrimSpace(port)}
}

// call returns the response, or "400 Code: message".
func (c *client) call(action, input string) string {
	c.t.Helper()
	req, err := http.NewRequest("POST", c.base, strings.NewReader(input))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("X-Amz-Target", "DynamoDB_20120810."+action)
	req.Header.Set("Content-Type", "application/x-amz-json-1.0")
	req.Header.Set("X-Amz-Date", "20260301T120000Z")
	req.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=local/20260301/eu-west-1/dynamodb/aws4_request, SignedHeaders=host, Signature=00")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		c.t.Fatalf("%s: %v", action, err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if res.StatusCode == http.StatusOK {
		return string(body)
	}
	var e struct {
		Type    string `json:"__type"`
		Lower   string `json:"message"`
		Capital string `json:"Message"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return res.Status + " " + string(body)
	}
	return "400 " + e.Type[strings.Index(e.Type, "#")+1:] + ": " + e.Lower + e.Capital
}

// create makes a table from CloudFormation properties.
func (c *client) create(name, props string) {
	c.t.Helper()
	var p map[string]any
	if err := json.Unmarshal([]byte(props), &p); err != nil {
		c.t.Fatal(err)
	}
	p["TableName"] = name
	p["BillingMode"] = "PAY_PER_REQUEST"
	delete(p, "TimeToLiveSpecification")
	if s, ok := p["StreamSpecification"].(map[string]any); ok {
		s["StreamEnabled"] = true
	}
	input, err := json.Marshal(p)
	if err != nil {
		c.t.Fatal(err)
	}
	if out := c.call("CreateTable", string(input)); strings.HasPrefix(out, "400 ") {
		c.t.Fatal(out)
	}
	for range 200 {
		if strings.Contains(c.call("DescribeTable", `{"TableName":"`+name+`"}`), `"TableStatus":"ACTIVE"`) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	c.t.Fatalf("table %s does not become active", name)
}

func TestRefereeDynalite(t *testing.T) {
	c := startDynalite(t)
	for _, table := range caseTables {
		c.create(table.name, table.props)
	}
	agreed := 0
	used := map[string]bool{}
	for _, tc := range readCases(t) {
		got := c.call(tc.action, tc.input)
		d := cmp.Diff(normal(t, tc.want), withoutEmpty(normal(t, got)))
		switch {
		case tc.fault != "" && dynaliteFaults[tc.fault] == "":
			t.Errorf("%s: fault %q is not explained", tc.name, tc.fault)
		case d != "" && tc.fault == "":
			t.Errorf("%s\n%s %s\n(-ours +dynalite)\n%s", tc.name, tc.action, shorten(tc.input), shorten(d))
		case d == "" && tc.fault != "":
			t.Errorf("%s: the referee agrees: fault %q does not show", tc.name, tc.fault)
		case d == "":
			agreed++
		}
		used[tc.fault] = true
	}
	for key := range dynaliteFaults {
		if !used[key] {
			t.Errorf("no case has fault %q", key)
		}
	}
	t.Logf("%d cases agree", agreed)
}

// withoutEmpty drops the empty Attributes that dynalite answers where the
// service leaves the member out.
func withoutEmpty(v any) any {
	if m, ok := v.(map[string]any); ok {
		if a, ok := m["Attributes"].(map[string]any); ok && len(a) == 0 {
			delete(m, "Attributes")
		}
	}
	return v
}
