package eventpattern_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/orderflow-cdk/orderflow/local/internal/eventpattern"
)

type attrs = map[string]eventpattern.Attribute

func TestMatchAttributes(t *testing.T) {
	text := func(s string) eventpattern.Attribute {
		return eventpattern.Attribute{DataType: "String", Value: s}
	}
	list := func(s string) eventpattern.Attribute {
		return eventpattern.Attribute{DataType: "String.Array", Value: s}
	}
	num := func(s string) eventpattern.Attribute {
		return eventpattern.Attribute{DataType: "Number", Value: s}
	}
	bin := eventpattern.Attribute{DataType: "Binary", Value: "cnVnYnk="}
	for _, tt := range []struct {
		policy string
		yes    []attrs
		no     []attrs
	}{
		{`{}`, []attrs{nil, {"x": text("1")}}, nil},
		{`{"i":["rugby","tennis"]}`, []attrs{{"i": text("rugby")}, {"i": list(`["golf","tennis"]`)}, {"i": text("rugby"), "j": text("x")}},
			[]attrs{nil, {"i": text("Rugby")}, {"i": list(`["golf"]`)}, {"i": list(`[]`)}, {"i": list(`no json`)}, {"i": list(`"rugby"`)}, {"i": list(``)}, {"i": bin}, {"j": text("rugby")}}},
		{`{"i":[{"anything-but":["rugby"]}]}`, []attrs{{"i": text("golf")}, {"i": list(`["rugby","golf"]`)}}, []attrs{nil, {"i": text("rugby")}, {"i": list(`["rugby"]`)}}},
		{`{"i":[{"anything-but":{"prefix":"order-"}}]}`, []attrs{{"i": text("data-entry")}}, []attrs{{"i": text("order-number")}}},
		{`{"i":[{"prefix":"bas"}]}`, []attrs{{"i": text("baseball")}}, []attrs{{"i": text("rugby")}, nil}},
		{`{"i":[{"suffix":"ball"}]}`, []attrs{{"i": text("baseball")}}, []attrs{{"i": text("rugby")}}},
		{`{"i":[{"equals-ignore-case":"TENNIS"}]}`, []attrs{{"i": text("tennis")}, {"i": text("Tennis")}}, []attrs{{"i": text("rugby")}}},
		{`{"ip":[{"cidr":"10.0.0.0/24"}]}`, []attrs{{"ip": text("10.0.0.0")}, {"ip": text("10.0.0.255")}}, []attrs{{"ip": text("10.1.1.0")}, {"ip": text("x")}}},
		{`{"p":[{"numeric":["=",301.5]}]}`, []attrs{{"p": num("301.5")}, {"p": num("3.015e2")}}, []attrs{{"p": num("301.4")}, {"p": text("301.5")}}},
		{`{"p":[301.5]}`, []attrs{{"p": num("301.50")}, {"p": list(`["x",301.5]`)}}, []attrs{{"p": text("301.5")}}},
		{`{"p":[{"numeric":[">",0,"<=",150]}]}`, []attrs{{"p": num("150")}, {"p": num("0.01")}}, []attrs{{"p": num("0")}, {"p": num("151")}, {"p": num("x")}}},
		{`{"p":[{"anything-but":[100,500]}]}`, []attrs{{"p": num("101")}}, []attrs{{"p": num("100.0")}}},
		{`{"s":[{"exists":true}]}`, []attrs{{"s": text("")}, {"s": num("1")}}, []attrs{nil, {"s": bin}}},
		{`{"s":[{"exists":false}]}`, []attrs{nil, {"t": text("")}}, []attrs{{"s": text("x")}}},
		{`{"s":["x"],"t":["y"]}`, []attrs{{"s": text("x"), "t": text("y")}}, []attrs{{"s": text("x")}, {"s": text("y"), "t": text("y")}}},
		{`{"$or":[{"s":["x"]},{"t":["y"]}]}`, []attrs{{"s": text("x")}, {"t": text("y")}}, []attrs{nil, {"s": text("y")}}},
		{`{"$or":[{"s":["x"],"t":["y"]},{"s":["z"]}]}`, []attrs{{"s": text("x"), "t": text("y")}, {"s": text("z")}}, []attrs{{"s": text("x")}}},
		{`{"l":[true,null]}`, []attrs{{"l": list(`[true]`)}, {"l": list(`[null]`)}}, []attrs{{"l": text("true")}, {"l": list(`[false]`)}}},
	} {
		p, err := eventpattern.CompileSNS([]byte(tt.policy), "")
		if err != nil {
			t.Errorf("%s: %v", tt.policy, err)
			continue
		}
		for _, a := range tt.yes {
			if !p.MatchAttributes(a) {
				t.Errorf("%s does not match %v", tt.policy, a)
			}
		}
		for _, a := range tt.no {
			if p.MatchAttributes(a) {
				t.Errorf("%s matches %v", tt.policy, a)
			}
		}
	}
}

func TestMatchBody(t *testing.T) {
	for _, tt := range []struct {
		policy  string
		yes, no []string
	}{
		{`{}`, []string{"anything", `{}`}, nil},
		{`{"a":{"b":["x"]}}`, []string{`{"a":{"b":"x"}}`, ` {"a":[{"b":"y"},{"b":["x"]}]} `}, []string{`{"a":"x"}`, `{"b":"x"}`, `x`, ``, `[]`, `[{"a":{"b":"x"}}]`, `{"a":{"b":"x"}`}},
		{`{"a":[{"exists":false}]}`, []string{`{}`, `{"b":1}`}, []string{`{"a":1}`, `no json`}},
		{`{"a":[{"numeric":[">=",1,"<",2]}],"b":["x"]}`, []string{`{"a":1.5,"b":"x"}`}, []string{`{"a":2,"b":"x"}`, `{"a":1}`}},
		{`{"a":{"b":[{"cidr":"10.0.0.0/8"}]},"c":[null]}`, []string{`{"a":{"b":"10.1.2.3"},"c":null}`}, []string{`{"a":{"b":"10.1.2.3"}}`}},
	} {
		p, err := eventpattern.CompileSNS([]byte(tt.policy), eventpattern.MessageBody)
		if err != nil {
			t.Errorf("%s: %v", tt.policy, err)
			continue
		}
		for _, b := range tt.yes {
			if !p.MatchBody([]byte(b)) {
				t.Errorf("%s does not match %s", tt.policy, b)
			}
		}
		for _, b := range tt.no {
			if p.MatchBody([]byte(b)) {
				t.Errorf("%s matches %s", tt.policy, b)
			}
		}
	}
}

// TestRefusedPolicies has errors with the wording and the places that SNS itself
// has been seen to answer with.
func TestRefusedPolicies(t *testing.T) {
	strs := func(n int) string { return `["` + strings.Repeat(`x","`, n-1) + `x"]` }
	at := func(column int) string {
		return fmt.Sprintf(" at [Source: (String)\"POLICY\"; line: 1, column: %d]", column)
	}
	for _, tt := range []struct{ policy, scope, want string }{
		{`{"key":[["value"]]}`, "", "Match value must be String, number, true, false, or null\n" + at(10)},
		{`{"key":[{"wrong-operator":true}]}`, "", "Unrecognized match type wrong-operator\n" + at(31)},
		{`{"key":[{"suffix":"value","prefix":"value2"}]}`, "", "Only one key allowed in match expression\n" + at(37)},
		{`{"key":[{"suffix":100}]}`, "", "suffix match pattern must be a string\n" + at(22)},
		{`{"key":[{"suffix":null}]}`, "", "suffix match pattern must be a string\n" + at(23)},
		{`{"key":{"suffix":"value"}}`, "", "\"suffix\" must be an object or an array\n" + at(19)},
		{`{"key":[{"suffix":[]}]}`, "", "suffix match pattern must be a string\n" + at(20)},
		{`{"key":[{"numeric":[]}]}`, "", "Invalid member in numeric match: ]\n" + at(22)},
		{`{"key":[{"numeric":["operator"]}]}`, "", "Unrecognized numeric range operator: operator\n" + at(32)},
		{`{"key":[{"numeric":[1,"<="]}]}`, "", "Invalid member in numeric match: 1\n" + at(22)},
		{`{"key":[{"numeric":["=","000"]}]}`, "", "Value of equals must be numeric\n" + at(26)},
		{`{"key":[{"numeric":[">="]}]}`, "", "Value of >= must be numeric\n" + at(26)},
		{`{"key":[{"numeric":["<",100,">",10]}]}`, "", "Too many elements in numeric expression\n" + at(30)},
		{`{"key":[{"numeric":[">=",1,">",2]}]}`, "", "Bad numeric range operator: >\n" + at(31)},
		{`{"key":[{"numeric":[">",3,"<",1]}]}`, "", "Bottom must be less than top\n" + at(33)},
		{`{"key":[{"numeric":[">",20,"<="]}]}`, "", "Value of <= must be numeric\n" + at(33)},
		{`{"key":[{"numeric":[">",20,30]}]}`, "", "Bad value in numeric range: 30\n" + at(30)},
		{`{"key":[{"numeric":[">",20,"test"]}]}`, "", "Bad numeric range operator: test\n" + at(34)},
		{`{"key":[{"numeric":[">","20","<","30"]}]}`, "", "Value of > must be numeric\n" + at(26)},
		{`{"key":[{"numeric":[">",20,"<","30"]}]}`, "", "Value of < must be numeric\n" + at(33)},
		{`{"key":[{"numeric":[">",20,"<",30,"<",50]}]}`, "", "Too many terms in numeric range expression\n" + at(36)},
		{`{"key":[{"exists":null}]}`, "", "exists match pattern must be either true or false.\n" + at(23)},
		{`{"key":[{"exists":"no"}]}`, "", "exists match pattern must be either true or false.\n" + at(20)},
		{`{"key_a":"value_one"}`, eventpattern.MessageBody, "\"key_a\" must be an object or an array\n" + at(11)},
		{`{"key":[]}`, "", "Empty arrays are not allowed"},
		{`{"key":[{"anything-but":{"suffix":"x"}}]}`, "", "Unsupported anything-but pattern: suffix"},
		{`{"key":[{"wildcard":"x*"}]}`, "", "Unrecognized match type wildcard"},
		{`{"key":[{"cidr":"10.0.0.0"}]}`, "", "FilterPolicy: Malformed CIDR, one '/' required"},
		{`{"a":["x"],"$or":[{"a":["y"]},{"b":["z"]}]}`, "", "a is there twice"},
		{`{"a":` + strs(151) + `}`, "", "FilterPolicy: Filter policy is too complex"},
		{`{"a":` + strs(10) + `,"b":` + strs(16) + `}`, "", "FilterPolicy: Filter policy is too complex"},
		{`{"$or":[{"a":` + strs(76) + `},{"b":` + strs(75) + `}]}`, "", "FilterPolicy: Filter policy is too complex"},
		{`{"a":{"b":{"c":` + strs(4) + `}},"d":{"e":` + strs(7) + `}}`, eventpattern.MessageBody, "FilterPolicy: Filter policy is too complex"},
		{`{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"],"f":["1"]}`, "", "FilterPolicy: Filter policy can not have more than 5 keys"},
		{`{"object":{"key":["x"]}}`, "", "Filter policy scope MessageAttributes does not support nested filter policy"},
		{`{"a":["x"]}`, "RandomValue", "FilterPolicyScope: Invalid value [RandomValue]. Please use either MessageBody or MessageAttributes"},
		{`{"a":["x"]`, "", "FilterPolicy: failed to parse JSON."},
		{`["a"]`, "", "FilterPolicy: failed to parse JSON."},
		{`null`, "", "FilterPolicy: failed to parse JSON."},
		{`{"a":["` + strings.Repeat("x", 256<<10) + `"]}`, "", "larger than 262144 bytes"},
	} {
		_, err := eventpattern.CompileSNS([]byte(tt.policy), tt.scope)
		want := strings.ReplaceAll(tt.want, "POLICY", tt.policy)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.100s:\n got %v\nwant %s", tt.policy, err, want)
		}
	}
}

// TestLimitsOfPolicies has policies that are just simple enough.
func TestLimitsOfPolicies(t *testing.T) {
	strs := func(n int) string { return `["` + strings.Repeat(`x","`, n-1) + `x"]` }
	for _, policy := range []string{
		`{"a":` + strs(150) + `}`,
		`{"a":` + strs(10) + `,"b":` + strs(15) + `}`,
		`{"$or":[{"a":` + strs(75) + `},{"b":` + strs(75) + `}]}`,
		// The documentation's own example: 3 × 4 × 2 × 3 = 72.
		`{"a":{"b":{"c":` + strs(4) + `}},"d":{"e":` + strs(3) + `}}`,
		`{"a":["1"],"b":["1"],"c":["1"],"d":["1"],"e":["1"]}`,
	} {
		if _, err := eventpattern.CompileSNS([]byte(policy), eventpattern.MessageBody); err != nil {
			t.Errorf("%.60s: %v", policy, err)
		}
	}
}
