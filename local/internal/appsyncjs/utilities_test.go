package appsyncjs_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
)

// evaluate runs an expression and gives its value as JSON, or the error.
func evaluate(t *testing.T, expression string) string {
	t.Helper()
	p := compile(t, "import { util } from '@aws-appsync/utils';\nimport * as ddb from '@aws-appsync/utils/dynamodb';\nexport function request(ctx) { return "+expression+"; }")
	r, err := newRuntime(nil).Call(p, "request", &appsyncjs.Context{Arguments: json.RawMessage(`{"text":"a.b.c","list":[3,1,2],"big":12345678901234567890,"f":1.50}`)})
	if err != nil {
		return "error: " + err.Error()
	}
	return string(r.Value)
}

// The values of the DynamoDB module and of the transformations are what AppSync's EvaluateCode was recorded to give; the
// others are from the tables and examples of its documentation.
func TestUtilities(t *testing.T) {
	for _, c := range []struct{ name, expression, want string }{
		// util.dynamodb
		{"string", `util.dynamodb.toDynamoDB("test")`, `{"S":"test"}`},
		{"number", `util.dynamodb.toDynamoDB(12345)`, `{"N":12345}`},
		{"boolean", `util.dynamodb.toDynamoDB(true)`, `{"BOOL":true}`},
		{"null", `util.dynamodb.toDynamoDB(null)`, `{"NULL":null}`},
		{"nested", `util.dynamodb.toDynamoDB({foo:"bar",baz:1234,beep:["boop"]})`, `{"M":{"foo":{"S":"bar"},"baz":{"N":1234},"beep":{"L":[{"S":"boop"}]}}}`},
		{"toMapValues", `util.dynamodb.toMapValues({foo:"bar",n:null,u:undefined})`, `{"foo":{"S":"bar"},"n":{"NULL":null}}`},
		{"toMap", `util.dynamodb.toMap({a:1})`, `{"M":{"a":{"N":1}}}`},
		{"toList", `util.dynamodb.toList(["foo",123,{bar:"baz"}])`, `{"L":[{"S":"foo"},{"N":123},{"M":{"bar":{"S":"baz"}}}]}`},
		{"sets", `[util.dynamodb.toStringSet(["a"]),util.dynamodb.toNumberSet([1,4.56]),util.dynamodb.toBinarySet(["Zg=="])]`, `[{"SS":["a"]},{"NS":[1,4.56]},{"BS":["Zg=="]}]`},
		{"scalars", `[util.dynamodb.toString("x"),util.dynamodb.toNumber(1),util.dynamodb.toBoolean(false),util.dynamodb.toBinary("Zg=="),util.dynamodb.toNull()]`, `[{"S":"x"},{"N":1},{"BOOL":false},{"B":"Zg=="},{"NULL":null}]`},
		{"scalar null", `util.dynamodb.toString(null)`, `null`},
		{"toS3Object", `util.dynamodb.toS3Object("foo","bar","baz","beep")`, `{"S":"{\"s3\":{\"key\":\"foo\",\"bucket\":\"bar\",\"region\":\"baz\",\"version\":\"beep\"}}"}`},
		{"fromS3ObjectJson", `util.dynamodb.fromS3ObjectJson('{"s3":{"key":"foo","bucket":"bar","region":"baz"}}')`, `{"bucket":"bar","region":"baz","key":"foo"}`},

		// filters
		{"contains", `util.transform.toDynamoDBFilterExpression({title:{contains:"Hello World"}})`, quoted(`{"expression":"(contains(#title,:title_contains))","expressionNames":{"#title":"title"},"expressionValues":{":title_contains":{"S":"Hello World"}}}`)},
		{"condition", `util.transform.toDynamoDBConditionExpression({id:{attributeExists:true},version:{eq:10}})`, quoted(`{"expression":"(attribute_exists(#id)) AND (#version = :version_eq)","expressionNames":{"#id":"id","#version":"version"},"expressionValues":{":version_eq":{"N":10}}}`)},
		{"between", text(`{v:{between:["1","9"]}}`), `"(#v BETWEEN :v_between_start AND :v_between_end)"`},
		{"in", text(`{v:{in:["a","b"]}}`), `"(#v IN (:v_in_0, :v_in_1))"`},
		{"in nothing", text(`{v:{in:[]}}`), `"(null)"`},
		{"type", text(`{v:{attributeType:"_null"}}`), `"(attribute_type(#v,:v_attributeType))"`},
		{"two operators", text(`{v:{ge:1,le:5}}`), `"((#v >= :v_ge) AND (#v <= :v_le))"`},
		{"size", text(`{v:{size:{gt:2}}}`), `"(size(#v) > :v_size_gt)"`},
		{"and in or", text(`{or:[{and:[{a:{eq:1}},{b:{eq:2}}]},{c:{eq:3}}]}`), `"(((#a = :or_0_and_0_a_eq) AND (#b = :or_0_and_1_b_eq)) OR (#c = :or_1_c_eq))"`},
		{"not in and", text(`{and:[{not:{a:{eq:1}}},{b:{ne:2}}]}`), `"((NOT (#a = :and_0_not_a_eq)) AND (#b <> :and_1_b_ne))"`},
		{"beside a group", text(`{a:{eq:1},and:[{b:{eq:2}}]}`), `"(#a = :a_eq) AND (#b = :and_0_b_eq)"`},
		{"empty", text(`{}`), `""`},
		{"unknown operator", `util.transform.toDynamoDBFilterExpression({v:{foo:1}})`, `null`},
		{"and of a map", `util.transform.toDynamoDBFilterExpression({and:{a:{eq:1}}})`, `null`},
		{"no filter", `util.transform.toDynamoDBFilterExpression()`, `null`},

		// subscription filters
		{"two fields", `util.transform.toSubscriptionFilter({a:{eq:1},b:{eq:2}})`, `{"filterGroup":[{"filters":[{"fieldName":"a","operator":"eq","value":1},{"fieldName":"b","operator":"eq","value":2}]}]}`},
		{"alternatives", groups(`{a:{le:50,ge:20},and:[{b:{ne:1}},{c:{gt:2}}],or:[{d:{eq:3}},{e:{eq:4}}]}`), `"a le b ne c gt d eq|a le b ne c gt e eq|a ge b ne c gt d eq|a ge b ne c gt e eq"`},
		{"or in and", groups(`{and:[{a:{eq:1}},{or:[{b:{eq:2}},{c:{eq:3}}]}]}`), `"a eq b eq|a eq c eq"`},
		{"ignored", groups(`{a:{eq:1},and:[{b:{eq:2}}]}, ["b"]`), `"a eq"`},
		{"rules", groups(`{a:{eq:1}}, [], {r1:{ge:250},r2:{eq:"p"}}`), `"a eq r1 ge|a eq r2 eq"`},
		{"rules alone", groups(`{}, [], {r1:{eq:1}}`), `"r1 eq"`},
		{"no groups", `util.transform.toSubscriptionFilter({a:{}})`, `{"filterGroup":[]}`},
		{"list", `util.transform.toSubscriptionFilter([])`, `null`},

		// @aws-appsync/utils/dynamodb
		{"get", `ddb.get({key:{id:"id"},consistentRead:true,projection:["id","a.b"]})`, `{"operation":"GetItem","key":{"id":{"S":"id"}},"consistentRead":true,"projection":{"expression":"#expName_1, #expName_2.#expName_3","expressionNames":{"#expName_1":"id","#expName_2":"a","#expName_3":"b"}}}`},
		{"put", `ddb.put({key:{id:"abc"},item:{value:10},condition:{id:{attributeExists:false}}})`, `{"operation":"PutItem","key":{"id":{"S":"abc"}},"attributeValues":{"value":{"N":10}},"condition":{"expression":"(attribute_not_exists(#id))","expressionNames":{"#id":"id"}}}`},
		{"remove", `ddb.remove({key:{id:"test"}})`, `{"operation":"DeleteItem","key":{"id":{"S":"test"}}}`},
		{"scan", `ddb.scan({limit:10,nextToken:"abc",index:null})`, `{"operation":"Scan","limit":10,"nextToken":"abc"}`},
		{"query", `ddb.query({query:{id:{eq:"a"}},scanIndexForward:false})`, `{"operation":"Query","query":{"expression":"(#id = :id_eq)","expressionNames":{"#id":"id"},"expressionValues":{":id_eq":{"S":"a"}}},"scanIndexForward":false}`},
		{"increment", `ddb.update({key:{id:"t"},update:{age:ddb.operations.increment(10)}}).update`, `{"expression":"SET #expName_1 = #expName_1 + :expValue_1","expressionNames":{"#expName_1":"age"},"expressionValues":{":expValue_1":{"N":10}}}`},
		{"append", `ddb.update({key:{id:"t"},update:{l:ddb.operations.append([1])}}).update.expression`, `"SET #expName_1 = list_append(#expName_1, :expValue_1)"`},
		{"prepend", `ddb.update({key:{id:"t"},update:{l:ddb.operations.prepend([1])}}).update.expression`, `"SET #expName_1 = list_append(:expValue_1, #expName_1)"`},
		{"mixed update", `ddb.update({key:{id:"t"},update:{gone:ddb.operations.remove(),a:null,n:ddb.operations.decrement(),l:[ddb.operations.updateListItem("x",2)]}}).update`, `{"expression":"SET #expName_1 = :expValue_1, #expName_2 = #expName_2 - :expValue_2, #expName_3[2] = :expValue_3 REMOVE #expName_4","expressionNames":{"#expName_1":"a","#expName_2":"n","#expName_3":"l","#expName_4":"gone"},"expressionValues":{":expValue_1":{"NULL":null},":expValue_2":{"N":1},":expValue_3":{"S":"x"}}}`},
		{"batches", `[ddb.batchGet({tables:{t:{keys:[{id:"1"}]}}}),ddb.batchPut({tables:{t:[{id:"1"}]}}),ddb.batchDelete({tables:{t:[{id:"1"}]}})]`, `[{"operation":"BatchGetItem","tables":{"t":{"keys":[{"id":{"S":"1"}}]}}},{"operation":"BatchPutItem","tables":{"t":[{"id":{"S":"1"}}]}},{"operation":"BatchDeleteItem","tables":{"t":[{"id":{"S":"1"}}]}}]`},
		{"transactions", `[ddb.transactGet({items:[{table:"t",key:{id:"1"}}]}),ddb.transactWrite({items:[{deleteItem:{table:"t",key:{id:"1"}}},{putItem:{table:"t",key:{id:"2"},item:{a:1}}}]})]`, `[{"operation":"TransactGetItems","transactItems":[{"table":"t","key":{"id":{"S":"1"}}}]},{"operation":"TransactWriteItems","transactItems":[{"table":"t","operation":"DeleteItem","key":{"id":{"S":"1"}}},{"table":"t","operation":"PutItem","key":{"id":{"S":"2"}},"attributeValues":{"a":{"N":1}}}]}]`},
		{"sync", `ddb.sync({limit:1,lastSync:5})`, `{"operation":"Sync","limit":1,"lastSync":5}`},
		{"no key", `ddb.get({})`, `error: code.js:3:46: get: key is missing`},
		{"bad condition", `ddb.remove({key:{id:"1"},condition:{a:{foo:1}}})`, `error: code.js:3:49: condition is not a valid filter: {"a":{"foo":1}}`},

		// text
		{"urlEncode", `util.urlEncode("a b&c*~ü")`, `"a+b%26c*%7E%C3%BC"`},
		{"urlDecode", `util.urlDecode("a+b%26")`, `"a b&"`},
		{"base64", `[util.base64Encode("hällo"),util.base64Decode("aMOkbGxv")]`, `["aMOkbGxv","hällo"]`},
		{"escapeJavaScript", `util.escapeJavaScript("It's \"a/b\"\n\u00e4")`, `"It\\'s \\\"a\\/b\\\"\\n\\u00E4"`},
		{"matches", `[util.matches("a*b","aaaaab"),util.matches("a*b","aaaaabc")]`, `[true,false]`},
		{"matches look-ahead", `util.matches("a(?=b)","ab")`, "error: code.js:3:51: util.matches: the local runtime cannot use the pattern \"\\\\A(?:a(?=b))\\\\z\": error parsing regexp: invalid or unsupported Perl syntax: `(?=`"},
		{"normalize", `util.str.normalize("e\u0301","nfc")`, `"é"`},
		{"replace is a Java pattern", `[ctx.args.text.replace("[.]","-"),ctx.args.text.replaceAll("([a-z])[.]","$1"),ctx.args.text.replaceAll(".","-")]`, `["a-b.c","abc","-----"]`},

		// time: the clock stands at 2026-03-01T12:30:45.678Z
		{"now", `[util.time.nowISO8601(),util.time.nowEpochSeconds(),util.time.nowEpochMilliSeconds()]`, `["2026-03-01T12:30:45.678Z",1772368245,1772368245678]`},
		{"nowFormatted", `[util.time.nowFormatted("yyyy-MM-dd HH:mm:ssZ"),util.time.nowFormatted("yyyy-MM-dd HH:mm:ssZ","Australia/Perth"),util.time.nowFormatted("EEE, d MMM yy hh:mm a 'o''clock' ZZZZZ","+08:00")]`, `["2026-03-01 12:30:45+0000","2026-03-01 20:30:45+0800","Sun, 1 Mar 26 08:30 PM o'clock +08:00"]`},
		{"parse", `[util.time.parseFormattedToEpochMilliSeconds("2018-02-01 17:21:05.180+0800","yyyy-MM-dd HH:mm:ss.SSSZ"),util.time.parseFormattedToEpochMilliSeconds("2018-02-01 01:19:15","yyyy-MM-dd HH:mm:ss","+08:00"),util.time.parseISO8601ToEpochMilliSeconds("2018-02-01T17:21:05.180+08:00")]`, `[1517476865180,1517419155000,1517476865180]`},
		{"parse digits", `util.time.parseFormattedToEpochMilliSeconds("20180201","yyyyMMdd","UTC")`, `1517443200000`},
		{"convert", `[util.time.epochMilliSecondsToSeconds(1517943695750),util.time.epochMilliSecondsToISO8601(1517943695750),util.time.epochMilliSecondsToFormatted(1517943695750,"yyyy-MM-dd HH:mm:ssZ","Australia/Perth")]`, `[1517943695,"2018-02-06T19:01:35.750Z","2018-02-07 03:01:35+0800"]`},
		{"parse nonsense", `util.time.parseISO8601ToEpochMilliSeconds("yesterday")`, `error: code.js:3:80: util.time.parseISO8601ToEpochMilliSeconds: "yesterday" is not a time with a zone in ISO 8601`},
		{"unknown letter", `util.time.nowFormatted("GGGG")`, `error: code.js:3:61: util.time.nowFormatted: the local runtime does not know "GGGG" in the pattern "GGGG"`},

		// math, http
		{"math", `[util.math.roundNum(10.5),util.math.roundNum(-2.5),util.math.minVal(3,2),util.math.maxVal(3,2)]`, `[11,-2,2,3]`},
		{"copyHeaders", `util.http.copyHeaders({Host:"x",accept:"y","content-length":"3"})`, `{"accept":"y"}`},

		// JavaScript itself
		{"JSON.parse", `[JSON.parse('{"b":[1,-0.5e1,"\\u00e4"],"a":null}'),JSON.parse("{nonsense")]`, `[{"b":[1,-5,"ä"],"a":null},""]`},
		{"JSON.stringify", `JSON.stringify({a:[1,undefined,NaN],b:undefined})`, `"{\"a\":[1,null,null]}"`},
		{"numbers", `[ctx.args.big,ctx.args.f,1e21,0.1+0.2,-0,1/0]`, `[12345678901234567000,1.5,1e+21,0.30000000000000004,0,null]`},
		{"sort", `ctx.args.list.sort()`, `[1,2,3]`},
		{"undefined members", `({a:undefined,b:[undefined],c:Object.entries({x:1})})`, `{"b":[null],"c":[["x",1]]}`},
		{"missing", `ctx.args.none.x`, `error: code.js:3:53: TypeError: Cannot read property 'x' of undefined`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, evaluate(t, c.expression)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// text is the expression alone of a filter.
func text(filter string) string {
	return "JSON.parse(util.transform.toDynamoDBFilterExpression(" + filter + ")).expression"
}

// groups is a short form of a subscription filter.
func groups(arguments string) string {
	return "util.transform.toSubscriptionFilter(" + arguments + ").filterGroup.map((g) => g.filters.map((f) => f.fieldName + ' ' + f.operator).join(' ')).join('|')"
}

func quoted(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestIDs(t *testing.T) {
	for _, c := range []struct{ expression, pattern string }{
		{`util.autoId()`, `^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"$`},
		{`util.autoUlid()`, `^"01KJM[0-9A-HJKMNP-TV-Z]{21}"$`},
		{`util.autoKsuid()`, `^"3A[0-9A-Za-z]{25}"$`},
		{`Math.random() < 1 && util.math.randomDouble() < 1`, `^true$`},
		{`util.math.randomWithinRange(5, 7)`, `^[56]$`},
	} {
		first, again := evaluate(t, c.expression), evaluate(t, c.expression)
		if !regexp.MustCompile(c.pattern).MatchString(first) {
			t.Errorf("%s = %s, does not match %s", c.expression, first, c.pattern)
		}
		if first != again {
			t.Errorf("%s: the same source gives %s, then %s", c.expression, first, again)
		}
	}
	if got := evaluate(t, `[util.autoId(),util.autoId()]`); got[2:38] == got[41:77] {
		t.Errorf("the same id twice: %s", got)
	}
}

func TestAuthType(t *testing.T) {
	p := compile(t, "export function request(ctx) { return util.authType(); }")
	for _, c := range []struct{ identity, want string }{
		{`null`, "API Key Authorization"},
		{`{}`, "Lambda Authorization"},
		{`{"resolverContext":{"tenant":"acme"}}`, "Lambda Authorization"},
		{`{"accountId":"1","sourceIp":["1.2.3.4"],"username":"u","userArn":"arn","cognitoIdentityId":null}`, "IAM Authorization"},
		{`{"accountId":"1","sourceIp":null,"username":"u","userArn":"arn"}`, "API Key Authorization"},
		{`{"sourceIp":["1"],"username":"u","sub":"s","issuer":"i","claims":{},"defaultAuthStrategy":"ALLOW"}`, "User Pool Authorization"},
		{`{"sub":"s","issuer":"i","claims":{}}`, "Open ID Connect Authorization"},
		{`{"sub":"s","issuer":"i","claims":{},"username":"u"}`, "API Key Authorization"},
	} {
		r, err := newRuntime(nil).Call(p, "request", &appsyncjs.Context{Identity: json.RawMessage(c.identity)})
		if err != nil || strings.Trim(string(r.Value), `"`) != c.want {
			t.Errorf("%s: %s, %v; want %s", c.identity, r.Value, err, c.want)
		}
	}
}
