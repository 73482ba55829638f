package dynamodb

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// TableProperties are the properties of an AWS::DynamoDB::Table.
type TableProperties struct {
	// TableName is used by whoever names the table; CreateTable is given a name.
	TableName               string
	AttributeDefinitions    []AttributeDefinition
	KeySchema               []KeySchema
	GlobalSecondaryIndexes  []SecondaryIndex
	LocalSecondaryIndexes   []SecondaryIndex
	StreamSpecification     *StreamSpecification
	TimeToLiveSpecification *TimeToLiveSpecification

	BillingMode                      string          `local:"declared"`
	ContributorInsightsSpecification json.RawMessage `local:"declared"`
	DeletionProtectionEnabled        cfn.Bool        `local:"declared"`
	KinesisStreamSpecification       json.RawMessage `local:"declared"`
	OnDemandThroughput               json.RawMessage `local:"declared"`
	PointInTimeRecoverySpecification json.RawMessage `local:"declared"`
	ProvisionedThroughput            json.RawMessage `local:"declared"`
	ResourcePolicy                   json.RawMessage `local:"declared"`
	SSESpecification                 json.RawMessage `local:"declared"`
	TableClass                       string          `local:"declared"`
	Tags                             json.RawMessage `local:"declared"`
	WarmThroughput                   json.RawMessage `local:"declared"`
}

// AttributeDefinition gives the type, S, N or B, of an attribute that is part of a key.
type AttributeDefinition struct {
	AttributeName string
	AttributeType string
}

// KeySchema is one part of a key; KeyType is HASH or RANGE.
type KeySchema struct {
	AttributeName string
	KeyType       string
}

// SecondaryIndex is a global or local secondary index.
type SecondaryIndex struct {
	IndexName  string
	KeySchema  []KeySchema
	Projection Projection

	ContributorInsightsSpecification json.RawMessage `local:"declared"`
	OnDemandThroughput               json.RawMessage `local:"declared"`
	ProvisionedThroughput            json.RawMessage `local:"declared"`
	WarmThroughput                   json.RawMessage `local:"declared"`
	// Of a global table.
	ReadOnDemandThroughputSettings     json.RawMessage `local:"declared"`
	ReadProvisionedThroughputSettings  json.RawMessage `local:"declared"`
	WriteOnDemandThroughputSettings    json.RawMessage `local:"declared"`
	WriteProvisionedThroughputSettings json.RawMessage `local:"declared"`
}

// Projection is what an index holds besides the keys: ProjectionType is ALL,
// KEYS_ONLY or INCLUDE.
type Projection struct {
	ProjectionType   string
	NonKeyAttributes []string
}

// StreamSpecification turns the table's stream on. StreamViewType is KEYS_ONLY,
// NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES (and a global table's default).
type StreamSpecification struct {
	StreamViewType string
	ResourcePolicy json.RawMessage `local:"declared"`
}

// TimeToLiveSpecification names the attribute that holds an item's expiry in epoch seconds.
type TimeToLiveSpecification struct {
	AttributeName string
	Enabled       cfn.Bool
}

// GlobalTableProperties are the properties of an AWS::DynamoDB::GlobalTable,
// which is what the CDK's TableV2 makes, with one replica or more.
type GlobalTableProperties struct {
	TableName               string
	AttributeDefinitions    []AttributeDefinition
	KeySchema               []KeySchema
	GlobalSecondaryIndexes  []SecondaryIndex
	LocalSecondaryIndexes   []SecondaryIndex
	StreamSpecification     *StreamSpecification
	TimeToLiveSpecification *TimeToLiveSpecification
	Replicas                []Replica

	BillingMode                        string          `local:"declared"`
	GlobalTableWitnesses               json.RawMessage `local:"declared"`
	MultiRegionConsistency             string          `local:"declared"`
	SSESpecification                   json.RawMessage `local:"declared"`
	WarmThroughput                     json.RawMessage `local:"declared"`
	ReadOnDemandThroughputSettings     json.RawMessage `local:"declared"`
	ReadProvisionedThroughputSettings  json.RawMessage `local:"declared"`
	WriteOnDemandThroughputSettings    json.RawMessage `local:"declared"`
	WriteProvisionedThroughputSettings json.RawMessage `local:"declared"`
}

// Replica is a global table's presence in a region.
type Replica struct {
	Region string

	ContributorInsightsSpecification   json.RawMessage `local:"declared"`
	DeletionProtectionEnabled          cfn.Bool        `local:"declared"`
	GlobalSecondaryIndexes             json.RawMessage `local:"declared"`
	GlobalTableSettingsReplicationMode string          `local:"declared"`
	KinesisStreamSpecification         json.RawMessage `local:"declared"`
	PointInTimeRecoverySpecification   json.RawMessage `local:"declared"`
	ReadOnDemandThroughputSettings     json.RawMessage `local:"declared"`
	ReadProvisionedThroughputSettings  json.RawMessage `local:"declared"`
	ReplicaStreamSpecification         json.RawMessage `local:"declared"`
	ResourcePolicy                     json.RawMessage `local:"declared"`
	SSESpecification                   json.RawMessage `local:"declared"`
	TableClass                         string          `local:"declared"`
	Tags                               json.RawMessage `local:"declared"`
}

// InRegion returns the table that the global table is in the region. Other
// replicas are not simulated, so that there must be none.
func (g GlobalTableProperties) InRegion(region string) (TableProperties, error) {
	if len(g.Replicas) != 1 {
		return TableProperties{}, fmt.Errorf("dynamodb: a global table of %d replicas is not simulated, only one of exactly one", len(g.Replicas))
	}
	if r := g.Replicas[0].Region; r != region {
		return TableProperties{}, fmt.Errorf("dynamodb: the global table's replica is in %q, the stack in %q", r, region)
	}
	return TableProperties{
		TableName:               g.TableName,
		AttributeDefinitions:    g.AttributeDefinitions,
		KeySchema:               g.KeySchema,
		GlobalSecondaryIndexes:  g.GlobalSecondaryIndexes,
		LocalSecondaryIndexes:   g.LocalSecondaryIndexes,
		StreamSpecification:     g.StreamSpecification,
		TimeToLiveSpecification: g.TimeToLiveSpecification,
		BillingMode:             g.BillingMode,
	}, nil
}

// keyAttribute is a part of a key with its type.
type keyAttribute struct {
	name string
	kind Kind
}

// takes tells if a value can be that part of a key.
func (k keyAttribute) takes(v Value) bool { return v.kind == k.kind && (v.kind == KindN || v.s != "") }

type keySchema struct {
	hash keyAttribute
	rng  keyAttribute // name "" without a sort key
}

func (k keySchema) has(name string) bool {
	return name == k.hash.name || k.rng.name != "" && name == k.rng.name
}

func (k keySchema) attributes() []keyAttribute {
	if k.rng.name == "" {
		return []keyAttribute{k.hash}
	}
	return []keyAttribute{k.hash, k.rng}
}

func (p TableProperties) key(schema []KeySchema) (keySchema, error) {
	var out keySchema
	if len(schema) < 1 || len(schema) > 2 {
		return out, fmt.Errorf("KeySchema has %d elements, want 1 or 2", len(schema))
	}
	for i, want := range []string{"HASH", "RANGE"}[:len(schema)] {
		s := schema[i]
		if s.KeyType != want {
			return out, fmt.Errorf("KeySchema: element %d is %q, want %s", i+1, s.KeyType, want)
		}
		at := slices.IndexFunc(p.AttributeDefinitions, func(d AttributeDefinition) bool { return d.AttributeName == s.AttributeName })
		if at < 0 {
			return out, fmt.Errorf("KeySchema: %q is not in AttributeDefinitions", s.AttributeName)
		}
		kind := kindOf(p.AttributeDefinitions[at].AttributeType)
		if kind < KindS || kind > KindB {
			return out, fmt.Errorf("AttributeDefinitions: %q has type %q, want S, N or B", s.AttributeName, p.AttributeDefinitions[at].AttributeType)
		}
		if i == 0 {
			out.hash = keyAttribute{s.AttributeName, kind}
		} else {
			out.rng = keyAttribute{s.AttributeName, kind}
		}
	}
	if out.hash.name == out.rng.name {
		return out, fmt.Errorf("KeySchema: %q is both keys", out.hash.name)
	}
	return out, nil
}
