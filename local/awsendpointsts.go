package local

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// session is a role that somebody assumed.
type session struct {
	role, name  string
	expires     time.Time
	credentials aws.Credentials
}

// callTokens is AWS STS. Who may assume a role is for the bus to decide, by the role's trust policy.
func (s *Stack) callTokens(c api.Call) ([]byte, error) {
	switch c.Action {
	case "AssumeRole":
		return s.assumeRole(c.Input)
	case "GetCallerIdentity":
		var in struct{ AccessKey string }
		if err := json.Unmarshal(c.Input, &in); err != nil {
			return nil, api.Errorf("ValidationError", "%s", err.Error())
		}
		arn, id := s.whoIs(c.Caller, in.AccessKey)
		return json.Marshal(map[string]string{"Account": s.opts.AccountID, "Arn": arn, "UserId": id})
	}
	return nil, fmt.Errorf("sts: action %s is not simulated", c.Action)
}

// accessKeyInput is the input of GetCallerIdentity, whose answer depends on the session that signs.
func accessKeyInput(key string) []byte {
	b, err := json.Marshal(map[string]string{"AccessKey": key})
	if err != nil {
		panic(err) // a text
	}
	return b
}

// whoIs is what GetCallerIdentity tells: the ARN and the unique id of a caller.
func (s *Stack) whoIs(caller, accessKey string) (arn, id string) {
	switch {
	case caller == "":
		return "arn:aws:iam::" + s.opts.AccountID + ":root", s.opts.AccountID
	case !strings.Contains(caller, ":role/"):
		return caller, accessKey
	}
	name := "local" // of the session that a service has, which nobody can see
	if assumed, ok := s.endpoint.sessions[accessKey]; ok {
		name = assumed.name
	}
	return s.assumedRole(caller, name)
}

func (s *Stack) assumedRole(role, sessionName string) (arn, id string) {
	name := role[strings.LastIndexByte(role, '/')+1:]
	logicalID := s.names.logicalID(role)
	return "arn:aws:sts::" + s.opts.AccountID + ":assumed-role/" + name + "/" + sessionName, "AROA" + logicalID + ":" + sessionName
}

var sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)

// assumeRole gives out credentials of a role of the template.
//
// Source: STS API reference, AssumeRole: names of 2 to 64 characters, 900 to 43,200 seconds, one hour by default.
func (s *Stack) assumeRole(input []byte) ([]byte, error) {
	in := struct {
		RoleArn, RoleSessionName string
		DurationSeconds          int
	}{DurationSeconds: 3600}
	if err := json.Unmarshal(input, &in); err != nil {
		return nil, api.Errorf("ValidationError", "%s", err.Error())
	}
	if !sessionName.MatchString(in.RoleSessionName) {
		return nil, api.Errorf("ValidationError", "1 validation error detected: Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*, with 2 to 64 characters", in.RoleSessionName)
	}
	if in.DurationSeconds < 900 || in.DurationSeconds > 43_200 {
		return nil, api.Errorf("ValidationError", "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between 900 and 43200", in.DurationSeconds)
	}
	if !s.isRole(in.RoleArn) {
		return nil, &api.Error{Code: "AccessDenied", Status: 403, Message: "User is not authorized to perform: sts:AssumeRole on resource: " + in.RoleArn +
			": the template has no such role"}
	}
	now := s.kernel.Now()
	expires := now.Add(time.Duration(in.DurationSeconds) * time.Second).Truncate(time.Second)
	of := in.RoleArn + "\n" + in.RoleSessionName + "\n" + expires.Format(time.RFC3339)
	assumed := session{role: in.RoleArn, name: in.RoleSessionName, expires: expires, credentials: aws.Credentials{
		AccessKeyID: s.accessKey("ASIA", of), SecretAccessKey: s.secretKey(of),
		SessionToken: base64.StdEncoding.EncodeToString([]byte("local:" + of)), CanExpire: true, Expires: expires, Source: "local",
	}}
	for key, old := range s.endpoint.sessions {
		if !now.Before(old.expires) {
			delete(s.endpoint.sessions, key)
		}
	}
	if s.endpoint.sessions == nil {
		s.endpoint.sessions = map[string]session{}
	}
	s.endpoint.sessions[assumed.credentials.AccessKeyID] = assumed
	arn, id := s.assumedRole(in.RoleArn, in.RoleSessionName)
	return json.Marshal(map[string]any{
		"AssumedRoleUser": map[string]string{"Arn": arn, "AssumedRoleId": id},
		"Credentials": map[string]string{
			"AccessKeyId": assumed.credentials.AccessKeyID, "SecretAccessKey": assumed.credentials.SecretAccessKey,
			"SessionToken": assumed.credentials.SessionToken, "Expiration": expires.UTC().Format(time.RFC3339),
		},
	})
}

// isRole reports whether the template has a role with an ARN.
func (s *Stack) isRole(arn string) bool {
	id := s.names.logicalID(arn)
	typ, _ := s.names.template.Type(id)
	own, err := s.names.getAtt(id, "AWS::IAM::Role", "Arn")
	return typ == "AWS::IAM::Role" && err == nil && own == arn
}
