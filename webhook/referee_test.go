package webhook_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/webhook"
)

// The referee is the npm package standardwebhooks 1.1.1, by the specification's
// authors, in node. It is looked for in $ORDERFLOW_REFEREES/node_modules, by
// default in test/referees of this repository:
//
//	cd test/referees && npm install
//
// It reads {"secret", "id", "time", "body", "verify"?} and answers {"signature", "accepted"?}:
// what it signs, and whether it accepts the signatures in verify.
const refereeProgram = `
const { Webhook } = require("standardwebhooks");
let input = "";
process.stdin.on("data", (c) => (input += c)).on("end", () => {
  const out = JSON.parse(input).map((q) => {
    const w = new Webhook(q.secret);
    let accepted;
    try {
      w.verify(q.body, { "webhook-id": q.id, "webhook-timestamp": String(q.time), "webhook-signature": q.verify });
      accepted = true;
    } catch (e) {
      accepted = false;
    }
    return { signature: w.sign(q.id, new Date(q.time * 1000), q.body), accepted };
  });
  process.stdout.write(JSON.stringify(out));
});`

type question struct {
	Secret string `json:"secret"`
	ID     string `json:"id"`
	Time   int64  `json:"time"`
	Body   string `json:"body"`
	Verify string `json:"verify"`
}

type verdict struct {
	Signature string `json:"signature"`
	Accepted  bool   `json:"accepted"`
}

func ask(t *testing.T, questions []question) []verdict {
	t.Helper()
	folder := referee.Node(t, "standardwebhooks")
	in, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", "-e", refereeProgram)
	cmd.Dir, cmd.Stdin = folder, bytes.NewReader(in)
	out := referee.Run(t, cmd)
	var verdicts []verdict
	if err := json.Unmarshal(out, &verdicts); err != nil || len(verdicts) != len(questions) {
		t.Fatalf("%v: %s", err, out)
	}
	return verdicts
}

func TestStandardWebhooksOfNode(t *testing.T) {
	at := time.Now()
	bodies := []string{`{"id":"k-MQ-YWNtZQ:3","type":"order.paid"}`, `""`, `{"a":"ü€😀\u2028\n"}`, `[1, 2.50, -0]`}
	var questions []question
	for i, body := range bodies {
		for _, s := range []string{secret, otherSecret, webhook.NewSecret()} {
			q := question{Secret: s, ID: "k-MQ-YWNtZQ:" + string(rune('1'+i)), Time: at.Unix(), Body: body}
			mine := sign(t, s, q.ID, at, body)
			q.Verify = sign(t, webhook.NewSecret(), q.ID, at, body) + " " + mine // as while a secret is rotated
			questions = append(questions, q)
			q.Verify = sign(t, webhook.NewSecret(), q.ID, at, body)
			questions = append(questions, q)
		}
	}
	for i, v := range ask(t, questions) {
		q := questions[i]
		if want := i%2 == 0; v.Accepted != want {
			t.Errorf("%s: accepted: %v, want %v", q.Body, v.Accepted, want)
		}
		h := signed(t, q.ID, at, q.Body, q.Secret)
		h.Set(webhook.HeaderSignature, v.Signature)
		r := newReceiver(t, webhook.Options{Secrets: []string{q.Secret}, Now: time.Now})
		if _, err := r.Verify(context.Background(), h, []byte(q.Body)); err != nil {
			t.Errorf("%s: what node signed is refused: %v", q.Body, err)
		}
	}
}
