package local

import (
	"strconv"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/internal/iam"
	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsync"
)

// Permissions says what a template's policies mean for a run.
type Permissions string

const (
	// PermissionsEnforced refuses what the template's policies do not allow, as AWS does. It is the default.
	PermissionsEnforced Permissions = "enforced"
	// PermissionsOff allows everything.
	PermissionsOff Permissions = "off"
)

// policies are those of a template, and what has been decided by them.
type policies struct {
	stack *Stack
	roles map[string]*role // by ARN
	// sorted are the roles by logical id.
	sorted []*role
	// resources are the policies of queues, topics, functions, secrets and keys, by ARN.
	resources map[string][]*iam.Document
	attached  []attachment        // the same, in the order of the template
	keys      map[string]string   // the KMS key's ARN of a queue, topic, table or secret, by ARN
	groups    map[string]logGroup // the log groups of the template, by their names
	decided   map[question]decision
	used      map[usage]map[string]struct{} // what each part of a statement was used for
	denials   []*Denial
	denied    map[question]*Denial
}

// attachment is a policy of a resource.
type attachment struct {
	id       string // of the resource that declares it
	document *iam.Document
}

// logGroup is a log group of the template.
type logGroup struct{ id, arn string }

// idOf is the logical id of what an ARN names, or the ARN.
func (p *policies) idOf(arn string) string {
	if _, name, ok := strings.Cut(arn, ":log-group:"); ok {
		name, _, _ = strings.Cut(name, ":")
		if g, ok := p.groups[name]; ok {
			return g.id
		}
	}
	return p.stack.names.logicalID(arn)
}

// role is a role of the template.
type role struct {
	id, arn string
	trust   *iam.Document
	grants  []attachment // identity policies; the id of an AWS-managed one is its name
	// identity are the documents of grants.
	identity []*iam.Document
}

// question is what decisions are remembered by.
type question struct {
	caller, via, principal, source, action, resource string
}

type decision struct {
	allowed bool
	reason  string
	kind    policyKind
}

// policyKind is where a permission can come from.
type policyKind string

const (
	ofIdentity policyKind = "identity"
	ofResource policyKind = "resource"
	ofTrust    policyKind = "trust"
)

// usage is a part of a statement.
type usage struct {
	statement        *iam.Statement
	action, resource string // as the statement has them
}

// authorize says whether a call may be made; the refusal is as the service makes it.
func (p *policies) authorize(c api.Call) *api.Error {
	if c.Caller == "" && c.Principal == "" && len(p.resources) == 0 {
		return nil
	}
	if c.Via != "" {
		if own := p.roles[c.Caller]; own != nil {
			if d := p.assumes(own, &c); !d.allowed {
				return p.refusal(&c, need{action: assumeRole, resource: own.arn}, d)
			}
		}
	}
	for _, n := range p.needs(&c) {
		if d := p.decide(&c, n); !d.allowed {
			return p.refusal(&c, n, d)
		}
	}
	return nil
}

// may is authorize for what a service does without a call.
func (p *policies) may(c api.Call) error {
	if refused := p.authorize(c); refused != nil {
		return refused
	}
	return nil
}

// decide says whether a caller may do something, and remembers what it used and what it lacked.
func (p *policies) decide(c *api.Call, n need) decision {
	q := question{c.Caller, c.Via, c.Principal, c.SourceARN, n.action, n.resource}
	known, ok := p.decided[q]
	if !ok {
		var again bool
		if known, again = p.find(c, n); !again {
			p.decided[q] = known
		}
	}
	if !known.allowed {
		p.deny(q, known)
	}
	return known
}

// find decides by the policies; again says that another request has to be decided anew.
func (p *policies) find(c *api.Call, n need) (d decision, again bool) {
	if free(c, n) {
		return decision{allowed: true}, false
	}
	request := iam.Request{
		Principal: iam.Principal{ARN: c.Caller, Service: c.Principal, Account: p.stack.opts.AccountID, Root: c.Caller == "" && c.Principal == ""},
		Action:    n.action, Resource: n.resource, Context: p.context(c, n), Lookup: p.lookup(n),
	}
	var identity []*iam.Document
	if c.Principal == "" && c.Caller != "" {
		own := p.roles[c.Caller]
		if own == nil { // a user, or a role that is not of the template: what it may do is not known
			request.Principal.Root = true
		} else {
			identity = own.identity
		}
	}
	policy := n.resource
	if n.policyOf != "" {
		policy = n.policyOf
	}
	found := iam.Decide(request, identity, p.resources[policy])
	d = decision{allowed: found.Allowed, kind: ofIdentity}
	if c.Principal != "" || isKey(n.resource) && !found.Delegated && found.By == nil {
		d.kind = ofResource
	}
	switch {
	case found.Allowed && found.By != nil:
		p.use(found.By, &request)
		// A key's policy decides alone, unless it leaves it to the account (KMS Developer Guide, "Default key policy").
		if isKey(n.resource) && !request.Principal.Root && found.By.Principals == nil && !found.Delegated {
			d = decision{kind: ofResource, reason: "because no resource-based policy allows the " + n.action + " action"}
		}
	case found.Allowed:
	case found.By != nil:
		d.reason = "with an explicit deny in a" + map[bool]string{true: "n identity", false: " resource"}[found.By.Principals == nil && found.By.NotPrincipals == nil] +
			"-based policy"
	default:
		d.reason = "because no " + string(d.kind) + "-based policy allows the " + n.action + " action"
	}
	return d, found.Conditional
}

// isKey reports whether an ARN is a KMS key's.
func isKey(arn string) bool { return strings.HasPrefix(arn, "arn:aws:kms:") }

// free reports whether AWS itself allows something: services write to log groups that they were given by
// policies that they make themselves.
func free(c *api.Call, n need) bool {
	return strings.HasPrefix(n.action, "logs:") && (c.Principal == "delivery.logs.amazonaws.com" || c.Principal == "apigateway.amazonaws.com")
}

const assumeRole = "sts:AssumeRole"

// assumes says whether the service that uses a role may.
func (p *policies) assumes(r *role, c *api.Call) decision {
	q := question{caller: r.arn, principal: c.Via, source: c.SourceARN, action: assumeRole, resource: r.arn}
	known, ok := p.decided[q]
	if !ok {
		service := api.Call{Principal: c.Via, SourceARN: c.SourceARN}
		request := iam.Request{
			Principal: iam.Principal{Service: c.Via, Account: p.stack.opts.AccountID}, Action: assumeRole, Resource: r.arn,
			Context: p.context(&service, need{action: assumeRole, resource: r.arn}), Lookup: p.lookup(need{}),
		}
		found := iam.Decide(request, nil, []*iam.Document{r.trust})
		known = decision{allowed: found.Allowed, kind: ofTrust}
		if found.Allowed {
			p.use(found.By, &request)
		} else {
			known.reason = "because no trust policy allows " + c.Via + " the " + assumeRole + " action"
		}
		if !found.Conditional {
			p.decided[q] = known
		}
	}
	if !known.allowed {
		p.deny(q, known)
	}
	return known
}

// use remembers what a statement was used for.
func (p *policies) use(s *iam.Statement, r *iam.Request) {
	action, resource := s.Allows(r)
	u := usage{s, action, resource}
	if p.used[u] == nil {
		p.used[u] = map[string]struct{}{}
	}
	p.used[u][r.Action+" "+r.Resource] = struct{}{}
}

// context are the condition keys that do not change from one call to the next.
func (p *policies) context(c *api.Call, n need) map[string][]string {
	account := []string{p.stack.opts.AccountID}
	context := map[string][]string{
		// Who is not the stack itself comes over the loopback interface, which is as good.
		"aws:securetransport": {"true"}, "aws:requestedregion": {p.stack.opts.Region}, "aws:resourceaccount": account,
		"aws:viaawsservice": {"false"}, "aws:principalisawsservice": {"false"},
	}
	if c.SourceARN != "" {
		context["aws:sourcearn"], context["aws:sourceaccount"] = []string{c.SourceARN}, account
	}
	switch {
	case c.Principal != "":
		context["aws:principalisawsservice"], context["aws:principalservicename"] = []string{"true"}, []string{c.Principal}
		context["aws:sourceaccount"] = account
	case c.Caller == "":
		context["aws:principalaccount"], context["aws:principaltype"] = account, []string{"Account"}
		context["aws:principalarn"] = []string{"arn:aws:iam::" + p.stack.opts.AccountID + ":root"}
	default:
		context["aws:principalaccount"], context["aws:principalarn"] = account, []string{c.Caller}
		context["aws:principaltype"] = []string{"AssumedRole"}
		if strings.Contains(c.Caller, ":user/") {
			context["aws:principaltype"], context["aws:username"] = []string{"User"}, []string{c.Caller[strings.LastIndex(c.Caller, "/")+1:]}
		}
	}
	for k, v := range n.context {
		context[k] = v
	}
	return context
}

// lookup returns the condition keys that change.
func (p *policies) lookup(n need) func(string) []string {
	return func(key string) []string {
		switch now := p.stack.kernel.Now(); key {
		case "aws:currenttime":
			return []string{now.UTC().Format(time.RFC3339)}
		case "aws:epochtime":
			return []string{strconv.FormatInt(now.Unix(), 10)}
		}
		if n.lookup != nil {
			return n.lookup(key)
		}
		return nil
	}
}

// allowGraphQL says whether a caller may call a field of a GraphQL API.
func (p *policies) allowGraphQL(caller *appsync.IAMIdentity, fieldARN string) bool {
	arn := caller.UserARN
	if name, ok := strings.CutPrefix(arn, "arn:aws:sts::"+p.stack.opts.AccountID+":assumed-role/"); ok {
		name, _, _ = strings.Cut(name, "/")
		arn = "arn:aws:iam::" + p.stack.opts.AccountID + ":role/" + name
	}
	if strings.HasSuffix(arn, ":root") {
		arn = ""
	}
	c := api.Call{Service: "appsync", Action: "GraphQL", Caller: arn}
	if own := p.roles[arn]; own != nil {
		c.Via = p.usual(own)
		if c.Via != "" && !p.assumes(own, &c).allowed {
			return false
		}
	}
	return p.decide(&c, need{action: "appsync:GraphQL", resource: fieldARN}).allowed
}

// usual is the service that has a role's credentials, where a request tells the role alone: Lambda, for its functions.
func (p *policies) usual(r *role) string {
	for _, f := range p.stack.functions.Functions() {
		if f.Role() == r.arn {
			return "lambda.amazonaws.com"
		}
	}
	return ""
}

// allowGraphQL is that of the policies, if they are enforced.
func (s *Stack) allowGraphQL(caller *appsync.IAMIdentity, fieldARN string) bool {
	return s.policies == nil || s.policies.allowGraphQL(caller, fieldARN)
}
