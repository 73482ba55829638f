package sns_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/referee"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
)

// The referee for signatures is sns-validator (npm, 0.3.5), AWS's own verifier for
// Node. It is looked for in the node_modules of $ORDERFLOW_REFEREES, by default
// test/referees of this repository:
//
//	cd test/referees && npm ci
//
// The script answers its request for the certificate itself. One fault of it is
// known: of an UnsubscribeConfirmation it leaves the Token out of the string to
// sign, which the Developer Guide ("Verifying the signatures of Amazon SNS
// messages") puts in, as do messages recorded from the service. Messages of that kind
// are therefore verified with Node's crypto, over the string of the guide.
const validator = `
const https = require('https'), crypto = require('crypto'), {EventEmitter} = require('events');
const {cert, certURL, messages} = JSON.parse(require('fs').readFileSync(0, 'utf8'));
https.get = (url, cb) => {
  const res = new EventEmitter();
  res.statusCode = url === certURL ? 200 : 404;
  cb(res);
  if (res.statusCode === 200) { res.emit('data', Buffer.from(cert)); res.emit('end'); }
  return new EventEmitter();
};
const Validator = require('sns-validator');
const byGuide = m => {
  const text = ['Message', 'MessageId', 'SubscribeURL', 'Timestamp', 'Token', 'TopicArn', 'Type'].map(k => k + '\n' + m[k] + '\n').join('');
  return crypto.createVerify(m.SignatureVersion === '1' ? 'RSA-SHA1' : 'RSA-SHA256').update(text, 'utf8').verify(cert, m.Signature, 'base64');
};
const out = [];
for (const m of messages) {
  new Validator().validate(m, err => out.push(err ? err.message : 'valid'));
  const parsed = JSON.parse(m);
  if (parsed.Type === 'UnsubscribeConfirmation') out.push(byGuide(parsed) ? 'valid by the guide' : 'invalid');
}
console.log(JSON.stringify(out));
`

func TestMessagesAgainstSnsValidator(t *testing.T) {
	dir := referee.Node(t, "sns-validator")
	for _, version := range []string{"1", "2"} {
		f := newFixture(t, sns.TopicProperties{SignatureVersion: version})
		sub := f.subscribe(sns.SubscriptionProperties{Protocol: "https", Endpoint: hook})
		f.subscribe(sns.SubscriptionProperties{Protocol: "lambda", Endpoint: function})
		f.k.Advance(time.Second)
		request := parsed(t, f.posts[0].body)
		f.serve("GET", request["SubscribeURL"].(string))
		f.publish(m{"Message": "plain"})
		f.publish(m{"Message": "ünïcödé \U0001F4E6 <&> \"quoted\"\n\tsecond line \u2028 \\", "Subject": "Grüße", "MessageAttributes": attributes})
		f.serve("GET", "https://sns.eu-central-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn="+sub.ARN)
		f.k.Advance(time.Second)

		var messages []string
		for _, p := range f.posts {
			messages = append(messages, p.body)
		}
		for _, c := range f.calls {
			var in struct {
				Payload struct {
					Records []struct{ Sns json.RawMessage }
				}
			}
			if err := json.Unmarshal(c.Input, &in); err != nil {
				t.Fatal(err)
			}
			messages = append(messages, string(in.Payload.Records[0].Sns))
		}
		messages = append(messages, strings.Replace(messages[1], "plain", "forged", 1))

		var cert []byte
		r, err := http.NewRequest("GET", request["SigningCertURL"].(string), nil)
		if err != nil {
			t.Fatal(err)
		}
		f.s.Serve(r, func(_ int, _ http.Header, b []byte) { cert = b })
		in, err := json.Marshal(m{"cert": string(cert), "certURL": request["SigningCertURL"], "messages": messages})
		if err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("node", "-e", validator)
		cmd.Dir, cmd.Stdin = dir, bytes.NewReader(in)
		b := referee.Run(t, cmd)
		var got []string
		if err := json.Unmarshal(b, &got); err != nil {
			t.Fatalf("%v: %s", err, b)
		}
		want := []string{
			"valid",          // SubscriptionConfirmation
			"valid", "valid", // Notifications
			"The message signature is invalid.", "valid by the guide", // UnsubscribeConfirmation: the fault
			"valid", "valid", // of the function's events
			"The message signature is invalid.", // forged
		}
		if strings.Join(got, "\n") != strings.Join(want, "\n") {
			t.Errorf("version %s:\ngot  %q\nwant %q", version, got, want)
		}
	}
}
