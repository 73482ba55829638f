// Package document is the conversion of documents: what a request is, and the Lambda functions
// that work on one. It knows nothing of the CDK.
package document

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
)

// Statuses of a document, in their order; then the ends that are not the last step's.
const (
	Received  = "RECEIVED"
	Fetched   = "FETCHED"
	Converted = "CONVERTED"
	Stored    = "STORED"

	Refused   = "REFUSED"
	Failed    = "FAILED"
	Cancelled = "CANCELLED"
)

// Formats are what a document can be converted to.
var Formats = []string{"html", "pdf", "text"}

// Request is the body of POST /documents.
type Request struct {
	// Source is where the document is: an https URL.
	Source string `json:"source"`
	// Format is one of Formats.
	Format string `json:"format"`
}

// Schema is a Request in JSON Schema draft 4: what the gateway checks before anything is queued.
func Schema() string {
	b, err := json.Marshal(map[string]any{
		"$schema":  "http://json-schema.org/draft-04/schema#",
		"type":     "object",
		"required": []string{"source", "format"},
		"properties": map[string]any{
			"source": map[string]any{"type": "string", "pattern": "^https://", "maxLength": 2000},
			"format": map[string]any{"enum": Formats},
		},
		"additionalProperties": false,
	})
	if err != nil {
		panic(err) // not with these
	}
	return string(b)
}

// Parse reads a Request, and checks what a schema cannot.
func Parse(body []byte) (Request, error) {
	var r Request
	if err := json.Unmarshal(body, &r); err != nil {
		return r, fmt.Errorf("the body is no request: %w", err)
	}
	if u, err := url.Parse(r.Source); err != nil || u.Scheme != "https" || u.Hostname() == "" {
		return r, fmt.Errorf("source is no https URL")
	}
	if !slices.Contains(Formats, r.Format) {
		return r, fmt.Errorf("format is none of %v", Formats)
	}
	return r, nil
}

// Job is what a step of the workflow is invoked with: package orderworkflow says so.
type Job struct {
	Key     string  `json:"pk"`
	ID      string  `json:"orderId"`
	Request Request `json:"order"`
	Step    string  `json:"step"`
	Results struct {
		Convert *Conversion
	} `json:"results"`
}

// Conversion is what the converter reports back.
type Conversion struct {
	Pages   int    `json:"pages"`
	Content string `json:"content"`
}

// Env is everything that differs between Lambda and a test.
type Env struct {
	Getenv func(string) string
	AWS    aws.Config
	HTTP   *http.Client
	Now    func() time.Time
	Log    io.Writer
}

// Variables of the functions' environments.
const (
	TableName  = "TABLE_NAME"        // of the documents' records
	MachineARN = "STATE_MACHINE_ARN" // of their workflow
	FilesName  = "FILES_TABLE_NAME"  // of what was fetched and converted
)

// Functions are all functions, by the name of their folder under functions/, which is the
// Handler property of their resource too.
func Functions() map[string]func(Env) lambda.Handler {
	return map[string]func(Env) lambda.Handler{
		"intake": NewIntake, "fetch": NewFetch, "store": NewStore, "discard": NewDiscard,
	}
}
