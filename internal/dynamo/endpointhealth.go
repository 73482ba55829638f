package dynamo

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// EndpointID names an endpoint.
type EndpointID struct{ Tenant, ID string }

// How long the values of a partition key and of a sort key can be, in bytes (DynamoDB developer guide,
// "Quotas"). One key that is longer makes a whole BatchGetItem fail.
const (
	MaxTenant     = 2048
	maxEndpointID = 1024
)

// Possible reports whether there can be such an endpoint.
func (id EndpointID) Possible() bool {
	return strings.HasPrefix(id.ID, EndpointPrefix) && len(id.ID) <= maxEndpointID && id.Tenant != "" && len(id.Tenant) <= MaxTenant
}

// maxBatchGet is how many items one BatchGetItem can ask for (DynamoDB API, BatchGetItem).
const maxBatchGet = 100

// Load returns those of the endpoints that there are, in one call. ids are at
// most 100, each once. With an error, there are those that could be read: of another, nothing is known.
func (s *Endpoints) Load(ctx context.Context, ids []EndpointID) (map[EndpointID]Endpoint, error) {
	found := make(map[EndpointID]Endpoint, len(ids))
	if len(ids) == 0 {
		return found, nil
	}
	if len(ids) > maxBatchGet {
		return nil, fmt.Errorf("dynamo: %d endpoints at once, at most %d are possible", len(ids), maxBatchGet)
	}
	keys := make([]item, len(ids))
	for i, id := range ids {
		keys[i] = endpointKey(id.Tenant, id.ID)
	}
	// Consistently: an endpoint that was made a moment ago must not pass for a deleted one.
	ask := map[string]types.KeysAndAttributes{s.Table: {Keys: keys, ConsistentRead: aws.Bool(true)}}
	for range 3 {
		out, err := s.Client.BatchGetItem(ctx, &dynamodb.BatchGetItemInput{RequestItems: ask})
		if err != nil {
			return found, err
		}
		for _, it := range out.Responses[s.Table] {
			e := endpointOf(it)
			found[EndpointID{e.Tenant, e.ID}] = e
		}
		if ask = out.UnprocessedKeys; len(ask) == 0 {
			return found, nil
		}
	}
	return found, errors.New("dynamo: BatchGetItem leaves endpoints unprocessed: the table is short of throughput")
}

// update is a conditional update of one endpoint.
type update struct {
	expression string
	condition  string // besides that there is such an endpoint
	values     item
}

// update returns the endpoint as it is after the update; false, with what there is
// instead, if the condition did not hold: an endpoint without an ID if there is none.
func (s *Endpoints) update(ctx context.Context, tenant, id string, u update) (Endpoint, bool, error) {
	condition := "attribute_exists(pk)"
	if u.condition != "" {
		condition += " AND " + u.condition
	}
	out, err := s.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName:                           &s.Table,
		Key:                                 endpointKey(tenant, id),
		UpdateExpression:                    &u.expression,
		ConditionExpression:                 &condition,
		ExpressionAttributeValues:           u.values,
		ReturnValues:                        types.ReturnValueAllNew,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	})
	var failed *types.ConditionalCheckFailedException
	if errors.As(err, &failed) {
		return endpointOf(failed.Item), false, nil
	}
	if err != nil {
		return Endpoint{}, false, err
	}
	return endpointOf(out.Attributes), true, nil
}

// later is by how much a second failure of the same time must put the next attempt off
// for it to be written.
const later = 5 * time.Second

// RecordFailure notes that an attempt failed which was made when the endpoint was
// seen, and that until the given time none should be made; zero: at any time. Of attempts that
// failed at the same time only the first counts, so that ten in parallel look like one.
// It returns what is known of the endpoint afterwards; no ID if it was deleted.
func (s *Endpoints) RecordFailure(ctx context.Context, seen Endpoint, f Failure, until time.Time) (Endpoint, error) {
	u := update{
		expression: "SET failures = :failures, lastFailure = :failure, failingSince = if_not_exists(failingSince, :at)",
		condition:  "attribute_not_exists(failures)",
		values:     item{":failures": number(seen.Failures + 1), ":failure": failureItem(f), ":at": Text(Timestamp(f.At))},
	}
	if seen.Failures > 0 {
		u.condition = "failures = :seen"
		u.values[":seen"] = number(seen.Failures)
	}
	if !until.IsZero() {
		u.expression += ", nextAttemptAt = :until"
		u.values[":until"] = Text(Timestamp(until))
	}
	latest, ok, err := s.update(ctx, seen.Tenant, seen.ID, u)
	if err != nil || ok || latest.ID == "" || until.Sub(latest.NextAttemptAt) < later {
		return latest, err
	}
	latest, _, err = s.update(ctx, seen.Tenant, seen.ID, update{
		expression: "SET nextAttemptAt = :until",
		condition:  "(attribute_not_exists(nextAttemptAt) OR nextAttemptAt < :until)",
		values:     item{":until": Text(Timestamp(until))},
	})
	return latest, err
}

// RecordSuccess forgets the failures of an endpoint, if it had any when it was
// seen; else it writes nothing. If in the meantime another attempt was put off (429 with a
// Retry-After, say), that stands.
func (s *Endpoints) RecordSuccess(ctx context.Context, seen Endpoint) error {
	if seen.Failures == 0 && seen.FailingSince.IsZero() && seen.NextAttemptAt.IsZero() {
		return nil
	}
	u := update{expression: "REMOVE failingSince, failures, nextAttemptAt", condition: "attribute_not_exists(nextAttemptAt)"}
	if !seen.NextAttemptAt.IsZero() {
		u.condition = "nextAttemptAt = :seen"
		u.values = item{":seen": Text(Timestamp(seen.NextAttemptAt))}
	}
	latest, ok, err := s.update(ctx, seen.Tenant, seen.ID, u)
	if err != nil || ok || latest.ID == "" {
		return err
	}
	_, _, err = s.update(ctx, seen.Tenant, seen.ID, update{expression: "REMOVE failingSince, failures"})
	return err
}

// ClaimProbe puts the next attempt off until the given time if nobody else has
// changed when it is: whoever succeeds may make the one attempt that is due. It
// returns what is known of the endpoint afterwards; no ID if it was deleted.
func (s *Endpoints) ClaimProbe(ctx context.Context, seen Endpoint, until time.Time) (Endpoint, bool, error) {
	return s.update(ctx, seen.Tenant, seen.ID, update{
		expression: "SET nextAttemptAt = :until",
		condition:  "enabled = :true AND nextAttemptAt = :seen",
		values:     item{":until": Text(Timestamp(until)), ":true": yes, ":seen": Text(Timestamp(seen.NextAttemptAt))},
	})
}

// Disable makes an endpoint get no more events, whatever else is known of it, and
// returns whether this call did.
func (s *Endpoints) Disable(ctx context.Context, seen Endpoint, reason string, f Failure) (bool, error) {
	return s.disable(ctx, seen, update{}, reason, f)
}

// DisableFailing is Disable unless there was a success after the endpoint was seen.
func (s *Endpoints) DisableFailing(ctx context.Context, seen Endpoint, reason string, f Failure) (bool, error) {
	return s.disable(ctx, seen, update{
		condition: " AND failingSince = :since", values: item{":since": Text(Timestamp(seen.FailingSince))},
	}, reason, f)
}

func (s *Endpoints) disable(ctx context.Context, seen Endpoint, u update, reason string, f Failure) (bool, error) {
	if u.values == nil {
		u.values = item{}
	}
	u.expression = "SET enabled = :false, disabledReason = :reason, lastFailure = :failure REMOVE nextAttemptAt"
	u.condition = "enabled = :true" + u.condition
	u.values[":false"], u.values[":true"], u.values[":reason"], u.values[":failure"] = no, yes, Text(reason), failureItem(f)
	_, ok, err := s.update(ctx, seen.Tenant, seen.ID, u)
	return ok, err
}

func failureItem(f Failure) types.AttributeValue {
	it := item{at: Text(Timestamp(f.At)), failureError: Text(f.Error)}
	if f.Status != 0 {
		it[failureStatus] = number(int64(f.Status))
	}
	return &types.AttributeValueMemberM{Value: it}
}
