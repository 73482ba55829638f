package appsync_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

// templateResources are the AppSync resources of the app's committed template, with
// ids in place of references: of what is referred to only the user pool matters.
func templateResources(t *testing.T) []appsync.Resource {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "internal", "snapshot", "orderflow-dev.template.json"))
	if err != nil {
		t.Fatal(err)
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties any
		}
	}
	if err := json.Unmarshal(b, &template); err != nil {
		t.Fatal(err)
	}
	var list []appsync.Resource
	for _, id := range slices.Sorted(maps.Keys(template.Resources)) {
		r := template.Resources[id]
		if strings.HasPrefix(r.Type, "AWS::AppSync::") {
			props, err := json.Marshal(resolved(r.Properties))
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, appsync.Resource{LogicalID: id, Type: r.Type, Properties: props})
		}
	}
	return list
}

func resolved(v any) any {
	switch v := v.(type) {
	case map[string]any:
		if ref, ok := v["Ref"].(string); ok && len(v) == 1 {
			return map[bool]string{true: "us-east-1", false: "us-east-1_Pool"}[ref == "AWS::Region"]
		}
		if at, ok := v["Fn::GetAtt"].([]any); ok {
			return at[0]
		}
		for k, e := range v {
			v[k] = resolved(e)
		}
	case []any:
		for i, e := range v {
			v[i] = resolved(e)
		}
	}
	return v
}

// TestTheAppsOwnAPI publishes as the app's notifier does, to two tenants.
func TestTheAppsOwnAPI(t *testing.T) {
	w := stack{config: appsync.Config{VerifyToken: verifyToken}}.from(t, templateResources(t))
	bearer := func(tenant string) map[string]string {
		return map[string]string{"host": "h", "Authorization": token(m{"iss": issuer, "sub": "s", "aud": "app", "custom:tenant": tenant}, "signed")}
	}
	acme, other := w.connect(bearer("acme")), w.connect(bearer("other"))
	const mine, one = `subscription {onMyOrders {id status changes}}`, `subscription S($o: ID!) {onOrderStatus(orderId: $o) {id}}`
	const order = "k-YWJj-YWNtZQ" // of acme, whose tag is YWNtZQ
	acme.start("all", mine, nil, bearer("acme"))
	acme.start("one", one, m{"o": order}, bearer("acme"))
	acme.start("other", one, m{"o": "k-eHl6-YWNtZQ"}, bearer("acme"))
	acme.expect("start", startAck("all"), startAck("one"), startAck("other"))
	other.start("all", mine, nil, bearer("other"))
	other.start("one", one, m{"o": order}, bearer("other"))
	other.expect("start", startAck("all"), `{"id":"one","type":"error","payload":{"errors":[{"errorType":"UnknownOrder","message":"There is no such order."}]}}`)
	event := m{
		"id": order + ":1", "type": "order.paid", "orderId": order, "tenant": "acme", "status": "PAID", "sequence": 1,
		"occurredAt": "2026-01-02T03:04:05.000Z", "changes": `{"reason":"x"}`,
	}
	const publish = `mutation P($event: OrderStatusEventInput!) {publishOrderStatus(event: $event) {id type orderId tenant status previousStatus sequence occurredAt changes}}`
	answer := w.query(publish, m{"event": event}, caller("arn:aws:iam::123456789012:role/notify"))
	equal(t, "answer", `{"data":{"publishOrderStatus":{"id":"k-YWJj-YWNtZQ:1","type":"order.paid","orderId":"k-YWJj-YWNtZQ","tenant":"acme","status":"PAID","previousStatus":null,`+
		`"sequence":1,"occurredAt":"2026-01-02T03:04:05.000Z","changes":"{\"reason\":\"x\"}"}}}`, answer)
	acme.expect("events", `{"id":"all","type":"data","payload":{"data":{"onMyOrders":{"id":"k-YWJj-YWNtZQ:1","status":"PAID","changes":"{\"reason\":\"x\"}"}}}}`,
		`{"id":"one","type":"data","payload":{"data":{"onOrderStatus":{"id":"k-YWJj-YWNtZQ:1"}}}}`)
	other.expect("events of somebody else")
	equal(t, "a client that publishes", `{"data":{"publishOrderStatus":null},"errors":[{"path":["publishOrderStatus"],"data":null,"errorType":"Unauthorized","errorInfo":null,`+
		`"locations":[{"line":1,"column":45,"sourceName":null}],"message":"Not Authorized to access publishOrderStatus on type Mutation"}]}`,
		w.query(publish, m{"event": event}, header("Authorization", bearer("acme")["Authorization"])))
}
