package appsyncjs_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

var epoch = time.Date(2026, 3, 1, 12, 30, 45, 678_000_000, time.UTC)

func newRuntime(log func(string)) *appsyncjs.Runtime {
	return appsyncjs.New(appsyncjs.Env{Now: func() time.Time { return epoch }, Rand: rand.New(rand.NewPCG(1, 2)), Log: log})
}

func compile(t testing.TB, code string) *appsyncjs.Program {
	t.Helper()
	p, err := appsyncjs.Compile("code.js", code)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const filterCode = `import { util, extensions } from '@aws-appsync/utils';

export function request(ctx) {
  if (!ctx.args.orderId.endsWith('-' + ctx.identity.resolverContext.tag)) {
    util.unauthorized();
  }
  return { payload: null };
}

export function response(ctx) {
  const filter = { tenant: { eq: ctx.identity.resolverContext.tenant }, orderId: { eq: ctx.args.orderId } };
  extensions.setSubscriptionFilter(util.transform.toSubscriptionFilter(filter));
  return null;
}
`

func TestSubscriptionHandler(t *testing.T) {
	p := compile(t, filterCode)
	rt := newRuntime(nil)
	ctx := &appsyncjs.Context{
		Arguments: json.RawMessage(`{"orderId":"1-YWNtZQ"}`),
		Identity:  json.RawMessage(`{"resolverContext":{"tenant":"acme","tag":"YWNtZQ"}}`),
	}
	r, err := rt.Call(p, "request", ctx)
	if err != nil || string(r.Value) != `{"payload":null}` {
		t.Errorf("request: %s, %v", r.Value, err)
	}
	r, err = rt.Call(p, "response", ctx)
	want := `{"filterGroup":[{"filters":[{"fieldName":"tenant","operator":"eq","value":"acme"},{"fieldName":"orderId","operator":"eq","value":"1-YWNtZQ"}]}]}`
	if err != nil || string(r.SubscriptionFilter) != want {
		t.Errorf("response: %s, %v", r.SubscriptionFilter, err)
	}
	ctx.Arguments = json.RawMessage(`{"orderId":"1-b3RoZXI"}`)
	var refused *appsyncjs.Error
	if _, err = rt.Call(p, "request", ctx); !errors.As(err, &refused) || !refused.Unauthorized {
		t.Errorf("somebody else's order: %v", err)
	}
}

func BenchmarkCall(b *testing.B) {
	p := compile(b, filterCode)
	rt := newRuntime(nil)
	ctx := &appsyncjs.Context{
		Arguments: json.RawMessage(`{"orderId":"1-YWNtZQ"}`),
		Identity:  json.RawMessage(`{"resolverContext":{"tenant":"acme","tag":"YWNtZQ"}}`),
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rt.Call(p, "response", ctx); err != nil {
			b.Fatal(err)
		}
	}
}
