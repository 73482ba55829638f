package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// reads are the actions of the streams' own API, and what else clients ask of tables that no program in the stack
// does. They are rare, so they are read by encoding/json.
var reads = map[string]func(*Service, []byte) ([]byte, error){
	"DescribeStream":     (*Service).describeStream,
	"DescribeTimeToLive": (*Service).describeTimeToLive,
	"GetRecords":         (*Service).getRecords,
	"GetShardIterator":   (*Service).getShardIterator,
	"ListStreams":        (*Service).listStreams,
}

const (
	// iteratorAge is how long an iterator is valid (API reference, GetShardIterator).
	iteratorAge = 15 * time.Minute
	// maxRecords is how many records one GetRecords returns (API reference, GetRecords: Limit).
	maxRecords = 1000
	// maxStreams is how many streams one ListStreams returns (API reference, ListStreams: Limit).
	maxStreams = 100
)

func decodeRead(input []byte, into any) error {
	if err := json.Unmarshal(input, into); err != nil {
		return api.Errorf("SerializationException", "%s", err.Error())
	}
	return nil
}

func (s *Service) describeTimeToLive(input []byte) ([]byte, error) {
	var in struct{ TableName string }
	if err := decodeRead(input, &in); err != nil {
		return nil, err
	}
	r := request{s: s, table: in.TableName, hasTable: true}
	t, err := r.openTable()
	if err != nil {
		return nil, api.Errorf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", in.TableName)
	}
	out := map[string]string{"TimeToLiveStatus": "DISABLED"}
	if p := t.props.TimeToLiveSpecification; p != nil && bool(p.Enabled) {
		out["TimeToLiveStatus"], out["AttributeName"] = "ENABLED", p.AttributeName
	}
	return json.Marshal(map[string]any{"TimeToLiveDescription": out})
}

type streamSummary struct{ StreamArn, TableName, StreamLabel string }

func (t *Table) summary() streamSummary {
	return streamSummary{t.streamARN, t.name, t.streamARN[len(t.arn+"/stream/"):]}
}

func (s *Service) listStreams(input []byte) ([]byte, error) {
	var in struct {
		TableName, ExclusiveStartStreamArn string
		Limit                              *int
	}
	if err := decodeRead(input, &in); err != nil {
		return nil, err
	}
	limit := maxStreams
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > maxStreams {
			return nil, validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, maxStreams)
		}
	}
	out := struct {
		Streams                []streamSummary
		LastEvaluatedStreamArn string `json:",omitempty"`
	}{Streams: []streamSummary{}}
	begun := in.ExclusiveStartStreamArn == ""
	for _, t := range s.sorted {
		if t.view == "" || in.TableName != "" && in.TableName != t.name && in.TableName != t.arn {
			continue
		}
		if !begun {
			begun = t.streamARN == in.ExclusiveStartStreamArn
			continue
		}
		if len(out.Streams) == limit {
			out.LastEvaluatedStreamArn = out.Streams[limit-1].StreamArn
			break
		}
		out.Streams = append(out.Streams, t.summary())
	}
	return json.Marshal(out)
}

// streamOf finds the table of a stream.
func (s *Service) streamOf(arn string) (*Table, error) {
	for _, t := range s.sorted {
		if t.view != "" && t.streamARN == arn {
			return t, nil
		}
	}
	return nil, api.Errorf("ResourceNotFoundException", "Requested resource not found: Stream: %s not found", arn)
}

// shard is the id of the only shard that a stream has: it is never split.
func (t *Table) shard() string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(t.streamARN)) // never fails
	return fmt.Sprintf("shardId-%020d-%08x", t.s.Created.UnixMilli(), h.Sum32())
}

func (s *Service) describeStream(input []byte) ([]byte, error) {
	var in struct{ StreamArn, ExclusiveStartShardId string }
	if err := decodeRead(input, &in); err != nil {
		return nil, err
	}
	t, err := s.streamOf(in.StreamArn)
	if err != nil {
		return nil, err
	}
	type shard struct {
		ShardId             string
		SequenceNumberRange map[string]string
	}
	shards := []shard{}
	if in.ExclusiveStartShardId == "" {
		shards = append(shards, shard{t.shard(), map[string]string{"StartingSequenceNumber": sequenceNumber(1)}})
	}
	about := t.summary()
	return json.Marshal(map[string]any{"StreamDescription": map[string]any{
		"StreamArn": about.StreamArn, "StreamLabel": about.StreamLabel, "StreamStatus": "ENABLED", "StreamViewType": t.view,
		"CreationRequestDateTime": t.created, "TableName": t.name, "KeySchema": t.props.KeySchema, "Shards": shards,
	}})
}

// iterator is where a reader stands in a stream.
type iterator struct {
	After  string    `json:"a"` // the sequence number before the next record
	Issued time.Time `json:"i"`
}

func (s *Service) newIterator(t *Table, after string) (string, error) {
	b, err := json.Marshal(iterator{after, s.k.Now()})
	return t.streamARN + "|1|" + base64.StdEncoding.EncodeToString(b), err
}

func (s *Service) getShardIterator(input []byte) ([]byte, error) {
	var in struct{ StreamArn, ShardId, ShardIteratorType, SequenceNumber string }
	if err := decodeRead(input, &in); err != nil {
		return nil, err
	}
	t, err := s.streamOf(in.StreamArn)
	if err != nil {
		return nil, err
	}
	if in.ShardId != t.shard() {
		return nil, api.Errorf("ResourceNotFoundException", "Requested resource not found: Shard: %s in Stream: %s not found", in.ShardId, in.StreamArn)
	}
	after := ""
	switch in.ShardIteratorType {
	case "TRIM_HORIZON":
	case "LATEST":
		after = sequenceNumber(t.sequence)
	case "AT_SEQUENCE_NUMBER", "AFTER_SEQUENCE_NUMBER":
		n, err := strconv.ParseUint(strings.TrimSuffix(in.SequenceNumber, sequenceTail), 10, 64)
		if err != nil || n <= firstSequence || !strings.HasSuffix(in.SequenceNumber, sequenceTail) {
			return nil, validation("Invalid SequenceNumber: %s", in.SequenceNumber)
		}
		if held := t.StreamRecords("", 1); len(held) > 0 && in.SequenceNumber < held[0].SequenceNumber {
			return nil, api.Errorf("TrimmedDataAccessException", "The operation attempted to read past the oldest stream record in a shard.")
		}
		after = in.SequenceNumber
		if in.ShardIteratorType == "AT_SEQUENCE_NUMBER" {
			after = sequenceNumber(n - firstSequence - 1)
		}
	default:
		return nil, validation("1 validation error detected: Value '%s' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_SEQUENCE_NUMBER, TRIM_HORIZON]", in.ShardIteratorType)
	}
	it, err := s.newIterator(t, after)
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"ShardIterator": it})
}

func (s *Service) getRecords(input []byte) ([]byte, error) {
	var in struct {
		ShardIterator string
		Limit         *int
	}
	if err := decodeRead(input, &in); err != nil {
		return nil, err
	}
	limit := maxRecords
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 || limit > maxRecords {
			return nil, validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and %d", limit, maxRecords)
		}
	}
	arn, encoded, _ := strings.Cut(in.ShardIterator, "|1|")
	var at iterator
	if b, err := base64.StdEncoding.DecodeString(encoded); err != nil || json.Unmarshal(b, &at) != nil {
		return nil, validation("Invalid ShardIterator")
	}
	t, err := s.streamOf(arn)
	if err != nil {
		return nil, err
	}
	if s.k.Now().Sub(at.Issued) > iteratorAge {
		return nil, api.Errorf("ExpiredIteratorException", "Iterator expired. The iterator was created at %s", at.Issued.UTC().Format(time.RFC3339))
	}
	records := t.StreamRecords(at.After, limit)
	out := []byte(`{"Records":[`)
	for i, r := range records {
		if i > 0 {
			out = append(out, ',')
		}
		out = appendAPI(out, r)
	}
	after := at.After
	if len(records) > 0 {
		after = records[len(records)-1].SequenceNumber
	}
	next, err := s.newIterator(t, after)
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(out, `],"NextShardIterator":%q}`, next), nil
}

// appendAPI appends a record as GetRecords has it: unlike an event of Lambda it does not name the stream, and it
// spells the identity of the service otherwise.
func appendAPI(b []byte, r StreamRecord) []byte {
	start := len(b)
	b = r.AppendJSON(b)
	if i := bytes.LastIndex(b[start:], []byte(`,"eventSourceARN":`)); i >= 0 {
		b = b[:start+i]
	}
	if r.ExpiredByService {
		b = append(b, `,"userIdentity":{"Type":"Service","PrincipalId":"dynamodb.amazonaws.com"}`...)
	}
	return append(b, '}')
}
