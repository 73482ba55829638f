package permissions_test

import (
	"os"
	"testing"

	"github.com/orderflow-cdk/orderflow/internal/localapp"
	"github.com/orderflow-cdk/orderflow/local"
)

var environments = []string{"dev", "staging", "prod"}

func TestEveryPermissionIsUsed(t *testing.T) {
	for _, environment := range environments {
		t.Run(environment, func(t *testing.T) {
			s, err := localapp.Exercise(environment, nil, local.Options{Seed: 1, Logs: os.Stderr}, nil)
			if err != nil {
				t.Error(err)
			}
			if s == nil {
				t.FailNow()
			}
			defer s.Close()
			r := s.Permissions()
			r.WriteText(os.Stderr)
		})
	}
}
