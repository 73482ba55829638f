package operate

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
)

// mostReasons is how many letters' reasons are looked for: each takes a search of the log.
const mostReasons = 10

// Explain looks into the log of the function that did not take a queue's messages, and gives letters of orders the reason that it wrote. What cannot be found, or may not be
// read, is left out: the letter says no less without it.
//
// IAM: lambda:ListEventSourceMappings, lambda:GetFunctionConfiguration on the function, logs:FilterLogEvents on its log group.
func (s *Stack) Explain(ctx context.Context, q *Queue, letters []Letter) {
	group := ""
	for i := range letters[:min(len(letters), mostReasons)] {
		l := &letters[i]
		if l.Reason != "" || l.OrderID == "" || q.destination() == "" {
			continue
		}
		if group == "" {
			if group = s.logGroup(ctx, q.destination()); group == "" {
				return
			}
		}
		reason, err := s.logged(ctx, group, *l)
		if err != nil {
			return
		}
		l.Reason = reason
	}
}

// logGroup is the log group of the function that takes a queue's messages; "" if that cannot be found out.
func (s *Stack) logGroup(ctx context.Context, queue string) string {
	functions := lambda.NewFromConfig(s.cfg)
	mappings, err := functions.ListEventSourceMappings(ctx, &lambda.ListEventSourceMappingsInput{EventSourceArn: &queue})
	if err != nil || len(mappings.EventSourceMappings) == 0 {
		return ""
	}
	about, err := functions.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: mappings.EventSourceMappings[0].FunctionArn})
	if err != nil || about.LoggingConfig == nil {
		return ""
	}
	return aws.ToString(about.LoggingConfig.LogGroup)
}

// logged is the last error that the log has of an order, since its message was sent.
func (s *Stack) logged(ctx context.Context, group string, l Letter) (string, error) {
	id, err := json.Marshal(l.OrderID) // a JSON string is one of the pattern's
	if err != nil {
		return "", err
	}
	pages := cloudwatchlogs.NewFilterLogEventsPaginator(cloudwatchlogs.NewFromConfig(s.cfg), &cloudwatchlogs.FilterLogEventsInput{
		LogGroupName: &group, StartTime: aws.Int64(l.Sent.Add(-time.Minute).UnixMilli()),
		FilterPattern: aws.String(fmt.Sprintf(`{ $.level = "ERROR" && $.orderId = %s }`, id)),
	})
	const most = 20 // pages: those of a long time are many, and may be empty
	reason := ""
	for n := 0; n < most && pages.HasMorePages(); n++ {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, e := range page.Events {
			var line struct{ Error, Cause string }
			if json.Unmarshal([]byte(aws.ToString(e.Message)), &line) == nil {
				reason = strings.TrimPrefix(strings.TrimSuffix(line.Error+": "+line.Cause, ": "), ": ")
			}
		}
	}
	return reason, nil
}
