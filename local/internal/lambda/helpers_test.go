package lambda_test

import (
	"encoding/json"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

func try(s api.Service, action string, in any) (out map[string]any, err error) {
	b, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	s.Do(api.Call{Action: action, Input: b}, func(body []byte, e error) {
		if err = e; e == nil {
			err = json.Unmarshal(body, &out)
		}
	})
	return out, err
}
