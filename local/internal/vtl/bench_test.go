package vtl_test

import (
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// benchTemplate is about what an order's POST runs: parameters, conditions, a
// loop, JSON to write.
const benchTemplate = `#set($tenant = $context.authorizer.tenant)
#set($key = $context.key)
#if($key && $key != "")
#set($id = "k-$key-$tenant")
#else
#set($id = "$context.requestTimeEpoch-$context.extendedRequestId.replaceAll('=','').replace('+','-')-$tenant")
#end
#set($context.orderId = $id)
#set($total = 0)
#foreach($item in $body.items)
#set($total = $total + $item.quantity * $item.unitPrice)
#end
{
  "TableName": "orders",
  "Key": {"pk": {"S": "$tenant#$id"}},
  "ExpressionAttributeValues": {
    ":total": {"N": "$total"},
    ":currency": {"S": "$body.currency"},
#if($body.containsKey("notes"))
    ":notes": {"S": "$body.notes"},
#end
    ":items": {"L": [
#foreach($item in $body.items)
      {"M": {"sku": {"S": "$item.sku"}, "quantity": {"N": "$item.quantity"}}}#if($foreach.hasNext),#end

#end
    ]},
    ":status": {"S": "QUEUED"}
  }
}
#if($total > 10000)## large
#set($context.large = true)
#end
`

func benchVars(b *testing.B) map[string]any {
	vars := map[string]any{}
	for name, src := range map[string]string{
		"context": `{"authorizer":{"tenant":"YWNtZQ"},"requestTimeEpoch":1732412345678,"extendedRequestId":"JKLMN+opq=","key":null}`,
		"body": `{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990},` +
			`{"sku":"MS-2001","quantity":1,"unitPrice":2990}],"notes":"leave at door"}`,
	} {
		v, err := vtl.FromJSON([]byte(src))
		if err != nil {
			b.Fatal(err)
		}
		vars[name] = v
	}
	return vars
}

func BenchmarkExecute(b *testing.B) {
	tpl, err := vtl.Parse("bench", benchTemplate)
	if err != nil {
		b.Fatal(err)
	}
	vars := benchVars(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := tpl.Execute(vars); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vtl.Parse("bench", benchTemplate); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFromJSON(b *testing.B) {
	src := []byte(`{"currency":"EUR","items":[{"sku":"KB-1001","quantity":2,"unitPrice":4990}],"payment":{"method":"card","token":"tok_visa"},` +
		`"shipTo":{"name":"Ada","line1":"1 Main St","city":"Paris","postalCode":"75001","country":"FR"},"notes":"leave at door"}`)
	b.SetBytes(int64(len(src)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vtl.FromJSON(src); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkToJSON(b *testing.B) {
	v := benchVars(b)["body"]
	b.ReportAllocs()
	for b.Loop() {
		if _, err := vtl.ToJSON(v); err != nil {
			b.Fatal(err)
		}
	}
}
