package vtl_test

import (
	"errors"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/vtl"
)

// FuzzParse: no template panics, hangs or fails without a place, parsed or executed.
func FuzzParse(f *testing.F) {
	for _, c := range readCases(f) {
		f.Add(c.template)
	}
	v, err := vtl.FromJSON([]byte(randomVars))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, src string) {
		tpl, err := vtl.Parse("fuzz", src)
		if err != nil {
			if ve := new(vtl.Error); !errors.As(err, &ve) || ve.Line < 1 || ve.Column < 1 {
				t.Fatalf("%q: no place in %v", src, err)
			}
			return
		}
		b, err := vtl.ToJSON(v)
		if err != nil {
			t.Fatal(err)
		}
		fresh, err := vtl.FromJSON([]byte(b))
		if err != nil {
			t.Fatal(err)
		}
		vars := map[string]any{}
		for _, e := range fresh.(*vtl.Map).Entries() {
			vars[e.Key.(string)] = e.Value
		}
		_, err = tpl.ExecuteWith(vars, vtl.Options{MaxSteps: 20000, MaxOutput: 1 << 16})
		if ve := new(vtl.Error); err != nil && (!errors.As(err, &ve) || ve.Line < 1 || ve.Column < 1) {
			t.Fatalf("%q: no place in %v", src, err)
		}
	})
}

// FuzzJSON: what FromJSON reads, ToJSON writes so that it reads the same.
func FuzzJSON(f *testing.F) {
	for _, s := range []string{randomVars, callVars, `[1.5e300,-0,"\ud83d\ude00",{"":null}]`, `"\u0000"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		v, err := vtl.FromJSON(src)
		if err != nil {
			return
		}
		once, err := vtl.ToJSON(v)
		if err != nil {
			t.Fatal(err)
		}
		again, err := vtl.FromJSON([]byte(once))
		if err != nil {
			t.Fatalf("%q became %q: %v", src, once, err)
		}
		if twice, err := vtl.ToJSON(again); err != nil || twice != once {
			t.Fatalf("%q, then %q (%v)", once, twice, err)
		}
	})
}
