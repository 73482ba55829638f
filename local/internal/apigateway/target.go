package apigateway

import (
	"fmt"
	"strings"
)

// target is what an AWS integration's Uri names.
type target struct {
	region, service string
	action          string // of "…:action/{Action}"
	path            string // of "…:path/{path}"
	lambda          string // function ARN of an invocation
}

const lambdaPath = "2015-03-31/functions/"

// parseTarget reads "arn:aws:apigateway:{region}:{service}:{path|action}/…".
func parseTarget(uri string) (target, error) {
	parts := strings.SplitN(uri, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" || parts[2] != "apigateway" {
		return target{}, fmt.Errorf("%q is no ARN of the form arn:aws:apigateway:{region}:{service}:{path|action}/{…}", uri)
	}
	t := target{region: parts[3], service: parts[4]}
	kind, rest, _ := strings.Cut(parts[5], "/")
	switch kind {
	case "action":
		t.action = rest
		if rest == "" {
			return t, fmt.Errorf("%q names no action", uri)
		}
	case "path":
		t.path = strings.TrimPrefix(rest, "/")
	default:
		return t, fmt.Errorf("%q: AWS ARN for integration must contain path or action", uri)
	}
	if t.service == "lambda" {
		function, ok := strings.CutPrefix(t.path, lambdaPath)
		function, end := strings.CutSuffix(function, "/invocations")
		if !ok || !end {
			return t, fmt.Errorf("%q is no invocation of a function", uri)
		}
		t.lambda = function
	}
	return t, nil
}

func functionOfURI(uri string) (string, error) {
	t, err := parseTarget(uri)
	if err == nil && t.lambda == "" {
		err = fmt.Errorf("%q is no invocation of a function", uri)
	}
	return t.lambda, err
}

func (b *builder) targetOf(id, typ string, p *integrationProps, in *integration) {
	t, err := parseTarget(p.Uri)
	if err != nil {
		b.Errorf(id, typ, "Integration.Uri: %v", err)
		return
	}
	in.target = t
	switch {
	case p.IntegrationHttpMethod == "":
		b.Errorf(id, typ, "Integration.IntegrationHttpMethod is missing")
	case (t.lambda != "" || t.action != "" || t.service == "sqs") && p.IntegrationHttpMethod != "POST":
		b.Errorf(id, typ, "Integration.IntegrationHttpMethod must be POST for %s, got %s: AWS would answer every request with an error", t.service, p.IntegrationHttpMethod)
	}
	if in.kind == "AWS_PROXY" && t.lambda == "" {
		b.Errorf(id, typ, "Integrations of type AWS_PROXY are simulated for Lambda functions only, not for %s", t.service)
		return
	}
	if t.lambda != "" {
		return
	}
	if in.credentials == "" {
		b.Errorf(id, typ, "Integration.Credentials is missing: %s needs a role", t.service)
	}
	if t.action == "" && t.service != "sqs" {
		b.Errorf(id, typ, "Integration.Uri: paths are simulated for sqs and lambda only, not for %s", t.service)
	}
	if t.service == "sqs" && t.action == "" && strings.Count(t.path, "/") != 1 {
		b.Errorf(id, typ, "Integration.Uri: an sqs path must be {account}/{queue}, got %q", t.path)
	}
	switch t.service {
	case "sqs", "sns", "dynamodb", "states", "secretsmanager", "events", "kinesis", "firehose", "lambda":
	default:
		b.Errorf(id, typ, "Integration.Uri: the service %s is not simulated", t.service)
	}
}

// fill puts path parameters into "{name}" and stage variables into
// "${stageVariables.name}".
func (c *call) fill(s string, path map[string]string) string {
	if !strings.ContainsAny(s, "{$") {
		return s
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '{')
		if i < 0 {
			b.WriteString(s)
			return b.String()
		}
		j := strings.IndexByte(s[i:], '}')
		if j < 0 {
			b.WriteString(s)
			return b.String()
		}
		name, before := s[i+1:i+j], s[:i]
		if sv, ok := strings.CutPrefix(name, "stageVariables."); ok && strings.HasSuffix(before, "$") {
			b.WriteString(before[:len(before)-1])
			v, _ := c.stage.variable(sv)
			b.WriteString(v)
		} else {
			b.WriteString(before)
			b.WriteString(path[name])
		}
		s = s[i+j+1:]
	}
}
