package conformance

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestTable is DynamoDB with a table, Items, with the key pk, sk and an index byOwner (owner, age) of keys.
func TestTable(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"items", tableItems},
		{"types", tableTypes},
		{"paths", tablePaths},
		{"numbers", tableNumbers},
		{"numbers are normalized", tableNumbersNormalized},
		{"numbers refused", tableNumbersRefused},
		{"conditions", tableConditions},
		{"conditions on different types", tableConditionsOnTypes},
		{"updates", tableUpdates},
		{"updates refused", tableUpdatesRefused},
		{"queries", tableQueries},
		{"pages", tablePages},
		{"indexes", tableIndexes},
		{"indexes are not consistent", tableIndexesConsistent},
		{"keys of indexes refused", tableIndexKeysRefused},
		{"scans", tableScans},
		{"batches", tableBatches},
		{"batches refused", tableBatchesRefused},
		{"transactions", tableTransactions},
		{"transactions cancelled", tableTransactionsCancelled},
		{"requests refused", tableRefused},
		{"projections refused", tableProjectionsRefused},
		{"description", tableDescription},
	})
}

type item = map[string]types.AttributeValue

func (c *C) ddb() *dynamodb.Client { return dynamodb.NewFromConfig(c.Config) }

func str(v string) types.AttributeValue { return &types.AttributeValueMemberS{Value: v} }
func num(v string) types.AttributeValue { return &types.AttributeValueMemberN{Value: v} }

func key(pk, sk string) item { return item{"pk": str(pk), "sk": str(sk)} }

// with is an item with more attributes.
func with(i item, more item) item {
	for name, v := range more {
		i[name] = v
	}
	return i
}

// show is a value in a short notation, with sorted sets' order left as it comes.
func show(v types.AttributeValue) string {
	switch v := v.(type) {
	case nil:
		return "-"
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return fmt.Sprint(v.Value)
	case *types.AttributeValueMemberNULL:
		return "null"
	case *types.AttributeValueMemberB:
		return fmt.Sprintf("%x", v.Value)
	case *types.AttributeValueMemberL:
		var all []string
		for _, e := range v.Value {
			all = append(all, show(e))
		}
		return "[" + strings.Join(all, " ") + "]"
	}
	return fmt.Sprintf("%T", v)
}

func (c *C) put(i item) {
	must(c.ddb().PutItem(c.ctx, &dynamodb.PutItemInput{TableName: aws.String(c.Names["Items"]), Item: i}))
}

func (c *C) get(pk, sk string) item {
	return must(c.ddb().GetItem(c.ctx, &dynamodb.GetItemInput{TableName: aws.String(c.Names["Items"]), Key: key(pk, sk), ConsistentRead: aws.Bool(true)})).Item
}

func (c *C) update(expression, condition string, values item) (*dynamodb.UpdateItemOutput, error) {
	in := &dynamodb.UpdateItemInput{
		TableName: aws.String(c.Names["Items"]), Key: key("p", "s"), UpdateExpression: &expression, ReturnValues: types.ReturnValueAllNew,
		ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if condition != "" {
		in.ConditionExpression = &condition
	}
	return c.ddb().UpdateItem(c.ctx, in)
}

func tableItems(c *C) {
	equal(c, "what is not there", len(c.get("p", "s")), 0)
	c.put(with(key("p", "s"), item{"a": str("1"), "b": str("2")}))
	old := must(c.ddb().PutItem(c.ctx, &dynamodb.PutItemInput{
		TableName: aws.String(c.Names["Items"]), Item: with(key("p", "s"), item{"a": str("3")}), ReturnValues: types.ReturnValueAllOld,
	})).Attributes
	equal(c, "the old b", show(old["b"]), "2")
	equal(c, "attributes of the new one", len(c.get("p", "s")), 3)
	some := must(c.ddb().GetItem(c.ctx, &dynamodb.GetItemInput{
		TableName: aws.String(c.Names["Items"]), Key: key("p", "s"), ProjectionExpression: aws.String("#a"), ExpressionAttributeNames: map[string]string{"#a": "a"},
	})).Item
	equal(c, "attributes of a projection", len(some), 1)
	gone := must(c.ddb().DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: aws.String(c.Names["Items"]), Key: key("p", "s"), ReturnValues: types.ReturnValueAllOld})).Attributes
	equal(c, "a of the deleted one", show(gone["a"]), "3")
	must(c.ddb().DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: aws.String(c.Names["Items"]), Key: key("p", "s")})) // is no error
	equal(c, "what is left", len(c.get("p", "s")), 0)
}

func tableTypes(c *C) {
	c.put(with(key("p", "s"), item{
		"bool": &types.AttributeValueMemberBOOL{Value: true}, "null": &types.AttributeValueMemberNULL{Value: true}, "bytes": &types.AttributeValueMemberB{Value: []byte{0, 255}},
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{str("x"), num("1")}}, "empty": str(""),
		"map":  &types.AttributeValueMemberM{Value: item{"deep": &types.AttributeValueMemberM{Value: item{"er": str("y")}}}},
		"tags": &types.AttributeValueMemberSS{Value: []string{"b", "a"}},
	}))
	got := c.get("p", "s")
	for name, want := range map[string]string{"bool": "true", "null": "null", "bytes": "00ff", "list": "[x 1]", "empty": ""} {
		equal(c, name, show(got[name]), want)
	}
	tags, _ := got["tags"].(*types.AttributeValueMemberSS)
	if tags == nil || len(tags.Value) != 2 {
		c.Errorf("tags: %v", got["tags"])
	}
}

func tablePaths(c *C) {
	c.put(with(key("p", "s"), item{
		"list": &types.AttributeValueMemberL{Value: []types.AttributeValue{str("x"), num("1")}},
		"map":  &types.AttributeValueMemberM{Value: item{"deep": &types.AttributeValueMemberM{Value: item{"er": str("y")}}}},
	}))
	deep := must(c.ddb().GetItem(c.ctx, &dynamodb.GetItemInput{
		TableName: aws.String(c.Names["Items"]), Key: key("p", "s"), ProjectionExpression: aws.String("#m.deep.er, #l[1]"), ExpressionAttributeNames: map[string]string{"#m": "map", "#l": "list"},
	})).Item
	equal(c, "an element", show(deep["list"]), "[1]")
	if m, ok := deep["map"].(*types.AttributeValueMemberM); !ok || len(m.Value) != 1 {
		c.Errorf("a path: %v", deep["map"])
	}
}

// "Numbers can be positive, negative, or zero … up to 38 digits of precision … leading and trailing zeroes are trimmed."
func tableNumbers(c *C) {
	for _, given := range []string{"12345678901234567890123456789012345678", "0.1", "-7", "0"} {
		c.put(with(key("p", "s"), item{"n": num(given)}))
		equal(c, given, show(c.get("p", "s")["n"]), given)
	}
	c.put(with(key("p", "s"), item{"n": num("0.1")}))
	sum := must(c.update("ADD n :m", "", item{":m": num("0.2")})).Attributes
	equal(c, "0.1 + 0.2", show(sum["n"]), "0.3")
}

func tableNumbersNormalized(c *C) {
	for given, want := range map[string]string{"1.50": "1.5", "007": "7", "-0": "0", "-1.25E2": "-125"} {
		c.put(with(key("p", "s"), item{"n": num(given)}))
		equal(c, given, show(c.get("p", "s")["n"]), want)
	}
}

func tableNumbersRefused(c *C) {
	for _, given := range []string{"123456789012345678901234567890123456789", "1E126", "one", ""} {
		_, err := c.ddb().PutItem(c.ctx, &dynamodb.PutItemInput{TableName: aws.String(c.Names["Items"]), Item: with(key("p", "s"), item{"n": num(given)})})
		refused(c, err, "ValidationException")
	}
}

func tableConditionsOnTypes(c *C) {
	c.put(with(key("p", "s"), item{"n": num("5")}))
	_, err := c.update("SET a = :text", "n < :text", item{":text": str("9")})
	refused(c, err, "ConditionalCheckFailedException")
	_, err = c.update("SET a = :text", "n = :text", item{":text": str("5")})
	refused(c, err, "ConditionalCheckFailedException")
}

func tableConditions(c *C) {
	c.put(with(key("p", "s"), item{"status": str("NEW"), "n": num("5"), "tags": &types.AttributeValueMemberSS{Value: []string{"a"}}}))
	all := item{":new": str("NEW"), ":old": str("OLD"), ":n": str("N"), ":one": num("1"), ":ten": num("10"), ":a": str("a"), ":numeric": str("N")}
	for condition, holds := range map[string]bool{
		"attribute_exists(pk)":     true,
		"attribute_not_exists(pk)": false,
		"#s = :new":                true,
		"#s IN (:old, :new)":       true,
		"NOT #s = :new":            false,
		"begins_with(#s, :n) AND n BETWEEN :one AND :ten":   true,
		"contains(tags, :a) OR #s = :old":                   true,
		"size(#s) > :ten":                                   false,
		"attribute_type(n, :numeric)":                       true,
		"absent <> :new":                                    true,
		"absent = :new":                                     false,
		"(#s = :old OR n >= :one) AND attribute_exists(#s)": true,
	} {
		values := item{}
		for name, v := range all {
			for token := range strings.FieldsFuncSeq(condition, func(r rune) bool { return strings.ContainsRune(" (),", r) }) {
				if token == name {
					values[name] = v
				}
			}
		}
		in := &dynamodb.DeleteItemInput{TableName: aws.String(c.Names["Items"]), Key: key("p", "s"), ConditionExpression: &condition}
		if len(values) > 0 {
			in.ExpressionAttributeValues = values
		}
		if strings.Contains(condition, "#s") {
			in.ExpressionAttributeNames = map[string]string{"#s": "status"}
		}
		before := c.get("p", "s")
		_, err := c.ddb().DeleteItem(c.ctx, in)
		if holds {
			if err != nil {
				c.Errorf("%s: %v", condition, err)
			}
			c.put(before)
		} else {
			refused(c, err, "ConditionalCheckFailedException")
		}
	}
	_, err := c.update("SET n = :one", "attribute_not_exists(pk)", item{":one": num("1")})
	var failed *types.ConditionalCheckFailedException
	if !errors.As(err, &failed) || show(failed.Item["n"]) != "5" {
		c.Errorf("the item that failed the condition: %v", err)
	}
}

func tableUpdates(c *C) {
	for _, step := range []struct {
		expression string
		values     item
		want       string // of a
	}{
		{"SET a = :v", item{":v": num("1")}, "1"},
		{"SET a = a + :v", item{":v": num("2")}, "3"},
		{"SET a = if_not_exists(a, :v), b = if_not_exists(b, :v)", item{":v": num("9")}, "3"},
		{"ADD a :v", item{":v": num("-5")}, "-2"},
		{"REMOVE a", nil, "-"},
		{"SET a = :v", item{":v": &types.AttributeValueMemberL{Value: []types.AttributeValue{str("x")}}}, "[x]"},
		{"SET a = list_append(a, :v)", item{":v": &types.AttributeValueMemberL{Value: []types.AttributeValue{str("y"), str("z")}}}, "[x y z]"},
		{"SET a[0] = :v REMOVE a[1]", item{":v": str("w")}, "[w z]"},
		{"SET a[9] = :v", item{":v": str("end")}, "[w z end]"},
	} {
		got := must(c.update(step.expression, "", step.values)).Attributes
		equal(c, step.expression, show(got["a"]), step.want)
	}
	equal(c, "b", show(c.get("p", "s")["b"]), "9")
}

func tableUpdatesRefused(c *C) {
	c.put(with(key("p", "s"), item{"text": str("x")}))
	for _, bad := range []struct {
		expression string
		values     item
	}{
		{"SET pk = :v", item{":v": str("q")}},
		{"SET a = :v, a = :v", item{":v": str("q")}},
		{"SET a = :none", item{":v": str("q")}},
		{"SET a = b + :v", item{":v": num("1")}}, // there is no b
		{"SET absent.deep = :v", item{":v": num("1")}},
		{"ADD text :v", item{":v": num("1")}},
		{"SET status = :v", item{":v": num("1")}}, // a reserved word
		{"SET a = :v extra", item{":v": num("1")}},
	} {
		_, err := c.update(bad.expression, "", bad.values)
		if err == nil {
			c.Errorf("%s is taken", bad.expression)
			continue
		}
		refused(c, err, "ValidationException")
	}
}
