package iam_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/iam"
	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// refereeCase is a request with the policies that decide it.
type refereeCase struct {
	Who      string              `json:"who"`
	Account  string              `json:"account"`
	Action   string              `json:"action"`
	Resource string              `json:"resource"`
	Context  map[string][]string `json:"-"`
	Values   map[string]any      `json:"context"` // Context, with keys of one value as such
	Identity map[string]any      `json:"identity,omitempty"`
	Policy   map[string]any      `json:"policy,omitempty"`
}

// The referee is the npm package @cloud-copilot/iam-simulate, an evaluator of policies that was made
// independently. What is asked is random, from parts that meet each other often.
func TestDecisionsAreThoseOfTheReferee(t *testing.T) {
	folder := referee.Node(t, "@cloud-copilot/iam-simulate")
	const n = 5_000
	r := rand.New(rand.NewPCG(1, 2))
	cases := make([]refereeCase, n)
	var input bytes.Buffer
	encoder := json.NewEncoder(&input)
	for i := range cases {
		cases[i] = randomCase(r)
		if err := encoder.Encode(cases[i]); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("node", filepath.Join("testdata", "simulate.mjs"), folder)
	cmd.Stdin = &input
	answers := strings.Split(strings.TrimSpace(string(referee.Run(t, cmd))), "\n")
	if len(answers) != n {
		t.Fatalf("%d answers to %d cases", len(answers), n)
	}
	counts := map[string]int{}
	for i, c := range cases {
		got := ours(t, c)
		counts[got]++
		if got != answers[i] {
			text, _ := json.Marshal(c)
			t.Errorf("%s, and the referee says %s:\n%s", got, answers[i], text)
			if counts["different"]++; counts["different"] == 10 {
				t.FailNow()
			}
		}
	}
	for _, outcome := range []string{"Allowed", "ImplicitlyDenied", "ExplicitlyDenied"} {
		if counts[outcome] < n/20 {
			t.Errorf("only %d of %d cases are %s: the cases test little", counts[outcome], n, outcome)
		}
	}
}

func ours(t *testing.T, c refereeCase) string {
	t.Helper()
	var identity, resource []*iam.Document
	for policy, to := range map[*map[string]any]*[]*iam.Document{&c.Identity: &identity, &c.Policy: &resource} {
		if *policy == nil {
			continue
		}
		text, err := json.Marshal(*policy)
		if err != nil {
			t.Fatal(err)
		}
		*to = append(*to, parse(t, string(text)))
	}
	who := iam.Principal{ARN: c.Who, Account: account}
	if !strings.HasPrefix(c.Who, "arn:") {
		who = iam.Principal{Service: c.Who, Account: account}
	}
	d := iam.Decide(iam.Request{Principal: who, Action: c.Action, Resource: c.Resource, Context: c.Context}, identity, resource)
	switch {
	case d.Allowed:
		return "Allowed"
	case d.By != nil:
		return "ExplicitlyDenied"
	}
	return "ImplicitlyDenied"
}

func pick[T any](r *rand.Rand, all ...T) T { return all[r.IntN(len(all))] }

func some[T any](r *rand.Rand, all ...T) any {
	if r.IntN(2) == 0 {
		return pick(r, all...)
	}
	return []T{pick(r, all...), pick(r, all...)}
}

func randomCase(r *rand.Rand) refereeCase {
	c := refereeCase{
		Account:  account,
		Who:      pick(r, roleARN, roleARN, "arn:aws:iam::123456789012:user/ada", "sns.amazonaws.com"),
		Action:   pick(r, "sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"),
		Resource: pick(r, queue, "arn:aws:sqs:eu-central-1:123456789012:other"),
		Context:  map[string][]string{},
	}
	for key, values := range map[string][]string{
		"aws:SourceArn": {"arn:aws:sns:eu-central-1:123456789012:topic"}, "aws:SecureTransport": {pick(r, "true", "false")}, "aws:username": {"ada"},
		"aws:CurrentTime": {"2026-01-01T12:00:00Z"}, "aws:SourceIp": {"10.1.2.3"}, "aws:MultiFactorAuthAge": {"7"}, "aws:TagKeys": {"a", "b"},
	} {
		if r.IntN(4) > 0 {
			c.Context[strings.ToLower(key)] = values
		}
	}
	c.Values = map[string]any{}
	for key, values := range c.Context {
		c.Values[key] = values
		if len(values) == 1 {
			c.Values[key] = values[0]
		}
	}
	if c.Who != "sns.amazonaws.com" && r.IntN(4) > 0 {
		c.Identity = randomPolicy(r, false)
	}
	if r.IntN(2) == 0 {
		c.Policy = randomPolicy(r, true)
	}
	return c
}

func randomPolicy(r *rand.Rand, ofResource bool) map[string]any {
	var statements []any
	for range 1 + r.IntN(3) {
		s := map[string]any{"Effect": pick(r, "Allow", "Allow", "Allow", "Deny")}
		s[pick(r, "Action", "Action", "Action", "NotAction")] = some(r, "sqs:SendMessage", "sqs:*", "SQS:send*", "sqs:?eceiveMessage", "sqs:Delete*", "*", "sns:Publish")
		s[pick(r, "Resource", "Resource", "Resource", "NotResource")] = some(r, "*", queue, "arn:aws:sqs:*:123456789012:o*", "arn:aws:sqs:eu-central-1:*:other", "arn:aws:sqs:eu-central-1:123456789012:orde??",
			"arn:aws:sqs:*:*:*", "arn:aws:sns:*:*:*")
		if ofResource {
			s[pick(r, "Principal", "Principal", "Principal", "Principal", "Principal", "NotPrincipal")] = pick[any](r, map[string]any{"AWS": roleARN}, map[string]any{"AWS": []string{"arn:aws:iam::123456789012:user/ada", roleARN}},
				map[string]any{"Service": "sns.amazonaws.com"}, map[string]any{"AWS": "arn:aws:iam::123456789012:root"}, map[string]any{"AWS": "123456789012"})
			if _, ok := s["NotPrincipal"]; ok {
				s["Effect"] = "Deny" // with Allow it is not to be used (IAM JSON policy elements: NotPrincipal)
			} else if r.IntN(4) == 0 {
				s["Principal"] = "*"
			}
		}
		if r.IntN(2) == 0 {
			s["Condition"] = randomCondition(r)
		}
		statements = append(statements, s)
	}
	return map[string]any{"Version": "2012-10-17", "Statement": statements}
}

func randomCondition(r *rand.Rand) map[string]any {
	type choice struct {
		operators []string
		key       string
		values    any
	}
	c := pick(r,
		choice{[]string{"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike"}, "aws:username", some(r, "ada", "ADA", "a?a", "a*", "${aws:username}", "eve")},
		choice{[]string{"ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"}, "aws:SourceArn", some(r, "arn:aws:sns:eu-central-1:123456789012:topic", "arn:aws:sns:*:*:top*", "arn:aws:sqs:*:*:*", "arn:aws:sns:eu-*:123456789012:t?pic")},
		choice{[]string{"Bool"}, "aws:SecureTransport", pick(r, "true", "false")},
		choice{[]string{"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals"}, "aws:MultiFactorAuthAge", some(r, "6", "7", "8", "7.0")},
		choice{[]string{"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals"}, "aws:CurrentTime", some(r, "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z", "2025-12-31T23:59:59Z")},
		choice{[]string{"IpAddress", "NotIpAddress"}, "aws:SourceIp", some(r, "10.0.0.0/8", "10.1.2.3", "192.168.0.0/16")},
		choice{[]string{"ForAllValues:StringEquals", "ForAnyValue:StringEquals", "ForAllValues:StringLike", "ForAnyValue:StringLike", "ForAllValues:StringNotEquals", "ForAnyValue:StringNotEquals"}, "aws:TagKeys", some(r, "a", "b", "c", "?")},
		choice{[]string{"Null"}, pick(r, "aws:username", "aws:SourceIp", "aws:TagKeys"), pick(r, "true", "false")},
	)
	operator := pick(r, c.operators...)
	if operator != "Null" && !strings.Contains(operator, ":") && r.IntN(4) == 0 {
		operator += "IfExists"
	}
	return map[string]any{operator: map[string]any{c.key: c.values}}
}
