package conformance

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func (c *C) query(in *dynamodb.QueryInput) *dynamodb.QueryOutput {
	in.TableName = aws.String(c.Names["Items"])
	return must(c.ddb().Query(c.ctx, in))
}

func sks(items []item) string {
	var all []string
	for _, i := range items {
		all = append(all, show(i["sk"]))
	}
	return strings.Join(all, " ")
}

func tableQueries(c *C) {
	for _, sk := range []string{"b1", "a2", "a1", "c"} {
		c.put(with(key("p", sk), item{"n": num(fmt.Sprint(len(sk)))}))
	}
	c.put(key("q", "a1"))
	for _, q := range []struct {
		condition string
		values    item
		want      string
	}{
		{"pk = :p", item{":p": str("p")}, "a1 a2 b1 c"},
		{"pk = :p AND begins_with(sk, :s)", item{":p": str("p"), ":s": str("a")}, "a1 a2"},
		{"pk = :p AND sk BETWEEN :s AND :t", item{":p": str("p"), ":s": str("a2"), ":t": str("b1")}, "a2 b1"},
		{"pk = :p AND sk > :s", item{":p": str("p"), ":s": str("a2")}, "b1 c"},
		{"pk = :p AND sk <= :s", item{":p": str("p"), ":s": str("a2")}, "a1 a2"},
	} {
		equal(c, q.condition, sks(c.query(&dynamodb.QueryInput{KeyConditionExpression: &q.condition, ExpressionAttributeValues: q.values}).Items), q.want)
	}
	back := c.query(&dynamodb.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str("p")}, ScanIndexForward: aws.Bool(false)})
	equal(c, "backwards", sks(back.Items), "c b1 a2 a1")
	filtered := c.query(&dynamodb.QueryInput{
		KeyConditionExpression: aws.String("pk = :p"), FilterExpression: aws.String("n = :two"), ExpressionAttributeValues: item{":p": str("p"), ":two": num("2")},
	})
	equal(c, "filtered", sks(filtered.Items), "a1 a2 b1")
	equal(c, "counted", filtered.Count, int32(3))
	equal(c, "looked at", filtered.ScannedCount, int32(4))
	counted := c.query(&dynamodb.QueryInput{KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str("p")}, Select: types.SelectCount})
	equal(c, "only counted", fmt.Sprint(counted.Count, len(counted.Items)), "4 0")
}

func tablePages(c *C) {
	for i := range 5 {
		c.put(key("p", fmt.Sprint(i)))
	}
	var (
		pages []string
		start item
	)
	for range 5 {
		out := c.query(&dynamodb.QueryInput{
			KeyConditionExpression: aws.String("pk = :p"), ExpressionAttributeValues: item{":p": str("p")}, Limit: aws.Int32(2), ExclusiveStartKey: start,
		})
		pages = append(pages, sks(out.Items))
		if start = out.LastEvaluatedKey; start == nil {
			break
		}
	}
	equal(c, "pages", strings.Join(pages, " | "), "0 1 | 2 3 | 4")
}

func tableIndexes(c *C) {
	for i, age := range []string{"30", "4", "100"} {
		c.put(with(key("p", fmt.Sprint(i)), item{"owner": str("ada"), "age": num(age), "more": str("x")}))
	}
	c.put(with(key("p", "3"), item{"owner": str("ada")})) // is not in the index
	out := c.query(&dynamodb.QueryInput{
		IndexName: aws.String("byOwner"), KeyConditionExpression: aws.String("#o = :o"), ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":o": str("ada")},
	})
	equal(c, "by age", sks(out.Items), "1 0 2")
	if len(out.Items) > 0 {
		equal(c, "what is projected", len(out.Items[0]), 4)
	}
}

// A key's type is that of the table's definition, in an index too.
func tableIndexKeysRefused(c *C) {
	_, err := c.ddb().PutItem(c.ctx, &dynamodb.PutItemInput{TableName: aws.String(c.Names["Items"]), Item: with(key("p", "4"), item{"owner": num("1")})})
	refused(c, err, "ValidationException")
}

func tableIndexesConsistent(c *C) {
	_, err := c.ddb().Query(c.ctx, &dynamodb.QueryInput{
		TableName: aws.String(c.Names["Items"]), IndexName: aws.String("byOwner"), ConsistentRead: aws.Bool(true), KeyConditionExpression: aws.String("#o = :o"),
		ExpressionAttributeNames: map[string]string{"#o": "owner"}, ExpressionAttributeValues: item{":o": str("ada")},
	})
	refused(c, err, "ValidationException")
}

func tableScans(c *C) {
	for i := range 5 {
		c.put(with(key(fmt.Sprint("p", i), "s"), item{"n": num(fmt.Sprint(i))}))
	}
	all := must(c.ddb().Scan(c.ctx, &dynamodb.ScanInput{TableName: aws.String(c.Names["Items"])}))
	equal(c, "all", len(all.Items), 5)
	some := must(c.ddb().Scan(c.ctx, &dynamodb.ScanInput{
		TableName: aws.String(c.Names["Items"]), FilterExpression: aws.String("n >= :n"), ExpressionAttributeValues: item{":n": num("3")},
	}))
	equal(c, "some, of those looked at", fmt.Sprint(some.Count, " of ", some.ScannedCount), "2 of 5")
}

func (c *C) writes(n int) map[string][]types.WriteRequest {
	var all []types.WriteRequest
	for i := range n {
		all = append(all, types.WriteRequest{PutRequest: &types.PutRequest{Item: key("p", fmt.Sprint(i))}})
	}
	return map[string][]types.WriteRequest{c.Names["Items"]: all}
}

func tableBatches(c *C) {
	out := must(c.ddb().BatchWriteItem(c.ctx, &dynamodb.BatchWriteItemInput{RequestItems: c.writes(25)}))
	equal(c, "unprocessed", len(out.UnprocessedItems), 0)
	got := must(c.ddb().BatchGetItem(c.ctx, &dynamodb.BatchGetItemInput{RequestItems: map[string]types.KeysAndAttributes{
		c.Names["Items"]: {Keys: []map[string]types.AttributeValue{key("p", "3"), key("p", "24"), key("p", "none")}},
	}}))
	equal(c, "got", len(got.Responses[c.Names["Items"]]), 2)
}

func tableBatchesRefused(c *C) {
	_, err := c.ddb().BatchWriteItem(c.ctx, &dynamodb.BatchWriteItemInput{RequestItems: c.writes(26)})
	refused(c, err, "ValidationException")
	twice := c.writes(1)
	twice[c.Names["Items"]] = append(twice[c.Names["Items"]], twice[c.Names["Items"]][0])
	_, err = c.ddb().BatchWriteItem(c.ctx, &dynamodb.BatchWriteItemInput{RequestItems: twice})
	refused(c, err, "ValidationException")
}

func (c *C) transact(items ...types.TransactWriteItem) error {
	_, err := c.ddb().TransactWriteItems(c.ctx, &dynamodb.TransactWriteItemsInput{TransactItems: items})
	return err
}

func (c *C) putIn(sk, condition string) types.TransactWriteItem {
	p := &types.Put{TableName: aws.String(c.Names["Items"]), Item: key("p", sk)}
	if condition != "" {
		p.ConditionExpression = &condition
	}
	return types.TransactWriteItem{Put: p}
}

func tableTransactions(c *C) {
	c.put(with(key("p", "old"), item{"n": num("1")}))
	if err := c.transact(c.putIn("new", "attribute_not_exists(pk)"), types.TransactWriteItem{Update: &types.Update{
		TableName: aws.String(c.Names["Items"]), Key: key("p", "old"), UpdateExpression: aws.String("ADD n :one"), ExpressionAttributeValues: item{":one": num("1")},
	}}, types.TransactWriteItem{ConditionCheck: &types.ConditionCheck{
		TableName: aws.String(c.Names["Items"]), Key: key("p", "none"), ConditionExpression: aws.String("attribute_not_exists(pk)"),
	}}); err != nil {
		c.Errorf("%v", err)
	}
	got := must(c.ddb().TransactGetItems(c.ctx, &dynamodb.TransactGetItemsInput{TransactItems: []types.TransactGetItem{
		{Get: &types.Get{TableName: aws.String(c.Names["Items"]), Key: key("p", "old")}}, {Get: &types.Get{TableName: aws.String(c.Names["Items"]), Key: key("p", "none")}},
	}})).Responses
	equal(c, "answers", len(got), 2)
	if len(got) == 2 {
		equal(c, "n", show(got[0].Item["n"]), "2")
		equal(c, "what is not there", len(got[1].Item), 0)
	}
	equal(c, "new", len(c.get("p", "new")), 2)
}

func tableTransactionsCancelled(c *C) {
	c.put(key("p", "there"))
	err := c.transact(c.putIn("new", ""), c.putIn("there", "attribute_not_exists(pk)"))
	var cancelled *types.TransactionCanceledException
	if !errors.As(err, &cancelled) {
		c.Errorf("not cancelled: %v", err)
		return
	}
	var codes []string
	for _, r := range cancelled.CancellationReasons {
		codes = append(codes, aws.ToString(r.Code))
	}
	equal(c, "the reasons", strings.Join(codes, " "), "None ConditionalCheckFailed")
	equal(c, "what the other wrote", len(c.get("p", "new")), 0)
	refused(c, c.transact(c.putIn("a", ""), c.putIn("a", "")), "ValidationException")
}

func tableRefused(c *C) {
	_, err := c.ddb().GetItem(c.ctx, &dynamodb.GetItemInput{TableName: aws.String("none"), Key: key("p", "s")})
	refused(c, err, "ResourceNotFoundException")
	for _, bad := range []item{{"pk": str("p")}, {"pk": str("p"), "sk": num("1")}, {"pk": str(""), "sk": str("s")}} {
		_, err := c.ddb().PutItem(c.ctx, &dynamodb.PutItemInput{TableName: aws.String(c.Names["Items"]), Item: bad})
		refused(c, err, "ValidationException")
	}
	_, err = c.ddb().PutItem(c.ctx, &dynamodb.PutItemInput{TableName: aws.String(c.Names["Items"]), Item: with(key("p", "s"), item{"x": str(strings.Repeat("x", 400<<10))})})
	refused(c, err, "ValidationException")
	_, err = c.ddb().Query(c.ctx, &dynamodb.QueryInput{TableName: aws.String(c.Names["Items"]), KeyConditionExpression: aws.String("sk = :s"), ExpressionAttributeValues: item{":s": str("s")}})
	refused(c, err, "ValidationException")
}

func tableProjectionsRefused(c *C) {
	_, err := c.ddb().GetItem(c.ctx, &dynamodb.GetItemInput{TableName: aws.String(c.Names["Items"]), Key: key("p", "s"), ProjectionExpression: aws.String("a,,b")})
	refused(c, err, "ValidationException")
}

func tableDescription(c *C) {
	d := must(c.ddb().DescribeTable(c.ctx, &dynamodb.DescribeTableInput{TableName: aws.String(c.Names["Items"])})).Table
	equal(c, "the status", d.TableStatus, types.TableStatusActive)
	equal(c, "indexes", len(d.GlobalSecondaryIndexes), 1)
	equal(c, "keys", len(d.KeySchema), 2)
	equal(c, "the stream", aws.ToString(d.LatestStreamArn), c.Names["ItemsStream"])
}
