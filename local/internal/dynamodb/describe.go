package dynamodb

import (
	"encoding/json"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/jsontext"
)

// describeMember reads a member of DescribeTable and ListTables.
func (r *request) describeMember(d *decoder, name string) (err error) {
	switch name {
	case "TableName":
		r.table, err = d.nameText()
		r.hasTable = true
	case "ExclusiveStartTableName":
		r.startTable, err = d.text()
		r.hasStartTable = true
	case "Limit":
		r.limit, err = d.integer()
		r.hasLimit = true
	default:
		err = d.skip()
	}
	return err
}

func (s *Service) listTables(r *request, out []byte) ([]byte, error) {
	limit := 100
	var c constraints
	if r.hasLimit {
		limit = r.limit
		c.between(limit, "limit", 1, 100)
	}
	if r.hasStartTable {
		c.name(r.startTable, "exclusiveStartTableName", 3)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	out = append(out, `{"TableNames":[`...)
	n, last := 0, ""
	for _, t := range s.sorted {
		if t.name <= r.startTable {
			continue
		}
		if n == limit {
			out = append(out, `],"LastEvaluatedTableName":`...)
			return append(jsontext.AppendString(out, last), '}'), nil
		}
		out = jsontext.AppendString(comma(out), t.name)
		n, last = n+1, t.name
	}
	return append(out, ']', '}'), nil
}

type indexDescription struct {
	IndexName      string
	IndexArn       string
	IndexStatus    string `json:",omitempty"`
	KeySchema      []KeySchema
	Projection     projectionDescription
	ItemCount      int
	IndexSizeBytes int
}

type projectionDescription struct {
	ProjectionType   string
	NonKeyAttributes []string `json:",omitempty"`
}

type tableDescription struct {
	AttributeDefinitions   []AttributeDefinition
	TableName              string
	KeySchema              []KeySchema
	TableStatus            string
	CreationDateTime       float64
	TableSizeBytes         int
	ItemCount              int
	TableArn               string
	BillingModeSummary     map[string]string  `json:",omitempty"`
	GlobalSecondaryIndexes []indexDescription `json:",omitempty"`
	LocalSecondaryIndexes  []indexDescription `json:",omitempty"`
	StreamSpecification    *streamDescription `json:",omitempty"`
	LatestStreamArn        string             `json:",omitempty"`
	LatestStreamLabel      string             `json:",omitempty"`
	ProvisionedThroughput  map[string]int
}

type streamDescription struct {
	StreamEnabled  bool
	StreamViewType string
}

func (s *Service) describeTable(r *request, out []byte) ([]byte, error) {
	if !r.hasTable {
		return nil, validation("The parameter 'TableName' is required but was not present in the request")
	}
	if len(r.table) < 3 || len(r.table) > 255 && !strings.HasPrefix(r.table, "arn:") {
		return nil, validation("TableName must be at least 3 characters long and at most 255 characters long")
	}
	var c constraints
	c.tableName(r.table)
	if err := c.err(); err != nil {
		return nil, err
	}
	t, err := r.openTable()
	if err != nil {
		return nil, api.Errorf("ResourceNotFoundException", "Requested resource not found: Table: %s not found", r.table)
	}
	d := tableDescription{
		AttributeDefinitions: t.props.AttributeDefinitions, TableName: t.name, KeySchema: t.props.KeySchema,
		TableStatus: "ACTIVE", CreationDateTime: t.created, TableSizeBytes: t.bytes, ItemCount: t.records.n, TableArn: t.arn,
		ProvisionedThroughput: map[string]int{"NumberOfDecreasesToday": 0, "ReadCapacityUnits": 0, "WriteCapacityUnits": 0},
	}
	if t.props.BillingMode == "PAY_PER_REQUEST" {
		d.BillingModeSummary = map[string]string{"BillingMode": t.props.BillingMode}
	}
	if t.view != "" {
		d.StreamSpecification = &streamDescription{true, t.view}
		d.LatestStreamArn = t.streamARN
		d.LatestStreamLabel = t.streamARN[len(t.arn+"/stream/"):]
	}
	for _, ix := range t.indexes {
		x := indexDescription{
			IndexName: ix.name, IndexArn: ix.arn, KeySchema: ix.spec.KeySchema, ItemCount: ix.records.n,
			Projection: projectionDescription(ix.spec.Projection),
		}
		for _, chunk := range ix.records.chunks {
			for _, rec := range chunk {
				x.IndexSizeBytes += rec.size
			}
		}
		if ix.global {
			x.IndexStatus = "ACTIVE"
			d.GlobalSecondaryIndexes = append(d.GlobalSecondaryIndexes, x)
		} else {
			d.LocalSecondaryIndexes = append(d.LocalSecondaryIndexes, x)
		}
	}
	b, err := json.Marshal(map[string]any{"Table": d})
	return append(out, b...), err
}
