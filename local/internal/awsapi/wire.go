package awsapi

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/sns"
	"github.com/orderflow-cdk/orderflow/local/internal/sqs"
)

// Wire is the protocol in which a call came, and in which it is answered.
type Wire struct {
	protocol protocol
	service  string
	prefix   func(code string) string // of an error's type in JSON
	mime     string                   // of JSON
}

type protocol uint8

const (
	awsJSON protocol = iota
	query
	ec2Query
	restJSON
	restXML
	cbor
)

// targets are the services by the prefix of X-Amz-Target, with the prefix of their error's types.
var targets = map[string]Wire{
	"DynamoDB_20120810":        {service: "dynamodb", prefix: always("com.amazonaws.dynamodb.v20120810#")},
	"DynamoDBStreams_20120810": {service: "dynamodb", prefix: always("com.amazonaws.dynamodb.v20120810#")},
	"AWSStepFunctions":         {service: "states", prefix: always("com.amazonaws.swf.base.model#")},
	"AmazonSQS":                {service: "sqs", prefix: sqs.TypePrefix},
	"secretsmanager":           {service: "secretsmanager", prefix: always("")},
	"Logs_20140328":            {service: "logs", prefix: always("")},
}

func always(prefix string) func(string) string { return func(string) string { return prefix } }

// versions are the services that speak AWS Query, by the version of their API.
var versions = map[string]string{"2010-03-31": "sns", "2010-05-15": "cloudformation", "2011-06-15": "sts", "2012-11-05": "sqs"}

// Decode reads a call. signedFor is the service that the request is signed for, empty if it is not known. The call is complete only if
// there is no error, but the wire can always answer. An error is an *api.Error.
func Decode(r *http.Request, body []byte, signedFor string) (api.Call, Wire, error) {
	if prefix, action, ok := strings.Cut(r.Header.Get("X-Amz-Target"), "."); ok {
		w, known := targets[prefix]
		if w.mime = "application/x-amz-json-1.0"; strings.HasSuffix(r.Header.Get("Content-Type"), "1.1") {
			w.mime = "application/x-amz-json-1.1"
		}
		if !known {
			w.prefix = always("")
			if signedFor == "" {
				signedFor = prefix
			}
			return api.Call{}, w, refuse(signedFor, action)
		}
		if refused := Refusal(w.service, action); refused != nil {
			return api.Call{Service: w.service, Action: action}, w, refused
		}
		return api.Call{Service: w.service, Action: action, Input: body}, w, nil
	}
	if r.Header.Get("Smithy-Protocol") == "rpc-v2-cbor" {
		return api.Call{}, Wire{protocol: cbor, service: signedFor}, refuse(signedFor, lastPart(r.URL.Path))
	}
	if isForm(r) {
		return decodeForm(r, body, signedFor)
	}
	w := Wire{protocol: restJSON, service: signedFor, prefix: always(""), mime: "application/json"}
	switch {
	case signedFor == "lambda" || strings.HasPrefix(r.URL.Path, "/20") && signedFor == "":
		w.service = "lambda"
		c, err := decodeLambda(r, body)
		return c, w, err
	case signedFor == "appsync" || signedFor == "" && isControlPlane(r.URL.Path): // a function's client in this process signs nothing
		w.service = "appsync"
		c, err := decodeAppSync(r, body)
		return c, w, err
	case signedFor == "s3" || signedFor == "route53" || signedFor == "cloudfront" || signedFor == "s3express":
		w.protocol = restXML
	case signedFor == "":
		return api.Call{}, w, notSimulated("%s %s%s (X-Amz-Target %q)", r.Method, r.Host, r.URL.Path, r.Header.Get("X-Amz-Target"))
	}
	return api.Call{}, w, refuse(signedFor, "")
}

// refuse is the refusal of an action, or of its protocol if the action itself is served.
func refuse(service, action string) error {
	if refused := Refusal(service, action); refused != nil {
		return refused
	}
	return notSimulated("%s of %s in this protocol", action, service)
}

func lastPart(path string) string { return path[strings.LastIndexByte(path, '/')+1:] }

func decodeForm(r *http.Request, body []byte, signedFor string) (api.Call, Wire, error) {
	w := Wire{protocol: query, service: signedFor}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return api.Call{}, w, api.Errorf("MalformedQueryString", "%s", err.Error())
	}
	if service, ok := versions[form.Get("Version")]; ok {
		w.service = service
	}
	action := form.Get("Action")
	if w.service == "ec2" {
		w.protocol = ec2Query
	}
	refused := Refusal(w.service, action)
	if refused != nil {
		return api.Call{}, w, refused
	}
	var in []byte
	switch w.service {
	case "sns":
		action, in, err = sns.DecodeQuery(form)
	case "sqs":
		if path := strings.Trim(r.URL.Path, "/"); path != "" && !form.Has("QueueUrl") {
			form.Set("QueueUrl", "https://"+r.Host+"/"+path)
		}
		action, in, err = sqs.FromQuery(form)
	case "sts":
		in, err = decodeSTS(form)
	case "cloudformation":
		in, err = decodeCloudFormation(form)
	default:
		return api.Call{}, w, notSimulated("%s in the query protocol", w.service)
	}
	if err != nil {
		var e *api.Error
		if !errors.As(err, &e) {
			err = Known(err)
		}
		return api.Call{}, w, err
	}
	return api.Call{Service: w.service, Action: action, Input: in}, w, nil
}
