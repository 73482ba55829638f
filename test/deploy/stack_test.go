package deploy

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
)

// stack is a deployed stack, through AWS's own clients.
type stack struct {
	name      string
	formation *cloudformation.Client
	tables    *dynamodb.Client
	functions *lambda.Client
	machines  *sfn.Client
	queues    *sqs.Client
	topics    *sns.Client
	logs      *cloudwatchlogs.Client
	outputs   map[string]string
	ids       map[string]string // physical by logical
}

func newStack(e *emulator, name string) *stack {
	cfg := aws.Config{
		Region: region, BaseEndpoint: &e.url,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	return &stack{
		name:      name,
		formation: cloudformation.NewFromConfig(cfg),
		tables:    dynamodb.NewFromConfig(cfg),
		functions: lambda.NewFromConfig(cfg),
		machines:  sfn.NewFromConfig(cfg),
		queues:    sqs.NewFromConfig(cfg),
		topics:    sns.NewFromConfig(cfg),
		logs:      cloudwatchlogs.NewFromConfig(cfg),
	}
}

// read reads the stack's status, its outputs and what its resources are called.
func (s *stack) read(t *testing.T) (status string) {
	t.Helper()
	described, err := s.formation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &s.name})
	if err != nil {
		t.Fatal(err)
	}
	s.outputs, s.ids = map[string]string{}, map[string]string{}
	for _, o := range described.Stacks[0].Outputs {
		s.outputs[*o.OutputKey] = *o.OutputValue
	}
	pages := cloudformation.NewListStackResourcesPaginator(s.formation, &cloudformation.ListStackResourcesInput{StackName: &s.name})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.StackResourceSummaries {
			s.ids[*r.LogicalResourceId] = aws.ToString(r.PhysicalResourceId)
		}
	}
	return string(described.Stacks[0].StackStatus)
}

// id is the physical id of a resource.
func (s *stack) id(t *testing.T, logical string) string {
	t.Helper()
	id := s.ids[logical]
	if id == "" {
		t.Fatalf("the stack has no resource %s", logical)
	}
	return id
}

// asset finds the zip file that a function was made of in the bucket of the bootstrap stack, holds the executable in it equal
// to the one that was built, and the function's code equal to the zip file.
func (s *stack) asset(t *testing.T, e *emulator, logical, executable string) (key string, size int) {
	t.Helper()
	var parsed struct {
		Resources map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(s.template(t)), &parsed); err != nil {
		t.Fatal(err)
	}
	var resource struct {
		Properties struct{ Code struct{ S3Key string } }
	}
	if err := json.Unmarshal(parsed.Resources[logical], &resource); err != nil {
		t.Fatal(err)
	}
	key = resource.Properties.Code.S3Key
	archive, err := e.object(t.Context(), fmt.Sprintf("cdk-hnb659fds-assets-%s-%s", account, region), key)
	if err != nil {
		t.Fatalf("asset %q of %s: %v", key, logical, err)
	}
	packed, err := bootstrapOf(archive)
	if err != nil {
		t.Fatalf("asset %q of %s: %v", key, logical, err)
	}
	built, err := os.ReadFile(executable)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(packed, built) {
		t.Errorf("asset %q of %s is another executable than the one that was built", key, logical)
	}
	function, err := s.functions.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String(s.id(t, logical))})
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(archive)
	if want := base64.StdEncoding.EncodeToString(sum[:]); aws.ToString(function.CodeSha256) != want {
		t.Errorf("%s runs code with SHA-256 %s, the asset has %s", logical, aws.ToString(function.CodeSha256), want)
	}
	return key, len(archive)
}

func bootstrapOf(archive []byte) ([]byte, error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, err
	}
	for _, f := range r.File {
		if f.Name == "bootstrap" {
			c, err := f.Open()
			if err != nil {
				return nil, err
			}
			defer func() { _ = c.Close() }()
			return io.ReadAll(c)
		}
	}
	return nil, errors.New("there is no bootstrap in it")
}

// item reads an item of a table, nil if there is none.
func (s *stack) item(t *testing.T, table string, key map[string]dynamodbtypes.AttributeValue) map[string]dynamodbtypes.AttributeValue {
	t.Helper()
	got, err := s.tables.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: key, ConsistentRead: aws.Bool(true)})
	if err != nil {
		t.Fatal(err)
	}
	return got.Item
}

// eventually waits until ok says so.
func eventually(t *testing.T, e *emulator, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s\n--- the emulator's last lines\n%s", what, e.lastLines(40))
		}
		time.Sleep(100 * time.Millisecond)
	}
}
