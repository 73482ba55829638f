package cfn_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

var env = cfn.Environment{
	Region: "eu-central-1", AccountID: "123456789012", StackName: "s",
	Ref: func(id, typ string) (string, error) { return "ref:" + id, nil },
	GetAtt: func(id, typ, attr string) (string, error) {
		if attr == "Nope" {
			return "", fmt.Errorf("%s has no attribute %s", typ, attr)
		}
		return id + "." + attr, nil
	},
}

func resolved(t *testing.T, value string) (string, error) {
	t.Helper()
	tmpl, err := cfn.Parse([]byte(`{
		"Parameters": {"Size": {"Type": "Number", "Default": 3}, "NoDefault": {"Type": "String"}},
		"Mappings": {"M": {"a": {"b": "mapped"}}},
		"Conditions": {
			"Yes": {"Fn::Equals": [{"Ref": "AWS::Region"}, "eu-central-1"]},
			"No": {"Fn::Not": [{"Condition": "Yes"}]},
			"Both": {"Fn::And": [{"Condition": "Yes"}, {"Condition": "No"}]},
			"Any": {"Fn::Or": [{"Condition": "No"}, {"Condition": "Yes"}]}
		},
		"Resources": {"Q": {"Type": "AWS::SQS::Queue"}, "R": {"Type": "T", "Properties": {"V": ` + value + `}}}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	rs, err := tmpl.Resources(env)
	if err != nil {
		return "", err
	}
	for _, r := range rs {
		if r.LogicalID == "R" {
			return string(r.Properties), nil
		}
	}
	t.Fatal("no resource R")
	return "", nil
}

func TestIntrinsics(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{`{"Ref": "Q"}`, `{"V":"ref:Q"}`},
		{`{"Ref": "Size"}`, `{"V":3}`},
		{`{"Ref": "AWS::NoValue"}`, `{}`},
		{`["a", {"Ref": "AWS::NoValue"}, "b"]`, `{"V":["a","b"]}`},
		{`{"Fn::GetAtt": ["Q", "Arn"]}`, `{"V":"Q.Arn"}`},
		{`{"Fn::GetAtt": "Q.Arn"}`, `{"V":"Q.Arn"}`},
		{`{"Fn::Join": ["-", ["a", {"Ref": "Q"}, 1, true]]}`, `{"V":"a-ref:Q-1-true"}`},
		{`{"Fn::Join": ["", ["<", {"Ref": "AWS::AccountId"}, ">&"]]}`, `{"V":"<123456789012>&"}`},
		{`{"Fn::Sub": "${Q}/${Q.Arn}/${!Literal}/${AWS::Partition}"}`, `{"V":"ref:Q/Q.Arn/${Literal}/aws"}`},
		{`{"Fn::Sub": ["${x}-${AWS::Region}", {"x": {"Ref": "Q"}}]}`, `{"V":"ref:Q-eu-central-1"}`},
		{`{"Fn::Select": [1, {"Fn::Split": ["/", "a/b/c"]}]}`, `{"V":"b"}`},
		{`{"Fn::Select": ["0", ["x"]]}`, `{"V":"x"}`},
		{`{"Fn::If": ["Yes", 1, 2]}`, `{"V":1}`},
		{`{"Fn::If": ["No", 1, {"Ref": "AWS::NoValue"}]}`, `{}`},
		{`{"Fn::If": ["Both", 1, 2]}`, `{"V":2}`},
		{`{"Fn::If": ["Any", 1, 2]}`, `{"V":1}`},
		{`{"Fn::FindInMap": ["M", "a", "b"]}`, `{"V":"mapped"}`},
		{`{"Fn::Base64": "hi"}`, `{"V":"aGk="}`},
		{`{"Fn::ToJsonString": {"a": {"Ref": "Q"}}}`, `{"V":"{\"a\":\"ref:Q\"}"}`},
		{`{"Condition": {"StringEquals": {"a": "b"}}}`, `{"V":{"Condition":{"StringEquals":{"a":"b"}}}}`},
		{`12345678901234567890`, `{"V":12345678901234567890}`},
	} {
		got, err := resolved(t, tt.value)
		if err != nil || got != tt.want {
			t.Errorf("%s = %s, %v; want %s", tt.value, got, err, tt.want)
		}
	}
}

func TestIntrinsicsThatCannotBeResolvedNameTheResource(t *testing.T) {
	for _, tt := range []struct{ value, want string }{
		{`{"Ref": "Missing"}`, "Ref Missing: the template has no such resource or parameter"},
		{`{"Ref": "NoDefault"}`, "parameter NoDefault (String) has no default"},
		{`{"Fn::GetAtt": ["Q", "Nope"]}`, "AWS::SQS::Queue has no attribute Nope"},
		{`{"Fn::GetAZs": ""}`, "Fn::GetAZs is not simulated"},
		{`{"Fn::ImportValue": "x"}`, "Fn::ImportValue is not simulated"},
		{`{"Fn::Select": [7, ["x"]]}`, "no element 7"},
		{`{"Fn::Sub": "${Missing}"}`, "Ref Missing"},
		{`{"Fn::FindInMap": ["M", "a", "z"]}`, "no value at M.a.z"},
	} {
		_, err := resolved(t, tt.value)
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "R (T)") {
			t.Errorf("%s: error %v; want it to name R (T) and to contain %q", tt.value, err, tt.want)
		}
	}
}

func TestDecodeRefusesWhatItDoesNotKnow(t *testing.T) {
	type inner struct {
		A cfn.Int
		B cfn.Bool
	}
	type props struct {
		Name  string
		Inner inner
		List  []inner
		Tags  any `local:"declared"`
		Free  map[string]any
	}
	decode := func(s string) (props, []string, error) {
		var p props
		d, err := cfn.Decode(&cfn.Resource{LogicalID: "R", Type: "T", Properties: []byte(s)}, &p)
		return p, d, err
	}

	p, declared, err := decode(`{"Name":"n","Inner":{"A":"7","B":"true"},"List":[{"A":1.0}],"Tags":[{"x":1}],"Free":{"any":{"deep":1}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"Tags"}, declared); diff != "" {
		t.Error(diff)
	}
	if p.Inner.A != 7 || !bool(p.Inner.B) || p.List[0].A != 1 {
		t.Errorf("scalars in strings were not read: %+v", p)
	}

	_, _, err = decode(`{"Nam":"n","Inner":{"C":1},"List":[{"A":1},{"D":1}]}`)
	for _, want := range []string{"R (T): property Inner.C", "property List[].D", "property Nam is"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v; want it to contain %q", err, want)
		}
	}
	if _, _, err = decode(`{"Inner":{"A":"x"}}`); err == nil || !strings.Contains(err.Error(), "whole number") {
		t.Errorf("a bad number: %v", err)
	}
}

func TestParseRefusesWhatWouldChangeTheTemplatesMeaning(t *testing.T) {
	for _, tt := range []struct{ doc, want string }{
		{`{"Transform":"AWS::Serverless-2016-10-31","Resources":{"a":{"Type":"T"}}}`, "Transform"},
		{`{"Resources":{}}`, "no Resources"},
		{`Resources:`, "not a CloudFormation template in JSON"},
	} {
		if _, err := cfn.Parse([]byte(tt.doc)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v; want %q", tt.doc, err, tt.want)
		}
	}
}
