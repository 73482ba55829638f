package dynamo_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/google/go-cmp/cmp"

	"github.com/orderflow-cdk/orderflow/internal/awstest"
	"github.com/orderflow-cdk/orderflow/internal/dynamo"
)

func newEndpoints() (*dynamo.Endpoints, *awstest.Server) {
	s := awstest.New()
	return &dynamo.Endpoints{Client: dynamodb.NewFromConfig(s.Config()), Table: "hooks"}, s
}

func endpoint(id string) dynamo.Endpoint {
	return dynamo.Endpoint{
		Tenant: "acme", ID: id, URL: "https://hooks.example.com/in", Description: "ours", Statuses: []string{"PAID", "SHIPPED"},
		Enabled: true, CreatedAt: now(), Secret: "whsec_1",
	}
}

func create(t *testing.T, s *dynamo.Endpoints, ids ...string) dynamo.Endpoint {
	t.Helper()
	for _, id := range ids {
		if err := s.Create(t.Context(), endpoint(id)); err != nil {
			t.Fatal(err)
		}
	}
	return get(t, s, ids[0])
}

func get(t *testing.T, s *dynamo.Endpoints, id string) dynamo.Endpoint {
	t.Helper()
	e, _, err := s.Get(t.Context(), "acme", id)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEndpointsAreKeptAndDeleted(t *testing.T) {
	s, server := newEndpoints()
	if diff := cmp.Diff(endpoint("we_b"), create(t, s, "we_b", "we_a", "we_c")); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	server.PageSize = 2 // and the item of the count must not be among them
	for _, want := range [][]string{{"we_a", "we_b", "we_c"}, {"we_a", "we_c"}} {
		all, err := s.List(t.Context(), "acme")
		var ids []string
		for _, e := range all {
			ids = append(ids, e.ID)
		}
		if diff := cmp.Diff(want, ids); diff != "" || err != nil {
			t.Errorf("%v (-want +got)\n%s", err, diff)
		}
		if found, err := s.Delete(t.Context(), "acme", "we_b"); found != slices.Contains(want, "we_b") || err != nil {
			t.Errorf("delete: %v, %v", found, err)
		}
	}
	if others, err := s.List(t.Context(), "ac"); len(others) != 0 || err != nil {
		t.Errorf("another tenant has %v, %v", others, err)
	}
	for _, id := range []string{"#endpoints", "we_x", ""} {
		if _, found, err := s.Get(t.Context(), "acme", id); found || err != nil {
			t.Errorf("%q: %v, %v", id, found, err)
		}
		if _, found, err := s.Rotate(t.Context(), "acme", id, "x", now()); found || err != nil {
			t.Errorf("rotate %q: %v, %v", id, found, err)
		}
		if found, err := s.Delete(t.Context(), "acme", id); found || err != nil {
			t.Errorf("delete %q: %v, %v", id, found, err)
		}
	}
}

func TestEndpointsAreLimited(t *testing.T) {
	s, server := newEndpoints()
	for i := range dynamo.MaxEndpoints {
		create(t, s, fmt.Sprintf("we_%02d", i))
	}
	var many *dynamo.TooManyEndpoints
	if err := s.Create(t.Context(), endpoint("we_x")); !errors.As(err, &many) {
		t.Errorf("the %d. endpoint: %v", dynamo.MaxEndpoints+1, err)
	}
	if len(server.Items) != dynamo.MaxEndpoints+1 {
		t.Errorf("%d items", len(server.Items))
	}
	for range 2 { // deleting twice makes room for one
		if _, err := s.Delete(t.Context(), "acme", "we_00"); err != nil {
			t.Fatal(err)
		}
	}
	create(t, s, "we_x")
	if err := s.Create(t.Context(), endpoint("we_y")); !errors.As(err, &many) {
		t.Errorf("after one was deleted and one created: %v", err)
	}
}

func TestWanted(t *testing.T) {
	s, server := newEndpoints()
	create(t, s, "we_some", "we_off")
	all := endpoint("we_all")
	all.Statuses = nil
	if err := s.Create(t.Context(), all); err != nil {
		t.Fatal(err)
	}
	server.Items["hooks/acme/we_off"]["enabled"] = map[string]any{"BOOL": false}
	for status, want := range map[string]string{"PAID": "[we_all we_some]", "FAILED": "[we_all]", "": "[we_all we_some]"} {
		wanted, err := s.Wanted(t.Context(), "acme", status)
		var ids []string
		for _, e := range wanted {
			ids = append(ids, e.ID)
		}
		if fmt.Sprint(ids) != want || err != nil {
			t.Errorf("%q: %v, %v; want %s", status, ids, err, want)
		}
	}
}

func TestRotationKeepsTheOldSecretForADay(t *testing.T) {
	s, _ := newEndpoints()
	create(t, s, "we_a")
	e, found, err := s.Rotate(t.Context(), "acme", "we_a", "whsec_2", now())
	if !found || err != nil {
		t.Fatal(found, err)
	}
	for after, want := range map[time.Duration]string{
		0: "[whsec_2 whsec_1]", 24*time.Hour - time.Millisecond: "[whsec_2 whsec_1]", 24 * time.Hour: "[whsec_2]",
	} {
		if got := fmt.Sprint(e.Secrets(now().Add(after))); got != want {
			t.Errorf("after %v: %s, want %s", after, got, want)
		}
	}
}

// The answer to an update is lost, and the SDK makes it again: the secret before must still be the old one, which
// receivers know.
func TestRotationThatIsRepeatedKeepsTheOldSecret(t *testing.T) {
	s, server := newEndpoints()
	create(t, s, "we_a")
	cfg := server.Config()
	cfg.Retryer = func() aws.Retryer {
		return retry.AddWithMaxBackoffDelay(retry.NewStandard(), time.Millisecond)
	}
	s.Client = dynamodb.NewFromConfig(cfg)
	lost := false
	server.Fault = func(int, string) awstest.Fault {
		if !lost {
			lost = true
			return awstest.Lose
		}
		return awstest.None
	}
	e, found, err := s.Rotate(t.Context(), "acme", "we_a", "whsec_2", now())
	if got := fmt.Sprint(e.Secrets(now())); !found || err != nil || got != "[whsec_2 whsec_1]" {
		t.Errorf("%s, %v, %v", got, found, err)
	}
	if e, found, err := s.Rotate(t.Context(), "acme", "we_none", "whsec_2", now()); found || err != nil || e.ID != "" {
		t.Errorf("none: %+v, %v, %v", e, found, err)
	}
}

func TestFailuresOfTheSameTimeCountOnce(t *testing.T) {
	s, _ := newEndpoints()
	seen := create(t, s, "we_a")
	for i := range 10 {
		f := dynamo.Failure{At: now().Add(time.Duration(i) * time.Second), Status: 500, Error: "HTTP 500"}
		if _, err := s.RecordFailure(t.Context(), seen, f, time.Time{}); err != nil {
			t.Fatal(err)
		}
	}
	got := get(t, s, "we_a")
	want := seen
	want.Failures, want.FailingSince = 1, now()
	want.LastFailure = dynamo.Failure{At: now(), Status: 500, Error: "HTTP 500"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	// A second one that asks for a longer pause gets it, a third with a shorter one does not take it away.
	for _, pause := range []time.Duration{time.Hour, time.Minute} {
		if _, err := s.RecordFailure(t.Context(), seen, dynamo.Failure{At: now()}, now().Add(pause)); err != nil {
			t.Fatal(err)
		}
	}
	if got = get(t, s, "we_a"); !got.NextAttemptAt.Equal(now().Add(time.Hour)) || got.Failures != 1 {
		t.Errorf("%d failures, next attempt at %v", got.Failures, got.NextAttemptAt)
	}
	// The next one, which has seen the first, counts; since when it fails stays.
	if got, err := s.RecordFailure(t.Context(), got, dynamo.Failure{At: now().Add(time.Hour)}, time.Time{}); err != nil ||
		got.Failures != 2 || !got.FailingSince.Equal(now()) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestSuccessForgetsFailures(t *testing.T) {
	s, server := newEndpoints()
	clean := create(t, s, "we_a")
	calls := len(server.Calls)
	if err := s.RecordSuccess(t.Context(), clean); err != nil || len(server.Calls) != calls {
		t.Errorf("%v, and %d calls for nothing", err, len(server.Calls)-calls)
	}
	failing, err := s.RecordFailure(t.Context(), clean, dynamo.Failure{At: now(), Error: "x"}, now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	// Meanwhile another attempt gets a 429.
	later, err := s.RecordFailure(t.Context(), failing, dynamo.Failure{At: now(), Error: "y"}, now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		seen  dynamo.Endpoint
		until time.Time
	}{{failing, now().Add(time.Hour)}, {later, time.Time{}}} {
		if err := s.RecordSuccess(t.Context(), step.seen); err != nil {
			t.Fatal(err)
		}
		got := get(t, s, "we_a")
		if got.Failures != 0 || !got.FailingSince.IsZero() || !got.NextAttemptAt.Equal(step.until) || got.LastFailure.Error != "y" {
			t.Errorf("%+v", got)
		}
	}
}

func TestOneOfManyClaimsTheProbe(t *testing.T) {
	s, _ := newEndpoints()
	e := create(t, s, "we_a")
	e, err := s.RecordFailure(t.Context(), e, dynamo.Failure{At: now()}, now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	won := 0
	for i := range 100 {
		latest, ok, err := s.ClaimProbe(t.Context(), e, now().Add(time.Minute+time.Duration(i+20)*time.Second))
		if err != nil || !latest.NextAttemptAt.Equal(now().Add(80*time.Second)) {
			t.Fatalf("%+v, %v", latest, err)
		}
		if ok {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d have claimed it", won)
	}
}

func TestDisabling(t *testing.T) {
	s, _ := newEndpoints()
	e := create(t, s, "we_a")
	failing, err := s.RecordFailure(t.Context(), e, dynamo.Failure{At: now()}, now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.RecordSuccess(t.Context(), failing); err != nil {
		t.Fatal(err)
	}
	f := dynamo.Failure{At: now(), Status: 410, Error: "HTTP 410"}
	if done, err := s.DisableFailing(t.Context(), failing, dynamo.DisabledFailing, f); done || err != nil {
		t.Errorf("after a success: %v, %v", done, err)
	}
	for _, want := range []bool{true, false} {
		if done, err := s.Disable(t.Context(), failing, dynamo.DisabledGone, f); done != want || err != nil {
			t.Errorf("%v, %v, want %v", done, err, want)
		}
	}
	if got := get(t, s, "we_a"); got.Enabled || got.DisabledReason != "Gone" || got.LastFailure != f || got.Wants("PAID") {
		t.Errorf("%+v", got)
	}
	enabled, found, err := s.Enable(t.Context(), "acme", "we_a")
	e.LastFailure = f
	if diff := cmp.Diff(e, enabled); diff != "" || !found || err != nil {
		t.Errorf("%v, %v (-want +got)\n%s", found, err, diff)
	}
}

// Whatever comes to light about an endpoint that was deleted, it stays deleted.
func TestADeletedEndpointStaysDeleted(t *testing.T) {
	s, server := newEndpoints()
	e := create(t, s, "we_a")
	e.Failures, e.FailingSince, e.NextAttemptAt = 1, now(), now()
	if _, err := s.Delete(t.Context(), "acme", "we_a"); err != nil {
		t.Fatal(err)
	}
	for name, do := range map[string]func() error{
		"failure": func() error {
			got, err := s.RecordFailure(t.Context(), e, dynamo.Failure{At: now()}, now().Add(time.Hour))
			if got.ID != "" {
				t.Errorf("failure returns %+v", got)
			}
			return err
		},
		"success": func() error { return s.RecordSuccess(t.Context(), e) },
		"claim":   func() error { _, _, err := s.ClaimProbe(t.Context(), e, now()); return err },
		"disable": func() error { _, err := s.Disable(t.Context(), e, "x", dynamo.Failure{}); return err },
		"enable":  func() error { _, _, err := s.Enable(t.Context(), "acme", "we_a"); return err },
	} {
		if err := do(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(server.Items) != 1 {
			t.Fatalf("%s brings it back: %v", name, server.Items)
		}
	}
}

func TestLoadMakesOneCall(t *testing.T) {
	s, server := newEndpoints()
	create(t, s, "we_a", "we_b", "we_c")
	ids := []dynamo.EndpointID{{"acme", "we_a"}, {"acme", "we_x"}, {"acme", "we_c"}, {"other", "we_b"}}
	for page, calls := range map[int]int{0: 1, 2: 2} {
		server.PageSize, server.Calls = page, nil
		got, err := s.Load(t.Context(), ids)
		if err != nil || len(got) != 2 || got[ids[0]].ID != "we_a" || got[ids[2]].ID != "we_c" || len(server.Calls) != calls {
			t.Errorf("page of %d: %v, %v, calls %v", page, got, err, server.Calls)
		}
	}
	server.PageSize = 1
	if _, err := s.Load(t.Context(), ids); err == nil {
		t.Error("unprocessed endpoints pass for deleted ones")
	}
}
