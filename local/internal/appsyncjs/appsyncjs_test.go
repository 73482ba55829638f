package appsyncjs_test

import (
	"encoding/json"
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

func TestFirst(t *testing.T) {
	p := compile(t, filterCode)
	rt := newRuntime(nil)
	ctx := &appsyncjs.Context{
		Arguments: json.RawMessage(`{"orderId":"1-YWNtZQ"}`),
		Identity:  json.RawMessage(`{"resolverContext":{"tenant":"acme","tag":"YWNtZQ"}}`),
	}
	r, err := rt.Call(p, "request", ctx)
	t.Logf("%s %+v %v", r.Value, r, err)
	r, err = rt.Call(p, "response", ctx)
	t.Logf("%s %s %v", r.Value, r.SubscriptionFilter, err)
	ctx.Arguments = json.RawMessage(`{"orderId":"1-YWNt"}`)
	ctx.Info = appsyncjs.Info{FieldName: "onOrderStatus", ParentTypeName: "Subscription"}
	r, err = rt.Call(p, "request", ctx)
	t.Logf("%s %#v", r.Value, err)
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
