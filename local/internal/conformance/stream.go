package conformance

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"
)

// TestStream is the stream of DynamoDB's table Items, of new and old images.
func TestStream(t *testing.T, f Features, open func(testing.TB) World) {
	run(t, f, open, []check{
		{"records", streamRecords},
		{"what changes nothing", streamNothing},
		{"a deletion of nothing", streamNothingDeleted},
		{"positions", streamPositions},
		{"description", streamDescription},
		{"requests refused", streamRefused},
	})
}

func (c *C) streams() *dynamodbstreams.Client { return dynamodbstreams.NewFromConfig(c.Config) }

// records are all of the stream, shard by shard.
func (c *C) records() []types.Record {
	var all []types.Record
	d := must(c.streams().DescribeStream(c.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(c.Names["ItemsStream"])})).StreamDescription
	for _, shard := range d.Shards {
		iterator := c.iterator(*shard.ShardId, types.ShardIteratorTypeTrimHorizon, "")
		for range 10 { // an open shard has no end
			if iterator == "" {
				break
			}
			out := must(c.streams().GetRecords(c.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &iterator}))
			all = append(all, out.Records...)
			iterator = aws.ToString(out.NextShardIterator)
		}
	}
	return all
}

func (c *C) iterator(shard string, typ types.ShardIteratorType, after string) string {
	in := &dynamodbstreams.GetShardIteratorInput{StreamArn: aws.String(c.Names["ItemsStream"]), ShardId: &shard, ShardIteratorType: typ}
	if after != "" {
		in.SequenceNumber = &after
	}
	return aws.ToString(must(c.streams().GetShardIterator(c.ctx, in)).ShardIterator)
}

func streamed(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	}
	return "-"
}

func streamRecords(c *C) {
	c.put(with(key("p", "s"), item{"n": num("1")}))
	must(c.update("SET n = :two", "", item{":two": num("2")}))
	must(c.ddb().DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: aws.String(c.Names["Items"]), Key: key("p", "s")}))
	var seen []string
	last := ""
	for _, r := range c.records() {
		d := r.Dynamodb
		seen = append(seen, fmt.Sprintf("%s %s>%s", r.EventName, streamed(d.OldImage["n"]), streamed(d.NewImage["n"])))
		equal(c, "keys", streamed(d.Keys["pk"])+streamed(d.Keys["sk"]), "ps")
		equal(c, "the view", d.StreamViewType, types.StreamViewTypeNewAndOldImages)
		n := aws.ToString(d.SequenceNumber)
		if len(n) < len(last) || len(n) == len(last) && n <= last {
			c.Errorf("sequence number %s after %s", n, last)
		}
		last = n
		equal(c, "the source", aws.ToString(r.EventSource), "aws:dynamodb")
	}
	equal(c, "records", strings.Join(seen, ", "), "INSERT ->1, MODIFY 1>2, REMOVE 2>-")
}

func streamNothing(c *C) {
	c.put(with(key("p", "s"), item{"n": num("1")}))
	c.put(with(key("p", "s"), item{"n": num("1")}))
	equal(c, "records", len(c.records()), 1)
}

func streamNothingDeleted(c *C) {
	must(c.ddb().DeleteItem(c.ctx, &dynamodb.DeleteItemInput{TableName: aws.String(c.Names["Items"]), Key: key("p", "none")}))
	equal(c, "records", len(c.records()), 0)
}

func streamPositions(c *C) {
	for i := range 3 {
		c.put(with(key("p", fmt.Sprint(i)), item{"n": num("1")}))
	}
	all := c.records()
	equal(c, "records", len(all), 3)
	if len(all) != 3 {
		return
	}
	// Whose shard it is, is for the shards to say.
	d := must(c.streams().DescribeStream(c.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(c.Names["ItemsStream"])})).StreamDescription
	shard := *d.Shards[len(d.Shards)-1].ShardId
	for _, s := range d.Shards {
		first := c.iterator(*s.ShardId, types.ShardIteratorTypeTrimHorizon, "")
		if len(must(c.streams().GetRecords(c.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &first})).Records) == 3 {
			shard = *s.ShardId
		}
	}
	second := *all[1].Dynamodb.SequenceNumber
	read := func(typ types.ShardIteratorType, limit int32) int {
		iterator := c.iterator(shard, typ, second)
		return len(must(c.streams().GetRecords(c.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &iterator, Limit: aws.Int32(limit)})).Records)
	}
	equal(c, "at the second", read(types.ShardIteratorTypeAtSequenceNumber, 10), 2)
	equal(c, "after the second", read(types.ShardIteratorTypeAfterSequenceNumber, 10), 1)
	equal(c, "one at a time", read(types.ShardIteratorTypeAtSequenceNumber, 1), 1)
	latest := c.iterator(shard, types.ShardIteratorTypeLatest, "")
	c.put(key("p", "last"))
	equal(c, "from the latest", len(must(c.streams().GetRecords(c.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: &latest})).Records), 1)
}

func streamDescription(c *C) {
	d := must(c.streams().DescribeStream(c.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(c.Names["ItemsStream"])})).StreamDescription
	equal(c, "the status", d.StreamStatus, types.StreamStatusEnabled)
	equal(c, "the table", aws.ToString(d.TableName), c.Names["Items"])
	if len(d.Shards) == 0 || aws.ToString(d.Shards[0].SequenceNumberRange.StartingSequenceNumber) == "" {
		c.Errorf("shards: %+v", d.Shards)
	}
	listed := must(c.streams().ListStreams(c.ctx, &dynamodbstreams.ListStreamsInput{TableName: aws.String(c.Names["Items"])})).Streams
	if len(listed) != 1 || aws.ToString(listed[0].StreamArn) != c.Names["ItemsStream"] {
		c.Errorf("listed: %+v", listed)
	}
}

func streamRefused(c *C) {
	none := aws.String(c.Names["ItemsStream"] + "0")
	_, err := c.streams().DescribeStream(c.ctx, &dynamodbstreams.DescribeStreamInput{StreamArn: none})
	refused(c, err, "ResourceNotFoundException")
	_, err = c.streams().GetRecords(c.ctx, &dynamodbstreams.GetRecordsInput{ShardIterator: aws.String("none")})
	refused(c, err, "ValidationException", "ExpiredIteratorException", "TrimmedDataAccessException")
}
