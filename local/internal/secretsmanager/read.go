package secretsmanager

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// describe is what the API tells of a secret without its value.
func (sec *secret) describe() map[string]any {
	created := float64(sec.created.UnixMilli()) / 1000
	return map[string]any{"ARN": sec.arn, "Name": sec.name, "CreatedDate": created, "LastChangedDate": created}
}

func (s *Service) describeSecret(c api.Call) ([]byte, error) {
	var in struct{ SecretId string }
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return nil, api.Errorf("InvalidRequestException", "%v", err)
	}
	sec, ok := s.secrets[in.SecretId]
	if !ok {
		return nil, api.Errorf("ResourceNotFoundException", "Secrets Manager can't find the specified secret.")
	}
	out := sec.describe()
	out["VersionIdsToStages"] = map[string][]string{onlyVersion: {currentStage}}
	return json.Marshal(out)
}

// listSecrets lists the secrets by name; a token of ours is how many came before.
func (s *Service) listSecrets(c api.Call) ([]byte, error) {
	in := struct {
		MaxResults int
		NextToken  string
		Filters    []struct{}
	}{MaxResults: 100}
	if err := json.Unmarshal(c.Input, &in); err != nil {
		return nil, api.Errorf("InvalidRequestException", "%v", err)
	}
	if len(in.Filters) > 0 {
		return nil, &api.Error{Code: "NotSimulated", Status: 501, Message: "not simulated: ListSecrets with Filters"}
	}
	byName := map[string]*secret{}
	for _, sec := range s.secrets {
		byName[sec.name] = sec
	}
	names := slices.Sorted(maps.Keys(byName))
	from := 0
	if in.NextToken != "" {
		var err error
		if from, err = strconv.Atoi(in.NextToken); err != nil || from < 0 || from > len(names) {
			return nil, api.Errorf("InvalidNextTokenException", "The NextToken value is invalid.")
		}
	}
	if in.MaxResults < 1 || in.MaxResults > 100 {
		return nil, api.Errorf("InvalidParameterException", "MaxResults must be from 1 to 100.")
	}
	to := min(len(names), from+in.MaxResults)
	list := []any{}
	for _, name := range names[from:to] {
		entry := byName[name].describe()
		entry["SecretVersionsToStages"] = map[string][]string{onlyVersion: {currentStage}}
		list = append(list, entry)
	}
	out := map[string]any{"SecretList": list}
	if to < len(names) {
		out["NextToken"] = strconv.Itoa(to)
	}
	return json.Marshal(out)
}
