package local

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
)

// Denial is something that a policy did not allow.
type Denial struct {
	// Time is when it happened last.
	Time time.Time `json:"time"`
	// Who is the logical id of the role that asked, or a service such as "sns.amazonaws.com".
	Who string `json:"who"`
	// Action and Resource are what a statement would have to allow: "sqs:SendMessage", an ARN.
	Action   string `json:"action"`
	Resource string `json:"resource"`
	// On is the logical id of the resource, or its ARN if it is not of the template.
	On string `json:"on"`
	// Reason says which policy lacks it, or that a statement denies it.
	Reason string `json:"reason"`
	// Missing is the statement that would allow it, in JSON for the template; empty if a statement denies it.
	Missing string `json:"missing,omitempty"`
	// Where is where that statement belongs: the role, the role's AssumeRolePolicyDocument, or the policy of the resource.
	Where string `json:"where,omitempty"`
	// Count is how often it happened.
	Count int `json:"count"`
}

// String is a line that names the statement that is missing.
func (d Denial) String() string {
	s := fmt.Sprintf("denied: %s may not %s on %s %s", d.Who, d.Action, d.On, d.Reason)
	if d.Missing != "" {
		s += fmt.Sprintf("; missing in %s: %s", d.Where, d.Missing)
	}
	return s
}

// Denied lists what the template's policies did not allow, in the order in which each first happened.
func (s *Stack) Denied() []Denial {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.denied()
}

func (s *Stack) denied() []Denial {
	if s.world == nil || s.policies == nil {
		return nil
	}
	all := make([]Denial, len(s.policies.denials))
	for i, d := range s.policies.denials {
		all[i] = *d
	}
	return all
}

// deny remembers a denial, and logs the first of its kind.
func (p *policies) deny(q question, why decision) {
	d := p.denied[q]
	if d == nil {
		d = p.newDenial(q, why)
		p.denied[q] = d
		p.denials = append(p.denials, d)
		fmt.Fprintln(p.stack.opts.Logs, d)
	}
	d.Time = p.stack.kernel.Now()
	d.Count++
	if p.stack.watching.Load() {
		p.stack.emit(Event{Time: d.Time, Kind: EventDenied, From: d.Who, To: d.On, Action: d.Action, Err: d.Reason, Detail: d.String()})
	}
}

func (p *policies) newDenial(q question, why decision) *Denial {
	names := p.stack.names
	d := &Denial{Who: q.principal, Action: q.action, Resource: q.resource, On: p.idOf(q.resource), Reason: why.reason}
	if d.Who == "" {
		d.Who = names.logicalID(q.caller)
	}
	if strings.Contains(why.reason, "explicit deny") {
		return d
	}
	statement := &missing{Effect: "Allow", Action: q.action, Resource: p.reference(q.resource)}
	d.Where = d.Who
	switch why.kind {
	case ofTrust:
		statement.Resource = nil
		statement.Principal = map[string]string{"Service": q.principal}
		d.Where = d.On + " AssumeRolePolicyDocument"
	case ofResource:
		if q.principal == "" {
			statement.Principal = map[string]any{"AWS": p.reference(q.caller)}
		} else {
			statement.Principal = map[string]string{"Service": q.principal}
		}
		if q.source != "" {
			statement.Condition = map[string]any{"ArnLike": map[string]any{"aws:SourceArn": p.reference(q.source)}}
		}
		d.Where = "the policy of " + d.On
	}
	b, err := json.Marshal(statement)
	if err != nil {
		panic(err) // texts only
	}
	d.Missing = string(b)
	return d
}

// missing is a statement in the order in which people write them.
type missing struct {
	Effect    string
	Principal any `json:",omitempty"`
	Action    string
	Resource  any `json:",omitempty"`
	Condition any `json:",omitempty"`
}

// reference is how a template names an ARN.
func (p *policies) reference(arn string) any {
	id := p.idOf(arn)
	typ, ok := p.stack.names.template.Type(id)
	switch {
	case !ok:
		return arn
	case typ == "AWS::Logs::LogGroup":
		return map[string][]string{"Fn::GetAtt": {id, "Arn"}}
	}
	if ref, err := p.stack.names.ref(id, typ); err == nil && ref == arn {
		return map[string]string{"Ref": id}
	}
	for _, attribute := range []string{"Arn", "StreamArn"} {
		value, err := p.stack.names.getAtt(id, typ, attribute)
		switch {
		case err != nil:
		case value == arn:
			return map[string][]string{"Fn::GetAtt": {id, attribute}}
		case strings.HasPrefix(arn, value) && attribute == "Arn" && !strings.Contains(arn, "/stream/"):
			return map[string]string{"Fn::Sub": "${" + id + ".Arn}" + arn[len(value):]}
		}
	}
	return arn
}

// refusal is how a service says no.
func (p *policies) refusal(c *api.Call, n need, why decision) *api.Error {
	who := c.Principal
	if who == "" {
		who = c.Caller
		if name, ok := strings.CutPrefix(who, "arn:aws:iam::"+p.stack.opts.AccountID+":role/"); ok {
			// What a session is called is not modelled: it has the role's name.
			name = name[strings.LastIndex(name, "/")+1:]
			who = "arn:aws:sts::" + p.stack.opts.AccountID + ":assumed-role/" + name + "/" + name
		}
	}
	// As messages of the services have it: SQS writes its actions in lower case, SNS its own name in upper case.
	action := n.action
	switch c.Service {
	case "sqs":
		action = strings.ToLower(action)
	case "sns":
		action = strings.Replace(action, "sns:", "SNS:", 1)
	}
	reason := strings.Replace(why.reason, n.action, action, 1)
	e := &api.Error{Code: "AccessDeniedException", Status: http.StatusBadRequest,
		Message: "User: " + who + " is not authorized to perform: " + action + " on resource: " + n.resource + " " + reason}
	if n.action == assumeRole {
		e.Message = c.Via + " is not authorized to assume the role " + n.resource + ": " + why.reason
	}
	switch c.Service {
	case "sqs":
		e.Status = http.StatusForbidden
	case "sns":
		e.Code, e.Status = "AuthorizationError", http.StatusForbidden
	case "cloudformation":
		e.Code, e.Status = "AccessDenied", http.StatusForbidden
	case "lambda", "appsync":
		e.Status = http.StatusForbidden
	}
	if strings.HasPrefix(n.action, "kms:") {
		switch c.Service {
		case "sqs":
			e.Code, e.Status = "KmsAccessDenied", http.StatusBadRequest
		case "sns":
			e.Code, e.Status = "KMSAccessDenied", http.StatusBadRequest
		case "secretsmanager":
			e.Message = "Access to KMS is not allowed"
		}
	}
	return e
}
