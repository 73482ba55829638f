package appsync_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

const eventSchema = `
type Event { id: ID! type: String! orderId: ID! tenant: String! status: String! previousStatus: String sequence: Int! occurredAt: AWSDateTime! changes: AWSJSON! extra: String }
input EventInput { id: ID! type: String! orderId: ID! tenant: String! status: String! previousStatus: String sequence: Int! occurredAt: AWSDateTime! changes: AWSJSON! extra: String }
type Query { none: String }
type Mutation { publish(event: EventInput!): Event }
type Subscription { onEvent(orderId: ID, tenant: String): Event @aws_subscribe(mutations: ["publish"]) }
`

const eventFields = "id type orderId tenant status previousStatus sequence occurredAt changes extra"

func eventAPI(b testing.TB) (*sim.Kernel, *appsync.API) {
	s := stack{schema: eventSchema, resolvers: map[string]string{
		"Mutation.publish": `export function request(ctx) { return { payload: ctx.args.event }; } export function response(ctx) { return ctx.result; }`,
	}}
	k := sim.New(start, 1)
	a, err := appsync.New(k, api.Func(func(api.Call) ([]byte, error) { return nil, nil }), s.config, s.list())
	if err != nil {
		b.Fatal(err)
	}
	return k, a
}

func publish(a *appsync.API, order string) *appsync.Request {
	key := appsync.KeyValue("Key")
	body, err := json.Marshal(m{"query": "mutation P($event: EventInput!) {publish(event: $event) {" + eventFields + "}}", "variables": m{"event": m{
		"id": order + ":1", "type": "order.paid", "orderId": order, "tenant": "acme", "status": "PAID", "sequence": 1,
		"occurredAt": "2026-01-02T03:04:05.000Z", "changes": `{"results":{"Charge":{"chargeId":"ch_1"}}}`, "extra": "x",
	}}})
	if err != nil {
		panic(err)
	}
	return &appsync.Request{Method: "POST", Path: "/graphql", Header: http.Header{"X-Api-Key": {key}}, Body: body}
}

// BenchmarkMutation is one mutation of ten fields through a NONE data source.
func BenchmarkMutation(b *testing.B) {
	_, a := eventAPI(b)
	r := publish(a, "o1")
	b.ReportAllocs()
	for b.Loop() {
		a.Serve(r, func(res *appsync.Response) {
			if res.Status != 200 || len(res.Body) < 100 {
				b.Fatalf("%d %s", res.Status, res.Body)
			}
		})
	}
}

// subscribeMany connects clients, ten subscriptions each, to an order each or, if shared, to one.
func subscribeMany(b testing.TB, k *sim.Kernel, a *appsync.API, n int, shared bool, frames *int) {
	key := appsync.KeyValue("Key")
	credentials := map[string]string{"host": "h", "x-api-key": key}
	var c *appsync.Connection
	for i := range n {
		if i%10 == 0 {
			var err error
			c, err = a.Connect(&appsync.Request{Path: "/graphql", Header: http.Header{"Sec-Websocket-Protocol": {"graphql-ws, header-" + encodeHeader(credentials)}}},
				func([]byte) { *frames++ }, func(int, string) {})
			if err != nil {
				b.Fatal(err)
			}
		}
		order := fmt.Sprint("o", i)
		if shared {
			order = "o1"
		}
		data, _ := json.Marshal(m{"query": "subscription S($o: ID) {onEvent(orderId: $o) {" + eventFields + "}}", "variables": m{"o": order}})
		frame, _ := json.Marshal(m{"id": fmt.Sprint(i), "type": "start", "payload": m{"data": string(data), "extensions": m{"authorization": credentials}}})
		c.Receive(frame)
	}
	k.Advance(time.Millisecond)
	if *frames != n || a.Subscriptions() != n {
		b.Fatalf("%d acknowledged, %d subscriptions", *frames, a.Subscriptions())
	}
	*frames = 0
}

// BenchmarkPublish1000 is a mutation with 1,000 subscribers, of whom one is to get it.
func BenchmarkPublish1000(b *testing.B) {
	k, a := eventAPI(b)
	var frames int
	subscribeMany(b, k, a, 1000, false, &frames)
	r := publish(a, "o1")
	for b.Loop() {
		a.Serve(r, func(*appsync.Response) {})
	}
	if frames != b.N {
		b.Fatalf("%d frames, want %d", frames, b.N)
	}
}

// BenchmarkBroadcast1000 is a mutation that all of 1,000 subscribers get.
func BenchmarkBroadcast1000(b *testing.B) {
	k, a := eventAPI(b)
	var frames int
	subscribeMany(b, k, a, 1000, true, &frames)
	r := publish(a, "o1")
	for b.Loop() {
		a.Serve(r, func(*appsync.Response) {})
	}
	if frames != 1000*b.N {
		b.Fatalf("%d frames, want %d", frames, 1000*b.N)
	}
}
