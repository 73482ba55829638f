package dynamodb

import (
	"crypto/sha256"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// fingerprint is the same for two transactions that ask for the same, however
// their JSON is ordered: SDKs write maps in no particular order.
func (r *request) fingerprint() string {
	var b []byte
	for _, op := range r.ops {
		q := op.req
		b = append(jsontext.AppendString(append(b, op.kind...), q.table), q.returnOnFailure...)
		b = q.key.item.appendJSON(b)
		b = q.item.item.appendJSON(b)
		b = q.values.item.appendJSON(b)
		for _, e := range []*expression{q.condition, q.update} {
			if e != nil {
				b = jsontext.AppendString(b, e.text)
			}
			b = append(b, ';')
		}
		names := slices.Clone(q.names)
		slices.SortFunc(names, func(x, y namePair) int { return strings.Compare(x.key, y.key) })
		for _, n := range names {
			b = jsontext.AppendString(jsontext.AppendString(b, n.key), n.name)
		}
		b = append(b, '\n')
	}
	sum := sha256.Sum256(b)
	return string(sum[:])
}
