package scale

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
)

// Quota is a limit, of AWS or a setting of the stack.
type Quota struct {
	ID      string `json:"id"`
	Service string `json:"service"`
	Name    string `json:"name"`
	Unit    string `json:"unit"`
	// Value is the default; of a setting it is read from the template.
	Value float64 `json:"value"`
	// Setting names the setting that it is; empty for a quota of AWS.
	Setting string `json:"setting"`
	// Adjustable says that AWS raises it on request.
	Adjustable bool `json:"adjustable"`
	// AsOf is of when the source was, Source its address. Unchecked says that the number was not read there again.
	AsOf      string `json:"asOf"`
	Source    string `json:"source"`
	Unchecked bool   `json:"unchecked"`
	Note      string `json:"note"`
	// Change is what moves it.
	Change string `json:"change"`
}

//go:embed quotas.json
var quotasJSON []byte

// Quotas returns the table, whose settings have no values yet.
func Quotas() ([]Quota, error) {
	var all []Quota
	if err := json.Unmarshal(quotasJSON, &all); err != nil {
		return nil, fmt.Errorf("scale: quotas.json: %w", err)
	}
	var errs []error
	seen := map[string]bool{}
	for _, q := range all {
		switch {
		case q.ID == "" || q.Name == "" || q.Unit == "" || q.Change == "" || seen[q.ID]:
			errs = append(errs, fmt.Errorf("scale: quotas.json: %q lacks a member, or is there twice", q.ID))
		case (q.Setting == "") != (q.Value > 0 && q.Source != "" && q.AsOf != ""):
			errs = append(errs, fmt.Errorf("scale: quotas.json: %s must be a setting, or have value, source and asOf", q.ID))
		}
		seen[q.ID] = true
	}
	return all, errors.Join(errs...)
}
