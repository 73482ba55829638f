package operate_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/orderflow-cdk/orderflow/internal/operate"
)

// The clock is that of the stack: time that was skipped in a local one counts.
func TestTheClockIsTheStacks(t *testing.T) {
	s := newStage(t, "dev", nil)
	c := s.local.RootCredentials()
	cfg := aws.Config{
		Region: s.local.Region(), BaseEndpoint: &s.url, HTTPClient: http.DefaultClient,
		Credentials: credentials.NewStaticCredentialsProvider(c.AccessKeyID, c.SecretAccessKey, c.SessionToken),
	}
	for range 2 {
		stack, err := operate.Open(t.Context(), cfg, "orderflow-dev")
		if err != nil {
			t.Fatal(err)
		}
		// A second is what answers tell, the rest is for a slow machine.
		if off := stack.Now().Sub(s.local.Now()); off.Abs() > time.Minute {
			t.Errorf("the clock is %s off", off)
		}
		// Its clients, which have learned the time there, go on being known.
		for range 2 {
			if _, err := stack.Queues(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		s.local.Advance(26 * time.Hour)
	}
}
