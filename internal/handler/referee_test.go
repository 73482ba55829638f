package handler_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// The referee is the npm package standardwebhooks 1.1.1, by the specification's authors, as
// a customer in another language uses it. It is looked for in
// $ORDERFLOW_REFEREES/node_modules, by default in test/referees of this repository:
//
//	cd test/referees && npm install
const customerProgram = `
const { Webhook } = require("standardwebhooks");
let input = "";
process.stdin.on("data", (c) => (input += c)).on("end", () => {
  console.log(JSON.stringify(JSON.parse(input).map(({ secret, headers, body }) => {
    try { return new Webhook(secret).verify(body, headers).id; } catch (e) { return "refused"; }
  })));
});`

// The requests of the function, header and body as they are, in the middle of a rotation
// and after it.
func TestNodeAcceptsDeliveries(t *testing.T) {
	if testing.Short() {
		t.Skip("starts Node")
	}
	folder := referee.Node(t, "standardwebhooks")
	type question struct {
		Secret  string            `json:"secret"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	}
	var questions []question
	var want []string
	ask := func(secret, answer string, p post, body string) {
		q := question{secret, map[string]string{}, body}
		for name, values := range p.header {
			for _, v := range values {
				q.Headers[name] = v
			}
		}
		questions, want = append(questions, q), append(want, answer)
	}
	for _, rotation := range []struct {
		ends time.Duration
		old  string
	}{{time.Hour, eventID}, {-time.Second, "refused"}} {
		o := newOutpost(t)
		o.clock = time.Now() // the package refuses what is older than five minutes
		o.endpoint("we_a", "secret", awstest.S(newSecret), "previousSecret", awstest.S(oldSecret),
			"previousSecretUntil", awstest.S(o.clock.Add(rotation.ends).UTC().Format("2006-01-02T15:04:05.000Z")))
		o.enqueue("we_a", paidEvent(eventID))
		if o.receive() != 0 || len(o.posts) != 1 {
			t.Fatal(o.log.String())
		}
		p := o.posts[0]
		ask(newSecret, eventID, p, p.body)
		ask(oldSecret, rotation.old, p, p.body)
		ask(newSecret, "refused", p, p.body+" ")
		ask("whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVpBQkNERUY=", "refused", p, p.body)
	}
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", customerProgram)
	cmd.Dir, cmd.Stdin = folder, bytes.NewReader(in)
	out := referee.Run(t, cmd)
	var got []string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}
