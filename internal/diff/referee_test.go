package diff_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/diff"
	"github.com/orderflow-cdk/orderflow/internal/referee"
)

// impactCase is a change of one property, or the removal of a resource.
type impactCase struct {
	ID       string `json:"id"`
	Property string `json:"property,omitempty"`
	Value    any    `json:"value"`
}

// TestRefereeReplacements has the CDK's own library of differences judge a change of every property of a resource of each type, and the removal of
// each: which resources are replaced, also those in the wake of others, must be the same.
func TestRefereeReplacements(t *testing.T) {
	folder := referee.Node(t, "@aws-cdk/cloudformation-diff")
	base := template(t, "prod")
	var cases []impactCase
	known := map[any]bool{}
	for _, id := range slices.Sorted(maps.Keys(base["Resources"].(m))) {
		r := base["Resources"].(m)[id].(m)
		if known[r["Type"]] {
			continue
		}
		known[r["Type"]] = true
		cases = append(cases, impactCase{ID: id})
		properties, _ := r["Properties"].(m)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			var value any = "mutated"
			if s, ok := properties[name].(string); ok {
				value = s + "x"
			}
			if len(cases)%4 == 3 {
				value = nil
			}
			cases = append(cases, impactCase{id, name, value})
		}
	}
	input, err := json.Marshal(m{"template": base, "cases": cases})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("node", filepath.Join("testdata", "impacts.mjs"), folder)
	cmd.Stdin = bytes.NewReader(input)
	out := referee.Run(t, cmd)
	var theirs []map[string]string
	if err := json.Unmarshal(out, &theirs); err != nil {
		t.Fatal(err)
	}
	differences := map[string]bool{}
	unjudged := 0
	for i, c := range cases {
		if theirs[i] == nil {
			unjudged++
			continue
		}
		new := template(t, "prod")
		resources := new["Resources"].(m)
		switch {
		case c.Property == "":
			delete(resources, c.ID)
		case c.Value == nil:
			delete(resources[c.ID].(m)["Properties"].(m), c.Property)
		default:
			resources[c.ID].(m)["Properties"].(m)[c.Property] = c.Value
		}
		got := replacedIn(compare(t, base, new))
		want := map[string]bool{}
		for id, impact := range theirs[i] {
			if impact == "WILL_REPLACE" || impact == "MAY_REPLACE" {
				want[id] = true
			}
		}
		for id := range maps.Keys(merge(got, want)) {
			if got[id] == want[id] {
				continue
			}
			kind := new["Resources"].(m)[id].(m)["Type"].(string)
			if reason := refereeDiffers(kind, c, id); reason != "" {
				differences[kind+": "+reason] = true
				continue
			}
			t.Errorf("change of %s.%s to %v: %s (%s) is replaced: %v, says the referee: %v", c.ID, c.Property, c.Value, id, kind, got[id], want[id])
		}
	}
	if unjudged > 40 {
		t.Errorf("the referee could not judge %d of %d changes", unjudged, len(cases))
	}
	t.Logf("%d changes judged, %d not; differences: %s", len(cases)-unjudged, unjudged, strings.Join(slices.Sorted(maps.Keys(differences)), "; "))
}

// refereeDiffers is why the referee is not followed.
func refereeDiffers(kind string, c impactCase, id string) string {
	if kind == "AWS::WAFv2::WebACLAssociation" && c.ID != id {
		return "the referee does not see that an ARN, put together by Fn::Join, has the replaced resource in it"
	}
	return ""
}

func merge(a, b map[string]bool) map[string]bool {
	out := maps.Clone(a)
	maps.Copy(out, b)
	return out
}

// replacedIn are the resources that a report tells as replaced.
func replacedIn(r *diff.Report) map[string]bool {
	out := map[string]bool{}
	for _, f := range r.Findings {
		if f.Kind == diff.Replaced {
			for _, id := range append([]string{f.Resource}, f.Also...) {
				out[id] = true
			}
		}
	}
	return out
}
