package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Endpoints is the table of webhooks: where customers want their events sent.
// Its key is pk (S) and sk (S):
//
//	pk        sk          attributes
//	<tenant>  we_…        an endpoint: see Endpoint; times (S) as Timestamp writes them
//	<tenant>  #endpoints  count (N): how many endpoints the tenant has
//
// What is known of an endpoint's health changes by conditional updates alone
// (RecordFailure, RecordSuccess, ClaimProbe, Disable), which never bring back an
// endpoint that was deleted in the meantime.
//
// IAM: dynamodb:GetItem, BatchGetItem, Query, PutItem, UpdateItem and DeleteItem on
// the table to manage endpoints; BatchGetItem, Query and UpdateItem to deliver.
type Endpoints struct {
	Client *dynamodb.Client
	Table  string
}

// MaxEndpoints is how many endpoints a tenant can have. One event must fit into a few
// batches of messages, however many want it.
const MaxEndpoints = 20

// EndpointPrefix begins the id of every endpoint.
const EndpointPrefix = "we_"

// Values of DisabledReason.
const (
	// DisabledGone: the endpoint answered 410.
	DisabledGone = "Gone"
	// DisabledFailing: nothing but failure for days.
	DisabledFailing = "Failing"
)

// RotationPeriod is how long the secret before the present one signs as well.
const RotationPeriod = 24 * time.Hour

// Endpoint is where a tenant wants its events sent. Times are to the
// millisecond in UTC.
type Endpoint struct {
	Tenant, ID       string
	URL, Description string
	// Statuses are those that the endpoint wants; none: all.
	Statuses  []string
	Enabled   bool
	CreatedAt time.Time
	// DisabledReason is DisabledGone or DisabledFailing; "" if it is enabled.
	DisabledReason string

	Secret string
	// PreviousSecret signs beside Secret until PreviousSecretUntil.
	PreviousSecret      string
	PreviousSecretUntil time.Time

	// FailingSince is when the first of the failures happened since which there was
	// no success; zero if the last attempt was a success.
	FailingSince time.Time
	// Failures counts them; those of attempts at the same time count as one.
	Failures int64
	// NextAttemptAt is before when no attempt is to be made; zero: at any time.
	NextAttemptAt time.Time
	// LastFailure stays after a success. Its At is zero if there was none ever.
	LastFailure Failure
}

// Failure is what went wrong with an attempt.
type Failure struct {
	At     time.Time
	Status int    // of the HTTP answer; 0 if there was none
	Error  string // for the customer to read
}

// Wants reports whether the endpoint is to get an event with the status; "" is that of
// an event which every endpoint gets.
func (e *Endpoint) Wants(status string) bool {
	return e.Enabled && (status == "" || len(e.Statuses) == 0 || slices.Contains(e.Statuses, status))
}

// Secrets are the secrets that sign at a time, the present one first.
func (e *Endpoint) Secrets(now time.Time) []string {
	if e.PreviousSecret != "" && now.Before(e.PreviousSecretUntil) {
		return []string{e.Secret, e.PreviousSecret}
	}
	return []string{e.Secret}
}

// Attributes of the table.
const (
	endpointPK          = "pk"
	endpointSK          = "sk"
	endpointCount       = "count"
	endpointURL         = "url"
	endpointDescription = "description"
	endpointStatuses    = "statuses"
	endpointEnabled     = "enabled"
	endpointCreatedAt   = "createdAt"
	disabledReason      = "disabledReason"
	secret              = "secret"
	previousSecret      = "previousSecret"
	previousSecretUntil = "previousSecretUntil"
	failingSince        = "failingSince"
	failures            = "failures"
	nextAttemptAt       = "nextAttemptAt"
	lastFailure         = "lastFailure"
	failureStatus       = "status"
	failureError        = "error"

	countItem = "#endpoints"
)

// TooManyEndpoints says that a tenant has MaxEndpoints already.
type TooManyEndpoints struct{ Tenant string }

func (e *TooManyEndpoints) Error() string {
	return fmt.Sprintf("there are %d webhooks already, which is the most that is possible", MaxEndpoints)
}

// Create writes a new endpoint: Tenant, ID, URL, Description, Statuses, Enabled,
// CreatedAt and Secret. The error is a *TooManyEndpoints if the tenant has as many as
// it can have, and this is none of them.
func (s *Endpoints) Create(ctx context.Context, e Endpoint) error {
	it := endpointKey(e.Tenant, e.ID)
	it[endpointURL] = Text(e.URL)
	it[endpointEnabled] = &types.AttributeValueMemberBOOL{Value: e.Enabled}
	it[endpointCreatedAt] = Text(Timestamp(e.CreatedAt))
	it[secret] = Text(e.Secret)
	if e.Description != "" {
		it[endpointDescription] = Text(e.Description)
	}
	if len(e.Statuses) > 0 {
		list := make([]types.AttributeValue, len(e.Statuses))
		for i, status := range e.Statuses {
			list[i] = Text(status)
		}
		it[endpointStatuses] = &types.AttributeValueMemberL{Value: list}
	}
	_, err := s.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Update: &types.Update{
			TableName:                 &s.Table,
			Key:                       endpointKey(e.Tenant, countItem),
			UpdateExpression:          aws.String("ADD #count :one"),
			ConditionExpression:       aws.String("(attribute_not_exists(#count) OR #count < :max)"),
			ExpressionAttributeNames:  map[string]string{"#count": endpointCount},
			ExpressionAttributeValues: item{":one": number(1), ":max": number(MaxEndpoints)},
		}},
		{Put: &types.Put{
			TableName: &s.Table, Item: it, ConditionExpression: aws.String("attribute_not_exists(pk)"),
		}},
	}}, retryConflicts)
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) && len(cancelled.CancellationReasons) == 2 &&
		conditionFailed(cancelled.CancellationReasons[0]) && !conditionFailed(cancelled.CancellationReasons[1]) {
		return &TooManyEndpoints{Tenant: e.Tenant}
	}
	return err
}

// List returns the endpoints of a tenant, sorted by their ids.
func (s *Endpoints) List(ctx context.Context, tenant string) ([]Endpoint, error) {
	var all []Endpoint
	in := &dynamodb.QueryInput{
		TableName:                 &s.Table,
		KeyConditionExpression:    aws.String("pk = :pk AND begins_with(sk, :prefix)"),
		ExpressionAttributeValues: item{":pk": Text(tenant), ":prefix": Text(EndpointPrefix)},
		ConsistentRead:            aws.Bool(true), // who has just made one wants the next event
	}
	for {
		out, err := s.Client.Query(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, it := range out.Items {
			all = append(all, endpointOf(it))
		}
		if in.ExclusiveStartKey = out.LastEvaluatedKey; len(in.ExclusiveStartKey) == 0 {
			return all, nil
		}
	}
}

// Wanted returns those endpoints of a tenant that want an event with the status.
func (s *Endpoints) Wanted(ctx context.Context, tenant, status string) ([]Endpoint, error) {
	all, err := s.List(ctx, tenant)
	return slices.DeleteFunc(all, func(e Endpoint) bool { return !e.Wants(status) }), err
}

// Get returns an endpoint, and whether there is one.
func (s *Endpoints) Get(ctx context.Context, tenant, id string) (Endpoint, bool, error) {
	out, err := s.Client.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: &s.Table, Key: endpointKey(tenant, id), ConsistentRead: aws.Bool(true),
	})
	if err != nil || len(out.Item) == 0 || !strings.HasPrefix(id, EndpointPrefix) {
		return Endpoint{}, false, err
	}
	return endpointOf(out.Item), true, nil
}

// Delete removes an endpoint and returns whether there was one.
func (s *Endpoints) Delete(ctx context.Context, tenant, id string) (bool, error) {
	if !strings.HasPrefix(id, EndpointPrefix) {
		return false, nil
	}
	_, err := s.Client.TransactWriteItems(ctx, &dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{
		{Delete: &types.Delete{
			TableName: &s.Table, Key: endpointKey(tenant, id), ConditionExpression: aws.String("attribute_exists(pk)"),
		}},
		{Update: &types.Update{
			TableName:                 &s.Table,
			Key:                       endpointKey(tenant, countItem),
			UpdateExpression:          aws.String("ADD #count :less"),
			ExpressionAttributeNames:  map[string]string{"#count": endpointCount},
			ExpressionAttributeValues: item{":less": number(-1)},
		}},
	}}, retryConflicts)
	var cancelled *types.TransactionCanceledException
	if errors.As(err, &cancelled) && len(cancelled.CancellationReasons) > 0 && conditionFailed(cancelled.CancellationReasons[0]) {
		return false, nil
	}
	return err == nil, err
}

// Rotate gives an endpoint a new secret. The one that it had signs for RotationPeriod
// more; the one before that, if it still did, no longer does.
func (s *Endpoints) Rotate(ctx context.Context, tenant, id, newSecret string, now time.Time) (Endpoint, bool, error) {
	e, done, err := s.change(ctx, tenant, id, update{
		expression: "SET previousSecret = secret, previousSecretUntil = :until, secret = :secret",
		// The SDK repeats an update whose answer was lost. The second time it would make the new secret the
		// previous one as well, and the one that receivers know would be gone.
		condition: "secret <> :secret",
		values:    item{":until": Text(Timestamp(now.Add(RotationPeriod))), ":secret": Text(newSecret)},
	})
	return e, done || err == nil && e.ID != "" && e.Secret == newSecret, err
}

// Enable makes an endpoint get events again, as one of which no failure is known.
func (s *Endpoints) Enable(ctx context.Context, tenant, id string) (Endpoint, bool, error) {
	return s.change(ctx, tenant, id, update{
		expression: "SET enabled = :true REMOVE disabledReason, failingSince, failures, nextAttemptAt",
		values:     item{":true": yes},
	})
}

// change updates an endpoint, if there is one, and returns what became of it.
func (s *Endpoints) change(ctx context.Context, tenant, id string, u update) (Endpoint, bool, error) {
	if !strings.HasPrefix(id, EndpointPrefix) {
		return Endpoint{}, false, nil
	}
	return s.update(ctx, tenant, id, u)
}

var yes, no types.AttributeValue = &types.AttributeValueMemberBOOL{Value: true}, &types.AttributeValueMemberBOOL{Value: false}

func endpointKey(tenant, id string) item {
	return item{endpointPK: Text(tenant), endpointSK: Text(id)}
}

func endpointOf(it item) Endpoint {
	e := Endpoint{
		Tenant: TextOf(it[endpointPK]), ID: TextOf(it[endpointSK]),
		URL: TextOf(it[endpointURL]), Description: TextOf(it[endpointDescription]),
		CreatedAt: timeOf(it[endpointCreatedAt]), DisabledReason: TextOf(it[disabledReason]),
		Secret: TextOf(it[secret]), PreviousSecret: TextOf(it[previousSecret]),
		PreviousSecretUntil: timeOf(it[previousSecretUntil]),
		FailingSince:        timeOf(it[failingSince]), Failures: NumberOf(it[failures]),
		NextAttemptAt: timeOf(it[nextAttemptAt]),
	}
	if enabled, ok := it[endpointEnabled].(*types.AttributeValueMemberBOOL); ok {
		e.Enabled = enabled.Value
	}
	if list, ok := it[endpointStatuses].(*types.AttributeValueMemberL); ok {
		for _, v := range list.Value {
			e.Statuses = append(e.Statuses, TextOf(v))
		}
	}
	if f, ok := it[lastFailure].(*types.AttributeValueMemberM); ok {
		e.LastFailure = Failure{
			At: timeOf(f.Value[at]), Status: int(NumberOf(f.Value[failureStatus])), Error: TextOf(f.Value[failureError]),
		}
	}
	return e
}

// timeOf returns the zero time for what Timestamp did not write.
func timeOf(v types.AttributeValue) time.Time {
	t, err := time.Parse(time.RFC3339, TextOf(v))
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}
