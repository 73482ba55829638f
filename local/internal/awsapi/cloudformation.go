package awsapi

import (
	"encoding/json"
	"fmt"
	"net/url"
)

// decodeCloudFormation is the form of a call of CloudFormation as JSON.
func decodeCloudFormation(form url.Values) ([]byte, error) {
	in := map[string]any{}
	for _, name := range []string{"StackName", "LogicalResourceId", "PhysicalResourceId", "NextToken"} {
		if form.Has(name) {
			in[name] = form.Get(name)
		}
	}
	var statuses []string
	for n := 1; form.Has(fmt.Sprintf("StackStatusFilter.member.%d", n)); n++ {
		statuses = append(statuses, form.Get(fmt.Sprintf("StackStatusFilter.member.%d", n)))
	}
	if statuses != nil {
		in["StackStatusFilter"] = statuses
	}
	return json.Marshal(in)
}
