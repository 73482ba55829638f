package handler_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/handler"
)

// Whatever comes, notify does not fall over; and of what encoding/json accepts, both read the same.
func FuzzNotifyRecord(f *testing.F) {
	for _, r := range records(f) {
		b, err := json.Marshal(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte(`{"dynamodb":{"SequenceNumber":"1","NewImage":{"detail":{"S":"\"\\ \u00e9 \n"},"sequence":{"N":"1"}}}}`))
	f.Fuzz(func(t *testing.T, record []byte) {
		in := append(append([]byte(`{"Records":[`), record...), `]}`...)
		_, _, _ = handler.FirstImage(in) // must only come back

		// Each member once: of two by one name, the readers may take different ones.
		var once struct{ Records []map[string]any }
		if json.Unmarshal(in, &once) != nil || len(once.Records) == 0 {
			return
		}
		canonical, err := json.Marshal(once)
		if err != nil {
			t.Fatal(err)
		}
		_, got, err := handler.FirstImage(canonical)
		if err != nil {
			return
		}
		d, _ := once.Records[0]["dynamodb"].(map[string]any)
		image, _ := d["NewImage"].(map[string]any)
		want := map[string]string{}
		for name := range got {
			kind := "S"
			if name == "sequence" {
				kind = "N"
			}
			attribute, _ := image[name].(map[string]any)
			want[name], _ = attribute[kind].(string)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-encoding/json +notify)\n%s", diff)
		}
	})
}
