package awsapi

import (
	"encoding/json"
	"net/url"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// decodeSTS is the form of a call of STS as JSON, with what is simulated of it. Session policies would narrow what the
// role may do: leaving them out would allow too much.
func decodeSTS(form url.Values) ([]byte, error) {
	in := map[string]any{}
	for _, name := range []string{"RoleArn", "RoleSessionName", "ExternalId"} {
		if form.Has(name) {
			in[name] = form.Get(name)
		}
	}
	for _, name := range []string{"Policy", "PolicyArns.member.1.arn", "SerialNumber", "Tags.member.1.Key"} {
		if form.Has(name) {
			return nil, notSimulated("AssumeRole with %s", name)
		}
	}
	if seconds := form.Get("DurationSeconds"); seconds != "" {
		n, err := strconv.Atoi(seconds)
		if err != nil {
			return nil, api.Errorf("ValidationError", "DurationSeconds must be a number: %s", seconds)
		}
		in["DurationSeconds"] = n
	}
	return json.Marshal(in)
}
