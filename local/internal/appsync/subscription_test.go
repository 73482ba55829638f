package appsync_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

const ack = `{"type":"connection_ack","payload":{"connectionTimeoutMs":300000}}`

func (w *world) keyHeader() map[string]string {
	value := appsync.KeyValue("Key")
	return map[string]string{"host": "localhost", "x-api-key": value}
}

// ready is a connected client that has been greeted.
func (w *world) ready() *client {
	c := w.connect(w.keyHeader())
	c.send(`{"type":"connection_init"}`)
	c.expect("greeting", ack, `{"type":"ka"}`)
	return c
}

func (w *world) put(item, selection string) {
	w.query("mutation {put(item: "+item+") {"+selection+"}}", nil, nil)
}

func startAck(id string) string { return `{"type":"start_ack","id":"` + id + `"}` }

func TestSubscribersGetWhatMutationsSelect(t *testing.T) {
	s := itemStack()
	var traced []string
	s.config.OnFrame = func(at time.Time, subscription string, frame []byte) {
		traced = append(traced, subscription+" "+string(frame))
	}
	w := s.new(t)
	c := w.ready()
	c.start("1", `subscription {onPut {id name size data}}`, nil, w.keyHeader())
	c.expect("start", startAck("1"))
	w.put(`{id: "a", name: "n", size: 3, data: "{\"b\":1}"}`, "id data alias: name")
	frame := `{"id":"1","type":"data","payload":{"data":{"onPut":{"id":"a","name":"n","size":null,"data":"{\"b\":1}"}}}}`
	c.expect("an event", frame)
	equal(t, "trace", "onPut "+frame, strings.Join(traced, "\n"))
	w.put(`{id: "a"}`, "name")
	c.expect("an event without what may not be null", `{"id":"1","type":"data","payload":{"data":{"onPut":null},"errors":[{"path":["onPut","id"],"locations":null,`+
		`"message":"Cannot return null for non-nullable type: 'ID' within parent 'Item' (/onPut/id)"}]}}`)
	c.send(`{"type":"stop","id":"1"}`)
	c.expect("stop", `{"type":"complete","id":"1"}`)
	w.put(`{id: "a"}`, "id")
	c.expect("after stop")
	if w.api.Subscriptions() != 0 || w.api.Connections() != 1 {
		t.Errorf("%d subscriptions, %d connections", w.api.Subscriptions(), w.api.Connections())
	}
	c.conn.Close()
	if w.api.Connections() != 0 {
		t.Error("still connected")
	}
}

func TestArgumentsFilter(t *testing.T) {
	w := itemStack().new(t)
	c := w.ready()
	for id, args := range []string{"", `(id: "a")`, `(id: "b")`, `(id: "a", name: "n")`, `(name: null)`} {
		c.start(fmt.Sprint(id), `subscription {onPut`+args+` {id}}`, nil, w.keyHeader())
	}
	c.take()
	got := func() string {
		var ids []string
		for _, f := range c.take() {
			ids = append(ids, f[7:8])
		}
		return strings.Join(ids, "")
	}
	w.put(`{id: "a", name: "n"}`, "id name")
	equal(t, "a, n", "013", got())
	w.put(`{id: "a", name: null}`, "id name")
	equal(t, "a, null", "014", got())
	w.put(`{id: "b", name: "n"}`, "name id")
	equal(t, "b, n", "02", got())
	w.put(`{id: "a", name: "n"}`, "name")
	equal(t, "id not selected", "0", got())
}

// filtered is an API whose subscription's filter is what its argument says.
func filtered() stack {
	s := itemStack()
	s.schema = strings.Replace(itemSchema, "onPut(id: ID, name: String)", "onPut(filter: AWSJSON)", 1)
	s.resolvers["Subscription.onPut"] = `
import { extensions, util } from '@aws-appsync/utils';
export function request(ctx) { if (!ctx.args.filter) { util.error("nothing to filter by", "NoFilter"); } return { payload: null }; }
export function response(ctx) { extensions.setSubscriptionFilter(ctx.args.filter); return null; }`
	return s
}

func TestEnhancedFilters(t *testing.T) {
	const item = `{id: "abc", name: "north", size: 5, kind: B, tags: ["x", "y"], data: "1"}`
	for _, tt := range []struct {
		filter string
		want   bool
	}{
		{`{"fieldName":"size","operator":"eq","value":5}`, true},
		{`{"fieldName":"size","operator":"eq","value":5.0}`, true},
		{`{"fieldName":"size","operator":"eq","value":"5"}`, false},
		{`{"fieldName":"kind","operator":"ne","value":"A"}`, true},
		{`{"fieldName":"kind","operator":"ne","value":"B"}`, false},
		{`{"fieldName":"size","operator":"le","value":5}`, true},
		{`{"fieldName":"size","operator":"lt","value":5}`, false},
		{`{"fieldName":"size","operator":"ge","value":5}`, true},
		{`{"fieldName":"size","operator":"gt","value":4}`, true},
		{`{"fieldName":"name","operator":"gt","value":"north"}`, false},
		{`{"fieldName":"size","operator":"between","value":[5,6]}`, true},
		{`{"fieldName":"size","operator":"between","value":[6,7]}`, false},
		{`{"fieldName":"name","operator":"contains","value":"ort"}`, true},
		{`{"fieldName":"name","operator":"notContains","value":"ort"}`, false},
		{`{"fieldName":"name","operator":"beginsWith","value":"nor"}`, true},
		{`{"fieldName":"name","operator":"beginsWith","value":"ort"}`, false},
		{`{"fieldName":"tags","operator":"contains","value":"y"}`, true},
		{`{"fieldName":"tags","operator":"containsAny","value":["z","x"]}`, true},
		{`{"fieldName":"tags","operator":"containsAny","value":["z"]}`, false},
		{`{"fieldName":"tags","operator":"notContains","value":"y"}`, false},
		{`{"fieldName":"id","operator":"in","value":["abc","d"]}`, true},
		{`{"fieldName":"id","operator":"notIn","value":["abc","d"]}`, false},
		{`{"fieldName":"owner.name","operator":"eq","value":"o"}`, false},
		{`{"fieldName":"size","operator":"eq","value":5},{"fieldName":"id","operator":"eq","value":"other"}`, false},
		{`{"fieldName":"size","operator":"eq","value":9}]},{"filters":[{"fieldName":"id","operator":"eq","value":"abc"}`, true},
		{`{"fieldName":"id","operator":"eq","value":"abc"},{"fieldName":"size","operator":"eq","value":9}]},{"filters":[{"fieldName":"id","operator":"eq","value":"abc"}`, true},
	} {
		t.Run(tt.filter, func(t *testing.T) {
			w := filtered().new(t)
			c := w.ready()
			c.start("1", `subscription S($f: AWSJSON) {onPut(filter: $f) {id}}`, m{"f": `{"filterGroup":[{"filters":[` + tt.filter + `]}]}`}, w.keyHeader())
			c.expect("start", startAck("1"))
			w.put(item, "id name size kind tags")
			if got := len(c.take()) == 1; got != tt.want {
				t.Errorf("delivered: %v", got)
			}
		})
	}
}

func TestSubscriptionsThatAreRefused(t *testing.T) {
	w := filtered().new(t)
	c := w.ready()
	filter := func(s string) m { return m{"f": s} }
	const q = `subscription S($f: AWSJSON) {onPut(filter: $f) {id}}`
	for _, tt := range []struct {
		name, query string
		variables   any
		auth        map[string]string
		want        string
	}{
		{"by its resolver", q, nil, w.keyHeader(), `{"errorType":"NoFilter","message":"nothing to filter by"}`},
		{"an unknown operator", q, filter(`{"filterGroup":[{"filters":[{"fieldName":"id","operator":"like","value":1}]}]}`), w.keyHeader(),
			`{"errorType":"Code","message":"extensions.setSubscriptionFilter: unknown operator \"like\""}`},
		{"too many values", q, filter(`{"filterGroup":[{"filters":[{"fieldName":"id","operator":"in","value":[1,2,3,4,5,6]}]}]}`), w.keyHeader(),
			`{"errorType":"Code","message":"extensions.setSubscriptionFilter: in of id takes up to 5 values, got 6"}`},
		{"too deep a field", q, filter(`{"filterGroup":[{"filters":[{"fieldName":"a.b.c.d.e.f","operator":"eq","value":1}]}]}`), w.keyHeader(),
			`{"errorType":"Code","message":"extensions.setSubscriptionFilter: the fieldName \"a.b.c.d.e.f\" must have 1–256 characters and at most 5 levels"}`},
		{"without credentials", q, nil, map[string]string{"host": "x"}, `{"errorType":"UnauthorizedException","message":"You are not authorized to make this call."}`},
		{"a query", `{echo}`, nil, w.keyHeader(), `{"errorType":"UnsupportedOperation","message":"query not supported through the realtime channel"}`},
		{"no GraphQL", `{`, nil, w.keyHeader(), `{"errorType":"MalformedHttpRequestException","message":"Unable to parse GraphQL query."}`},
		{"an unknown field", `subscription {no}`, nil, w.keyHeader(), `{"message":"Validation error of type FieldUndefined: Field 'no' in type 'Subscription' is undefined @ 'no'"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.start("x", tt.query, tt.variables, tt.auth)
			c.expect("start", `{"id":"x","type":"error","payload":{"errors":[`+tt.want+`]}}`)
		})
	}
	if w.api.Subscriptions() != 0 {
		t.Errorf("%d subscriptions", w.api.Subscriptions())
	}
}

func TestFieldsThatASubscriberMayNotSee(t *testing.T) {
	s := itemStack()
	s.schema = strings.Replace(itemSchema, "onPut(id: ID, name: String): Item", "onPut(id: ID): Item @aws_iam", 1)
	s.schema = strings.Replace(s.schema, "type Item {", "type Item @aws_iam @aws_api_key { secret: String @aws_api_key", 1)
	s.props = m{"AdditionalAuthenticationProviders": []m{{"AuthenticationType": "AWS_IAM"}}}
	w := s.new(t)
	c := w.ready()
	c.start("1", `subscription {onPut {id}}`, nil, w.keyHeader())
	c.expect("the field", `{"id":"1","type":"error","payload":{"errors":[{"errorType":"Unauthorized","message":"Not Authorized to access onPut on type Subscription"}]}}`)
	role := w.upgrade(&appsync.Request{Path: "/graphql", Caller: "arn:aws:iam::123456789012:role/r", Header: http.Header{"Sec-Websocket-Protocol": {"graphql-ws"}}})
	role.start("1", `subscription {onPut {id secret}}`, nil, nil)
	role.expect("a field below", `{"id":"1","type":"error","payload":{"errors":[{"errorType":"Unauthorized","message":"Not Authorized to access secret on type Item"}]}}`)
	role.start("1", `subscription {onPut {id}}`, nil, nil)
	role.expect("what it may see", startAck("1"))
}

func TestTheProtocol(t *testing.T) {
	w := itemStack().new(t)
	c := w.ready()
	c.send(`{`)
	if f := c.take(); len(f) != 1 || !strings.Contains(f[0], `"errorType":"BadRequestException"`) {
		t.Errorf("malformed: %v", f)
	}
	c.send(`{"id":"1","type":"subscribe"}`)
	c.expect("unknown type", `{"id":"1","type":"error","payload":{"errors":[{"errorType":"UnsupportedOperation","message":"unknown not supported through the realtime channel"}]}}`)
	c.send(`{"id":"1","type":"stop"}`)
	c.expect("stop of nothing", `{"id":"1","type":"error","payload":{"errors":[{"errorType":"UnknownOperationError","message":"the connection has no subscription of this id"}]}}`)
	for i := range 100 {
		c.start(fmt.Sprint(i), `subscription {onPut {id}}`, nil, w.keyHeader())
	}
	c.take()
	c.start("7", `subscription {onPut {id}}`, nil, w.keyHeader())
	c.expect("a second of an id", `{"id":"7","type":"error","payload":{"errors":[{"errorType":"DuplicatedOperationError","message":"the connection has a subscription of this id already"}]}}`)
	c.start("100", `subscription {onPut {id}}`, nil, w.keyHeader())
	c.expect("the 101st", `{"id":"100","type":"error","payload":{"errors":[{"errorType":"MaxSubscriptionsReachedError","message":"Max number of 100 subscriptions reached"}]}}`)
	w.k.Advance(2 * time.Minute)
	c.expect("two minutes", `{"type":"ka"}`, `{"type":"ka"}`)
	if !w.k.Idle() {
		t.Error("an open connection keeps the simulation busy")
	}
	w.k.Advance(24 * time.Hour)
	if c.code != 1001 || w.api.Connections() != 0 || w.api.Subscriptions() != 0 {
		t.Errorf("after a day: code %d, %d connections, %d subscriptions", c.code, w.api.Connections(), w.api.Subscriptions())
	}
}

func TestConnectionsThatAreRefused(t *testing.T) {
	w := itemStack().new(t)
	protocols := func(p string) *appsync.Request {
		return &appsync.Request{Path: "/graphql", Header: http.Header{"Sec-Websocket-Protocol": {p}}}
	}
	for _, tt := range []struct {
		name string
		r    *appsync.Request
		want string
	}{
		{"no subprotocol", &appsync.Request{Path: "/graphql", Header: http.Header{}}, `{"message":"NoProtocolError","errorCode":400}`},
		{"another subprotocol", protocols("graphql-transport-ws"), `{"message":"SubProtocolNotSupportedError","errorCode":400}`},
		{"no header", protocols("graphql-ws"), `{"message":"Required headers are missing.","errorCode":400}`},
		{"a wrong key", protocols("graphql-ws, header-" + encodeHeader(map[string]string{"x-api-key": "no"})), `{"errorType":"UnauthorizedException","message":"You are not authorized to make this call.","errorCode":401}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := w.upgrade(tt.r)
			c.expect("frames", `{"type":"connection_error","payload":{"errors":[`+tt.want+`]}}`)
			if c.code == 0 || w.api.Connections() != 0 {
				t.Errorf("code %d, %d connections", c.code, w.api.Connections())
			}
		})
	}
	if _, err := w.api.Connect(&appsync.Request{Path: "/else"}, nil, nil); err == nil {
		t.Error("another path: accepted")
	}
}

func TestCredentialsInTheQuery(t *testing.T) {
	w := itemStack().new(t)
	c := w.upgrade(&appsync.Request{
		Path: "/graphql", RawQuery: "header=" + encodeHeader(w.keyHeader()) + "&payload=e30=", Header: http.Header{"Sec-Websocket-Protocol": {"graphql-ws"}},
	})
	c.send(`{"type":"connection_init"}`)
	c.expect("greeting", ack, `{"type":"ka"}`)
}

func TestJSONInEvents(t *testing.T) {
	for twice, want := range map[bool]string{false: `"{\"b\":1}"`, true: `"\"{\\\"b\\\":1}\""`} {
		s := itemStack()
		s.config.EncodeJSONTwice = twice
		w := s.new(t)
		c := w.ready()
		c.start("1", `subscription {onPut {data}}`, nil, w.keyHeader())
		c.take()
		equal(t, "the mutation's answer", `{"data":{"put":{"data":"{\"b\":1}"}}}`, w.query(`mutation {put(item: {id: 1, data: "{\"b\": 1}"}) {data}}`, nil, nil))
		c.expect("event", `{"id":"1","type":"data","payload":{"data":{"onPut":{"data":`+want+`}}}}`)
	}
}
