package document

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// MaxSource is the largest source, in bytes: an item of DynamoDB has 400 KB.
const MaxSource = 300 << 10

// SourceNotFound says that there is nothing at a document's source. Its name is that of the
// error by which the workflow knows that the document is to be refused.
type SourceNotFound struct{ Status string }

func (e *SourceNotFound) Error() string { return "the source answers " + e.Status }

// SourceTooLarge says that a source has more than MaxSource bytes.
type SourceTooLarge struct{}

func (e *SourceTooLarge) Error() string {
	return fmt.Sprintf("the source has more than %d bytes", MaxSource)
}

// files is the table of what was fetched and converted: an item for each step that wrote one.
type files struct {
	table  string
	client *dynamodb.Client
}

func newFiles(env Env) files { return files{env.Getenv(FilesName), dynamodb.NewFromConfig(env.AWS)} }

func (f files) put(ctx context.Context, j Job, content []byte) error {
	_, err := f.client.PutItem(ctx, &dynamodb.PutItemInput{TableName: &f.table, Item: map[string]types.AttributeValue{
		"pk": s(j.Key), "sk": s(j.Step), "content": &types.AttributeValueMemberB{Value: content},
	}})
	return err
}

func (f files) remove(ctx context.Context, j Job) error {
	_, err := f.client.DeleteItem(ctx, &dynamodb.DeleteItemInput{TableName: &f.table, Key: map[string]types.AttributeValue{
		"pk": s(j.Key), "sk": s(j.Step),
	}})
	return err
}

// NewFetch makes the step that copies a document from its source.
func NewFetch(env Env) lambda.Handler {
	f := newFiles(env)
	return lambda.NewHandler(func(ctx context.Context, j Job) (any, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, j.Request.Source, nil)
		if err != nil {
			return nil, err
		}
		res, err := env.HTTP.Do(req)
		if err != nil {
			return nil, err
		}
		defer res.Body.Close()
		switch {
		case res.StatusCode >= 400 && res.StatusCode < 500:
			return nil, &SourceNotFound{res.Status}
		case res.StatusCode != http.StatusOK:
			return nil, fmt.Errorf("the source answers %s", res.Status)
		}
		content, err := io.ReadAll(io.LimitReader(res.Body, MaxSource+1))
		if err != nil {
			return nil, err
		}
		if len(content) > MaxSource {
			return nil, &SourceTooLarge{}
		}
		return map[string]int{"bytes": len(content)}, f.put(ctx, j, content)
	})
}

// NewStore makes the step that keeps what the converter made.
func NewStore(env Env) lambda.Handler {
	f := newFiles(env)
	return lambda.NewHandler(func(ctx context.Context, j Job) (any, error) {
		if j.Results.Convert == nil {
			return nil, fmt.Errorf("nothing was converted")
		}
		return map[string]int{"pages": j.Results.Convert.Pages}, f.put(ctx, j, []byte(j.Results.Convert.Content))
	})
}

// NewDiscard makes the compensation of both: it removes what the step wrote, if it did.
func NewDiscard(env Env) lambda.Handler {
	f := newFiles(env)
	return lambda.NewHandler(func(ctx context.Context, j Job) (any, error) {
		return map[string]bool{"discarded": true}, f.remove(ctx, j)
	})
}
