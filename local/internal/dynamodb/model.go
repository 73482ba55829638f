package dynamodb

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// constraints collects violations of the API's own model, which are reported together.
type constraints struct{ list []string }

func (c *constraints) add(value, member, rule string, args ...any) {
	c.violation(value, member, "Member must "+fmt.Sprintf(rule, args...))
}

func (c *constraints) violation(value, member, rule string) {
	if value != "null" {
		value = "'" + value + "'"
	}
	if len(c.list) < 10 {
		c.list = append(c.list, "Value "+value+" at '"+member+"' failed to satisfy constraint: "+rule)
	}
}

func (c *constraints) enum(value, member string, allowed ...string) {
	if value != "" && !slices.Contains(allowed, value) {
		c.add(value, member, "satisfy enum value set: [%s]", strings.Join(allowed, ", "))
	}
}

func (c *constraints) err() error {
	if len(c.list) == 0 {
		return nil
	}
	s := "s"
	if len(c.list) == 1 {
		s = ""
	}
	return validation("%d validation error%s detected: %s", len(c.list), s, strings.Join(c.list, "; "))
}

func (c *constraints) name(value, member string, shortest int) {
	if strings.Trim(value, nameAlphabet) != "" || value == "" {
		c.add(value, member, "satisfy regular expression pattern: [a-zA-Z0-9_.-]+")
	}
	if len(value) < shortest {
		c.add(value, member, "have length greater than or equal to %d", shortest)
	}
	if len(value) > 255 {
		c.add(value, member, "have length less than or equal to 255")
	}
}

func (c *constraints) between(value int, member string, low, high int) {
	switch {
	case value < low:
		c.add(strconv.Itoa(value), member, "have value greater than or equal to %d", low)
	case value > high:
		c.add(strconv.Itoa(value), member, "have value less than or equal to %d", high)
	}
}

// tableName checks a table's name, which may be an ARN instead.
func (c *constraints) tableName(value string) {
	if !strings.HasPrefix(value, "arn:") {
		c.name(value, "tableName", 3)
	}
}

// model checks a single-item request, a Query or a Scan against the API's model.
func (r *request) model() error {
	// The order is that in which the service reports violations.
	var c constraints
	c.enum(r.selectWhat, "select", "SPECIFIC_ATTRIBUTES", "COUNT", "ALL_ATTRIBUTES", "ALL_PROJECTED_ATTRIBUTES")
	if r.hasIndex && (r.action == "Query" || r.action == "Scan") {
		c.name(r.index, "indexName", 3)
	}
	if r.hasSegments {
		c.between(r.totalSegments, "totalSegments", 1, 1_000_000)
	}
	c.enum(r.returnCapacity, "returnConsumedCapacity", "INDEXES", "TOTAL", "NONE")
	if r.hasTable {
		c.tableName(r.table)
	} else {
		c.add("null", "tableName", "not be null")
	}
	if r.action == "PutItem" && !r.item.set {
		c.add("null", "item", "not be null")
	}
	if r.action == "UpdateItem" {
		c.enum(r.returnMetrics, "returnItemCollectionMetrics", "SIZE", "NONE")
	}
	c.enum(r.returnValues, "returnValues", "ALL_NEW", "UPDATED_OLD", "ALL_OLD", "NONE", "UPDATED_NEW")
	if r.action != "UpdateItem" {
		c.enum(r.returnMetrics, "returnItemCollectionMetrics", "SIZE", "NONE")
	}
	switch r.action {
	case "GetItem", "UpdateItem", "DeleteItem":
		if !r.key.set {
			c.add("null", "key", "not be null")
		}
	}
	if r.hasSegment {
		c.between(r.segment, "segment", 0, 999_999)
	}
	if r.hasLimit {
		c.between(r.limit, "limit", 1, math.MaxInt)
	}
	c.enum(r.returnOnFailure, "returnValuesOnConditionCheckFailure", "ALL_OLD", "NONE")
	if err := c.err(); err != nil {
		return err
	}
	if len(r.legacy) > 0 {
		return validation("%s: the legacy parameters that precede expressions are not simulated; use the matching …Expression parameter", strings.Join(r.legacy, ", "))
	}
	return nil
}
