package diff_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/diff"
	"github.com/orderflow-cdk/orderflow/internal/snapshot"
)

// m is an object of JSON.
type m = map[string]any

// template is a committed template, to be changed.
func template(t testing.TB, env string) m {
	t.Helper()
	text, err := snapshot.Template(env)
	if err != nil {
		t.Fatal(err)
	}
	var out m
	if err := json.Unmarshal(text, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// find is the one resource whose logical id has the stem.
func find(t testing.TB, template m, stem string) (id string, resource m) {
	t.Helper()
	for name, r := range template["Resources"].(m) {
		if name == stem || strings.HasPrefix(name, stem) && len(name) == len(stem)+8 {
			if id != "" {
				t.Fatalf("several resources are called %s: %s, %s", stem, id, name)
			}
			id, resource = name, r.(m)
		}
	}
	if id == "" {
		t.Fatalf("no resource is called %s", stem)
	}
	return id, resource
}

func properties(t testing.TB, template m, stem string) m {
	t.Helper()
	_, r := find(t, template, stem)
	return r["Properties"].(m)
}

// source is a side of a comparison with one stack.
func source(t testing.TB, name string, template m) *diff.Source {
	t.Helper()
	text, err := json.Marshal(template)
	if err != nil {
		t.Fatal(err)
	}
	return &diff.Source{Name: name, Templates: map[string][]byte{"orderflow-prod": text}}
}

// compare compares two templates.
func compare(t testing.TB, old, new m) *diff.Report {
	t.Helper()
	r, err := diff.Compare(source(t, "old", old), source(t, "new", new))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// changed is what a change of prod's template is told as.
func changed(t testing.TB, change func(template m)) *diff.Report {
	t.Helper()
	new := template(t, "prod")
	change(new)
	return compare(t, template(t, "prod"), new)
}

func TestNothingIsTheSame(t *testing.T) {
	for _, env := range snapshot.Environments() {
		r := compare(t, template(t, env), template(t, env))
		if len(r.Findings) > 0 || len(r.Folded) > 0 || r.Verdict != "no difference" {
			t.Errorf("%s: %+v", env, r)
		}
	}
}

// want is what the first finding must be.
type want struct {
	level   diff.Level
	kind    diff.Kind
	subject string
	title   string // a part of it
	details string // a part of one of them
}

func (w want) check(t *testing.T, r *diff.Report) {
	t.Helper()
	if len(r.Findings) == 0 {
		t.Fatalf("no findings; folded %q", r.Folded)
	}
	f := r.Findings[0]
	if f.Level != w.level || f.Kind != w.kind || f.Subject != w.subject || !strings.Contains(f.Title, w.title) || !strings.Contains(strings.Join(f.Details, "\n"), w.details) {
		t.Errorf("first is %s %s: %s %s %q", f.Level, f.Kind, f.Subject, f.Title, f.Details)
	}
}

func TestKeyOfATable(t *testing.T) {
	r := changed(t, func(template m) {
		p := properties(t, template, "WorkflowTable")
		p["KeySchema"].([]any)[0].(m)["AttributeName"] = "id"
		p["AttributeDefinitions"].([]any)[0].(m)["AttributeName"] = "id"
	})
	want{diff.Critical, diff.Replaced, "WorkflowTable", `is replaced: KeySchema[0].AttributeName: "pk" → "id"`,
		"the old one stays behind, outside of the stack, with its items; the new one is empty (UpdateReplacePolicy is Retain)"}.check(t, r)
	if !strings.HasPrefix(r.Verdict, "4 stateful resources replaced") && !strings.HasPrefix(r.Verdict, "3 stateful resources replaced") {
		t.Errorf("verdict: %s", r.Verdict)
	}
	// Who reads the table's stream has to begin anew, which nothing but the reference tells.
	follows := slices.IndexFunc(r.Findings, func(f *diff.Finding) bool {
		return f.Kind == diff.Replaced && f.Type == "AWS::Lambda::EventSourceMapping" && strings.Contains(f.Title, "it belongs to WorkflowTable")
	})
	if follows < 0 {
		t.Errorf("the mapping of the table's stream is not replaced: %+v", r.Findings)
	}
}

func TestPermissionMore(t *testing.T) {
	r := changed(t, func(template m) {
		for _, s := range properties(t, template, "IntakeRoleDefaultPolicy")["PolicyDocument"].(m)["Statement"].([]any) {
			if actions, ok := s.(m)["Action"].([]any); ok && slices.Contains(actions, any("dynamodb:PutItem")) {
				s.(m)["Action"] = append(actions, "dynamodb:DeleteItem")
			}
		}
	})
	want{diff.High, diff.IAM, "intake", "may now also dynamodb:DeleteItem on WorkflowTable", ""}.check(t, r)
	if len(r.Findings) != 1 {
		t.Errorf("findings: %+v", r.Findings)
	}
}

func TestAuthorizerGone(t *testing.T) {
	r := changed(t, func(template m) {
		p := properties(t, template, "ApiordersPOST")
		p["AuthorizationType"] = "NONE"
		delete(p, "AuthorizerId")
	})
	want{diff.Critical, diff.Exposure, "POST /orders", "is open to anyone: it no longer authorizes", ""}.check(t, r)
}

func TestAssetsAlone(t *testing.T) {
	r := changed(t, func(template m) {
		for _, r := range template["Resources"].(m) {
			if r := r.(m); r["Type"] == "AWS::Lambda::Function" {
				r["Properties"].(m)["Code"].(m)["S3Key"] = strings.Repeat("0af7", 16) + ".zip"
			}
		}
	})
	if len(r.Findings) > 0 || len(r.Folded) != 1 || !strings.HasPrefix(r.Verdict, "nothing to look at: Other code or files, same settings: ") || !strings.Contains(r.Folded[0], "charge, deliverwebhook, intake") {
		t.Errorf("%s %+v %q", r.Verdict, r.Findings, r.Folded)
	}
}

func TestRegroupedPolicy(t *testing.T) {
	r := changed(t, func(template m) {
		document := properties(t, template, "IntakeRoleDefaultPolicy")["PolicyDocument"].(m)
		var split []any
		for _, s := range document["Statement"].([]any) {
			actions, ok := s.(m)["Action"].([]any)
			if !ok {
				actions = []any{s.(m)["Action"]}
			}
			for _, a := range actions {
				split = append(split, m{"Effect": "Allow", "Action": a, "Resource": []any{s.(m)["Resource"]}, "Sid": "S"})
			}
		}
		slices.Reverse(split)
		document["Statement"] = split
	})
	if len(r.Findings) > 0 || len(r.Folded) != 1 || r.Folded[0] != "Policies that are grouped differently and allow the same: IntakeRoleDefaultPolicy" {
		t.Errorf("%+v %q", r.Findings, r.Folded)
	}
}
