package sns

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// maxRetryTime is the longest that all the delays of an HTTP delivery policy may
// take together. Source: SNS Developer Guide, "Message delivery retries".
const maxRetryTime = 3600

// retryPolicy is the healthyRetryPolicy of a delivery policy. Members that are not
// given have the defaults of the guide: three retries, 20 seconds apart.
type retryPolicy struct {
	MinDelayTarget     *cfn.Int `json:"minDelayTarget,omitempty"`
	MaxDelayTarget     *cfn.Int `json:"maxDelayTarget,omitempty"`
	NumRetries         *cfn.Int `json:"numRetries,omitempty"`
	NumMaxDelayRetries *cfn.Int `json:"numMaxDelayRetries,omitempty"`
	NumNoDelayRetries  *cfn.Int `json:"numNoDelayRetries,omitempty"`
	NumMinDelayRetries *cfn.Int `json:"numMinDelayRetries,omitempty"`
	BackoffFunction    string   `json:"backoffFunction,omitempty"`
}

// schedule is a retry policy with its defaults, and the delays that it means.
type schedule struct {
	MinDelayTarget     int    `json:"minDelayTarget"`
	MaxDelayTarget     int    `json:"maxDelayTarget"`
	NumRetries         int    `json:"numRetries"`
	NumMaxDelayRetries int    `json:"numMaxDelayRetries"`
	NumNoDelayRetries  int    `json:"numNoDelayRetries"`
	NumMinDelayRetries int    `json:"numMinDelayRetries"`
	BackoffFunction    string `json:"backoffFunction"`
}

// defaultSchedule is the one of HTTP endpoints without a policy.
var defaultSchedule = schedule{MinDelayTarget: 20, MaxDelayTarget: 20, NumRetries: 3, BackoffFunction: "linear"}

// managedSchedule is the one of queues and functions: 100,015 retries over 23
// days. Source: SNS Developer Guide, "Message delivery retries".
var managedSchedule = schedule{MinDelayTarget: 1, MaxDelayTarget: 20, NumRetries: 100_015,
	NumNoDelayRetries: 3, NumMinDelayRetries: 2, NumMaxDelayRetries: 100_000, BackoffFunction: "exponential"}

// delay is how long to wait before retry number i, which counts from 0; false if
// there is none.
//
// The guide shows by a picture alone how the functions rise between the targets.
// Here linear rises evenly, arithmetic with the square, geometric with the cube
// of the retry's number, and exponential by a constant factor.
func (s *schedule) delay(i int) (time.Duration, bool) {
	backoff := s.NumRetries - s.NumNoDelayRetries - s.NumMinDelayRetries - s.NumMaxDelayRetries
	low, high := float64(s.MinDelayTarget), float64(s.MaxDelayTarget)
	switch {
	case i >= s.NumRetries:
		return 0, false
	case i < s.NumNoDelayRetries:
		return 0, true
	case i < s.NumNoDelayRetries+s.NumMinDelayRetries:
		return seconds(low), true
	case i >= s.NumRetries-s.NumMaxDelayRetries:
		return seconds(high), true
	case backoff == 1:
		return seconds(low), true
	}
	part := float64(i-s.NumNoDelayRetries-s.NumMinDelayRetries) / float64(backoff-1)
	switch s.BackoffFunction {
	case "arithmetic":
		part *= part
	case "geometric":
		part *= part * part
	case "exponential":
		return seconds(low * math.Pow(high/low, part)), true
	}
	return seconds(low + (high-low)*part), true
}

func seconds(s float64) time.Duration {
	return time.Duration(s * float64(time.Second)).Round(time.Millisecond)
}

// total is the time that all delays take.
func (s *schedule) total() (sum time.Duration) {
	for i := range s.NumRetries {
		d, _ := s.delay(i)
		sum += d
	}
	return sum
}

func (p *retryPolicy) schedule(path string) (schedule, error) {
	s := defaultSchedule
	if p == nil {
		return s, nil
	}
	for _, n := range []struct {
		name     string
		given    *cfn.Int
		to       *int
		low, top int
	}{
		{"minDelayTarget", p.MinDelayTarget, &s.MinDelayTarget, 1, maxRetryTime},
		{"maxDelayTarget", p.MaxDelayTarget, &s.MaxDelayTarget, 1, maxRetryTime},
		{"numRetries", p.NumRetries, &s.NumRetries, 0, 100},
		{"numNoDelayRetries", p.NumNoDelayRetries, &s.NumNoDelayRetries, 0, 100},
		{"numMinDelayRetries", p.NumMinDelayRetries, &s.NumMinDelayRetries, 0, 100},
		{"numMaxDelayRetries", p.NumMaxDelayRetries, &s.NumMaxDelayRetries, 0, 100},
	} {
		if n.given == nil {
			continue
		}
		switch v := int(*n.given); {
		case v < n.low:
			return s, fmt.Errorf("%s.%s must be greater than or equal to %d", path, n.name, n.low)
		case v > n.top:
			return s, fmt.Errorf("%s.%s must be less than or equal to %d", path, n.name, n.top)
		default:
			*n.to = v
		}
	}
	if p.MinDelayTarget != nil && p.MaxDelayTarget == nil {
		s.MaxDelayTarget = max(s.MaxDelayTarget, s.MinDelayTarget)
	}
	if p.MaxDelayTarget != nil && p.MinDelayTarget == nil {
		s.MinDelayTarget = min(s.MinDelayTarget, s.MaxDelayTarget)
	}
	if p.BackoffFunction != "" {
		s.BackoffFunction = strings.ToLower(p.BackoffFunction)
	}
	switch s.BackoffFunction {
	case "linear", "arithmetic", "geometric", "exponential":
	default:
		return s, fmt.Errorf("%s.backoffFunction must be one of arithmetic, exponential, geometric or linear", path)
	}
	switch {
	case s.MinDelayTarget > s.MaxDelayTarget:
		return s, fmt.Errorf("%s.maxDelayTarget must be greater than or equal to minDelayTarget", path)
	case s.NumNoDelayRetries+s.NumMinDelayRetries+s.NumMaxDelayRetries > s.NumRetries:
		return s, fmt.Errorf("%s.numRetries must be greater than or equal to the sum of numMinDelayRetries, numNoDelayRetries and numMaxDelayRetries", path)
	case s.total() > maxRetryTime*time.Second:
		return s, fmt.Errorf("%s: the total retry time must be less than or equal to %d seconds", path, maxRetryTime)
	}
	return s, nil
}
