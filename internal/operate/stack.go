package operate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"
)

// Stack is a deployed stack and how to reach its parts.
//
// IAM: cloudformation:DescribeStacks and ListStackResources on the stack.
type Stack struct {
	Name    string
	Outputs map[string]string

	id        string // its ARN
	cfg       aws.Config
	resources []resource // nil until somebody asks
	queues    *sqs.Client
	// now is the clock; wait waits unless the context ends.
	now  func() time.Time
	wait func(context.Context, time.Duration) error
	// signing is the clock that signatures go by.
	signing func() time.Time
	// longPoll is for how many seconds a receive waits: one that does asks all of SQS's servers, where another asks some.
	longPoll int32
}

type resource struct{ logicalID, physicalID, kind string }

// NotFound says that the account and the region have no such stack.
type NotFound struct {
	Stack, Region string
	// Others are the stacks that there are, as far as they may be listed.
	Others []string
}

func (e *NotFound) Error() string {
	s := fmt.Sprintf("there is no stack %s in %s", e.Stack, e.Region)
	if len(e.Others) > 0 {
		s += ": there is " + strings.Join(e.Others, ", ")
	}
	return s
}

// Open finds a stack by its name. What is wrong with the credentials, the region or the name is the error.
func Open(ctx context.Context, cfg aws.Config, name string) (*Stack, error) {
	if cfg.Region == "" {
		return nil, errors.New("the region is missing: set AWS_REGION, or the profile's region")
	}
	stacks := cloudformation.NewFromConfig(cfg)
	out, err := stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if e := smithy.APIError(nil); errors.As(err, &e) && e.ErrorCode() == "ValidationError" && strings.Contains(e.ErrorMessage(), "does not exist") {
		return nil, &NotFound{name, cfg.Region, others(ctx, stacks)}
	}
	if err != nil {
		return nil, fmt.Errorf("stack %s: %w", name, err)
	}
	if len(out.Stacks) == 0 {
		return nil, &NotFound{Stack: name, Region: cfg.Region}
	}
	s := &Stack{Name: aws.ToString(out.Stacks[0].StackName), id: aws.ToString(out.Stacks[0].StackId), Outputs: map[string]string{}, cfg: cfg, queues: sqs.NewFromConfig(cfg), now: time.Now, wait: sleep, signing: time.Now, longPoll: 1}
	for _, o := range out.Stacks[0].Outputs {
		s.Outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return s, nil
}

// others lists a few stacks, to show what was perhaps meant; none if that is not allowed.
func others(ctx context.Context, stacks *cloudformation.Client) []string {
	const few = 5
	out, err := stacks.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{})
	if err != nil {
		return nil
	}
	var names []string
	for _, s := range out.Stacks {
		names = append(names, aws.ToString(s.StackName))
	}
	slices.Sort(names)
	return names[:min(len(names), few)]
}

// sleep waits for a while, or until ctx ends: then it returns its error.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// need returns outputs by name, or an error that names all that are missing.
func (s *Stack) need(names ...string) ([]string, error) {
	var values, missing []string
	for _, name := range names {
		v := s.Outputs[name]
		if v == "" {
			missing = append(missing, name)
		}
		values = append(values, v)
	}
	if missing != nil {
		return nil, fmt.Errorf("stack %s has no output %s: is it one of orderflow's, deployed from this version?", s.Name, strings.Join(missing, ", "))
	}
	return values, nil
}

// list returns the stack's resources of a type, by logical id.
func (s *Stack) list(ctx context.Context, kind string) ([]resource, error) {
	if s.resources == nil {
		pages := cloudformation.NewListStackResourcesPaginator(cloudformation.NewFromConfig(s.cfg), &cloudformation.ListStackResourcesInput{StackName: &s.Name})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("stack %s: %w", s.Name, err)
			}
			for _, r := range page.StackResourceSummaries {
				s.resources = append(s.resources, resource{aws.ToString(r.LogicalResourceId), aws.ToString(r.PhysicalResourceId), aws.ToString(r.ResourceType)})
			}
		}
		slices.SortFunc(s.resources, func(a, b resource) int { return strings.Compare(a.logicalID, b.logicalID) })
	}
	var found []resource
	for _, r := range s.resources {
		if r.kind == kind {
			found = append(found, r)
		}
	}
	return found, nil
}
