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
	t.Logf("%s: %s %s", f.Level, f.Subject, f.Title)
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
	t.Log(r.Verdict)
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

func TestRetriesOfAStep(t *testing.T) {
	r := changed(t, func(template m) {
		p := properties(t, template, "WorkflowStateMachine")
		machine := m{}
		if err := json.Unmarshal([]byte(p["DefinitionString"].(string)), &machine); err != nil {
			t.Fatal(err)
		}
		for _, r := range machine["States"].(m)["Charge"].(m)["Retry"].([]any) {
			if slices.Contains(r.(m)["ErrorEquals"].([]any), any("States.ALL")) {
				r.(m)["MaxAttempts"] = 9
			}
		}
		text, err := json.Marshal(machine)
		if err != nil {
			t.Fatal(err)
		}
		p["DefinitionString"] = string(text)
	})
	want{diff.Medium, diff.Workflow, "WorkflowStateMachine", "Charge: retry of States.ALL MaxAttempts ", ""}.check(t, r)
	if len(r.Findings) != 1 {
		t.Errorf("findings: %+v", r.Findings)
	}
}

func TestTelling(t *testing.T) {
	for name, c := range map[string]struct {
		change func(t *testing.T, template m)
		want   want
	}{
		"a construct with another id": {func(t *testing.T, template m) {
			id, r := find(t, template, "Inventory")
			delete(template["Resources"].(m), id)
			template["Resources"].(m)["Stock0A1B2C3D"] = r
			text, err := json.Marshal(template)
			if err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), id, "Stock0A1B2C3D")), &template); err != nil {
				t.Fatal(err)
			}
		}, want{diff.Critical, diff.Renamed, "Stock", "another logical id, which means another resource: InventoryCFCBEC24 → Stock0A1B2C3D", "the old one stays behind"}},
		"a table gone": {func(t *testing.T, template m) {
			id, r := find(t, template, "Inventory")
			r["DeletionPolicy"] = "Delete"
			delete(template["Resources"].(m), id)
		}, want{diff.High, diff.Deleted, "Inventory", "is no longer in the stack", "stays behind, outside of the stack, with its items (DeletionPolicy is Retain)"}},
		"a policy of deletion in the same deployment": {func(t *testing.T, template m) {
			_, r := find(t, template, "ApiQueue")
			r["UpdateReplacePolicy"] = "Delete"
			r["Properties"].(m)["QueueName"] = "orders"
		}, want{diff.Critical, diff.Replaced, "ApiQueue", `is replaced: QueueName: nothing → "orders"`, "the old one is deleted with its messages (UpdateReplacePolicy changes from Retain to Delete in the same deployment)"}},
		"the firewall gone": {func(t *testing.T, template m) {
			id, _ := find(t, template, "ApiWebAclAssociation")
			delete(template["Resources"].(m), id)
		}, want{diff.Critical, diff.Exposure, "ApiWebAclAssociation", "the firewall protects it no longer", ""}},
		"introspection": {func(t *testing.T, template m) {
			properties(t, template, "StatusGraphQL")["IntrospectionConfig"] = "ENABLED"
		}, want{diff.High, diff.Exposure, "StatusGraphQL", `whether clients can read the schema: IntrospectionConfig "DISABLED" → "ENABLED"`, ""}},
		"everything on everything": {func(t *testing.T, template m) {
			s := properties(t, template, "IntakeRoleDefaultPolicy")["PolicyDocument"].(m)
			s["Statement"] = append(s["Statement"].([]any), m{"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"})
		}, want{diff.Critical, diff.IAM, "intake", "may now also dynamodb:* on every resource (*)", ""}},
		"TLS no longer asked for": {func(t *testing.T, template m) {
			s := properties(t, template, "StatusTopicPolicy")["PolicyDocument"].(m)
			s["Statement"] = []any{}
		}, want{diff.High, diff.IAM, "anyone", "is no longer denied sns:Publish on StatusTopic without TLS", ""}},
		"the public": {func(t *testing.T, template m) {
			s := properties(t, template, "StatusTopicPolicy")["PolicyDocument"].(m)
			s["Statement"] = append(s["Statement"].([]any), m{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": m{"Ref": "StatusTopic2DC2E060"}})
		}, want{diff.Critical, diff.Exposure, "anyone", "may now also sns:Publish on StatusTopic", ""}},
		"who may assume a role": {func(t *testing.T, template m) {
			s := properties(t, template, "IntakeRole")["AssumeRolePolicyDocument"].(m)
			s["Statement"] = append(s["Statement"].([]any), m{"Effect": "Allow", "Principal": m{"AWS": "arn:aws:iam::123456789012:root"}, "Action": "sts:AssumeRole"})
		}, want{diff.High, diff.IAM, "intake", "can now be assumed by arn:aws:iam::123456789012:root", ""}},
		"a condition gone": {func(t *testing.T, template m) {
			for _, s := range properties(t, template, "StatusDeliveryQueuePolicy")["PolicyDocument"].(m)["Statement"].([]any) {
				if s.(m)["Effect"] == "Allow" {
					delete(s.(m), "Condition")
				}
			}
		}, want{diff.High, diff.IAM, "sns.amazonaws.com", "may sqs:SendMessage on StatusDeliveryQueue under another condition: ", ""}},
		"a field of the schema gone": {func(t *testing.T, template m) {
			p := properties(t, template, "StatusGraphQLSchema")
			p["Definition"] = strings.Replace(p["Definition"].(string), "  acceptedAt: AWSDateTime\n", "", 1)
		}, want{diff.High, diff.Schema, "StatusGraphQLSchema", "breaks clients: OrderStatus.acceptedAt is removed", ""}},
		"a field of the schema more": {func(t *testing.T, template m) {
			p := properties(t, template, "StatusGraphQLSchema")
			p["Definition"] = strings.Replace(p["Definition"].(string), "  acceptedAt: AWSDateTime\n", "  acceptedAt: AWSDateTime\n  shippedAt: AWSDateTime\n", 1)
		}, want{diff.Low, diff.Schema, "StatusGraphQLSchema", "breaks nothing: OrderStatus.shippedAt is new", ""}},
		"who may use a field": {func(t *testing.T, template m) {
			p := properties(t, template, "StatusGraphQLSchema")
			p["Definition"] = strings.Replace(p["Definition"].(string), "OrderStatusEvent @aws_iam\n", "OrderStatusEvent @aws_iam @aws_cognito_user_pools\n", 1)
		}, want{diff.High, diff.Exposure, "StatusGraphQLSchema", "who may use it: Mutation.publishOrderStatus: @aws_iam → @aws_cognito_user_pools @aws_iam", ""}},
		"a member that orders must have": {func(t *testing.T, template m) {
			s := properties(t, template, "ApiModel")["Schema"].(m)
			s["required"] = append(s["required"].([]any), "notes")
		}, want{diff.High, diff.Schema, "ApiModel", "breaks clients: notes is required now", ""}},
		"a template of the gateway": {func(t *testing.T, template m) {
			templates := properties(t, template, "ApiordersPOST")["Integration"].(m)["RequestTemplates"].(m)
			for name, text := range templates {
				templates[name] = strings.Replace(text.(string), "#set(", "#set($more = 1)#set(", 1)
			}
		}, want{diff.Medium, diff.Mapping, "POST /orders", `Integration.RequestTemplates["application/json"] changes`, ""}},
		"a function's time": {func(t *testing.T, template m) {
			properties(t, template, "ChargeFunction")["Timeout"] = 5
		}, want{diff.Medium, diff.Function, "charge", "timeout: 15 s → 5 s", ""}},
		"a type that nobody knows": {func(t *testing.T, template m) {
			template["Resources"].(m)["Odd"] = m{"Type": "AWS::Odd::Thing"}
		}, want{diff.High, diff.Added, "Odd", "the specification does not know its type", ""}},
		"an output gone": {func(t *testing.T, template m) {
			delete(template["Outputs"].(m), "ApiUrl")
		}, want{diff.High, diff.Output, "output ApiUrl", "is removed", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			c.want.check(t, changed(t, func(template m) { c.change(t, template) }))
		})
	}
}

func TestStacksThatChangeAlikeAreToldOnce(t *testing.T) {
	old, new := &diff.Source{Templates: map[string][]byte{}}, &diff.Source{Templates: map[string][]byte{}}
	for _, env := range snapshot.Environments() {
		before, after := template(t, env), template(t, env)
		properties(t, after, "ChargeFunction")["MemorySize"] = 1024
		old.Templates["orderflow-"+env] = source(t, "", before).Templates["orderflow-prod"]
		new.Templates["orderflow-"+env] = source(t, "", after).Templates["orderflow-prod"]
	}
	r, err := diff.Compare(old, new)
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Findings) != 1 || len(r.Findings[0].Stacks) != 3 || r.Findings[0].Title != "memory: 256 MB → 1024 MB" {
		t.Errorf("%+v", r.Findings)
	}
}
