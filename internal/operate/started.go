package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/orderflow-cdk/orderflow/constructs/record"
	"github.com/orderflow-cdk/orderflow/internal/order"
)

// unfinished are the statuses of executions whose orders may stand still. Orders that end as FAILED have an execution that failed, too.
var unfinished = []types.ExecutionStatus{types.ExecutionStatusRunning, types.ExecutionStatusFailed, types.ExecutionStatusTimedOut, types.ExecutionStatusAborted}

// started finds by their executions which orders have not changed. It takes no more than a look at each order that has not ended well.
//
// IAM: states:ListExecutions on the state machine, states:DescribeExecution on the executions, dynamodb:GetItem on the table.
func (s *Stack) started(ctx context.Context, w *workflow, o Stuck) (found []*StuckOrder, more bool, err error) {
	if w.express {
		return nil, false, errors.New("the workflow is an Express one, which keeps no list of its executions: only the table tells")
	}
	names, err := s.need("OrdersTableName")
	if err != nil {
		return nil, false, err
	}
	executions, err := s.unfinished(ctx, w, o)
	if err != nil {
		return nil, false, err
	}
	var mu sync.Mutex // of known, found and more
	known := map[string]bool{}
	err = forEach(ctx, executions, func(ctx context.Context, e types.ExecutionListItem) error {
		it, err := s.orderOf(ctx, w, names[0], e)
		if err != nil {
			return err
		}
		stuck := readStuck(it)
		if stuck == nil || order.Terminal(stuck.Status) || s.now().Sub(stuck.Since) < o.Older {
			return nil
		}
		mu.Lock()
		defer mu.Unlock()
		switch {
		case known[stuck.key]:
		case len(found) == o.Limit:
			more = true
		default:
			known[stuck.key], found = true, append(found, stuck)
		}
		return nil
	})
	return found, more, err
}

// unfinished lists the executions that started within the time, the latest first, which is how Step Functions has them.
func (s *Stack) unfinished(ctx context.Context, w *workflow, o Stuck) (all []types.ExecutionListItem, err error) {
	now := s.now()
	for _, status := range unfinished {
		pages := sfn.NewListExecutionsPaginator(w.client, &sfn.ListExecutionsInput{StateMachineArn: &w.arn, StatusFilter: status, MaxResults: 1000})
	pages:
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("state machine: %w", err)
			}
			for _, e := range page.Executions {
				age := now.Sub(aws.ToTime(e.StartDate))
				if age > o.Started {
					break pages
				}
				if age >= o.Older {
					all = append(all, e)
				}
			}
		}
	}
	return all, nil
}

// orderOf reads the STATUS item of an execution's order. Its name is the order's id, as a rule; else its input tells.
func (s *Stack) orderOf(ctx context.Context, w *workflow, table string, e types.ExecutionListItem) (item, error) {
	for _, key := range keysOf(aws.ToString(e.Name)) {
		it, err := s.item(ctx, table, key, record.StatusItem)
		if err != nil || it != nil {
			return it, err
		}
	}
	about, err := w.client.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: e.ExecutionArn})
	if gone := (*types.ExecutionDoesNotExist)(nil); errors.As(err, &gone) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("execution %s: %w", aws.ToString(e.Name), err)
	}
	var input map[string]any
	if err := json.Unmarshal([]byte(aws.ToString(about.Input)), &input); err != nil {
		return nil, nil // It is nobody's order.
	}
	key, _ := input["pk"].(string)
	if key == "" {
		return nil, nil
	}
	return s.item(ctx, table, key, record.StatusItem)
}
