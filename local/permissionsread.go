package local

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/orderflow-cdk/orderflow/internal/iam"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
)

// newPolicies reads the policies of a template. The error names the resource and what is wrong with it.
func newPolicies(s *Stack, resources []*cfn.Resource) (*policies, error) {
	p := &policies{
		stack: s, roles: map[string]*role{}, resources: map[string][]*iam.Document{}, keys: map[string]string{}, groups: map[string]logGroup{},
		decided: map[question]decision{}, used: map[usage]map[string]struct{}{}, denied: map[question]*Denial{},
	}
	managed := map[string]attachment{}
	var errs []error
	for _, pass := range []func(*cfn.Resource) error{
		func(r *cfn.Resource) error { return p.readManaged(r, managed) },
		func(r *cfn.Resource) error { return p.readRole(r, managed) },
		func(r *cfn.Resource) error { return p.readAttached(r, managed) },
		p.readOfResource,
		p.readKeyOf,
	} {
		for _, r := range resources {
			if err := pass(r); err != nil {
				errs = append(errs, named(r, err))
			}
		}
	}
	slices.SortFunc(p.sorted, func(a, b *role) int { return cmp.Compare(a.id, b.id) })
	return p, errors.Join(errs...)
}

// parse reads a document and checks that this package knows the condition keys that it asks for.
func (p *policies) parse(name string, document any) (*iam.Document, error) {
	d, err := iam.Parse(name, document)
	if err != nil {
		return nil, err
	}
	for _, key := range d.Keys() {
		if !knownKey(key) {
			return nil, fmt.Errorf("%s: the condition key %s is not simulated", name, key)
		}
	}
	return d, nil
}

// knownKey reports whether requests have a condition key where AWS gives it to them.
func knownKey(key string) bool {
	switch key {
	case "aws:securetransport", "aws:currenttime", "aws:epochtime", "aws:requestedregion", "aws:sourcearn", "aws:sourceaccount", "aws:principalarn",
		"aws:principalaccount", "aws:principaltype", "aws:username", "aws:principalisawsservice", "aws:principalservicename", "aws:viaawsservice",
		"aws:resourceaccount", "dynamodb:leadingkeys", "dynamodb:attributes", "dynamodb:select", "dynamodb:returnvalues", "dynamodb:enclosingoperation",
		"kms:viaservice", "kms:calleraccount", "secretsmanager:secretid", "secretsmanager:versionstage", "secretsmanager:versionid",
		"sns:protocol", "sns:endpoint", "lambda:functionarn":
		return true
	}
	return false
}

func (p *policies) readManaged(r *cfn.Resource, managed map[string]attachment) error {
	if r.Type != "AWS::IAM::ManagedPolicy" {
		return nil
	}
	var props struct{ PolicyDocument any }
	if err := json.Unmarshal(r.Properties, &props); err != nil {
		return err
	}
	d, err := p.parse(r.LogicalID, props.PolicyDocument)
	if err != nil {
		return err
	}
	ref, err := p.stack.names.ref(r.LogicalID, r.Type)
	managed[ref] = attachment{r.LogicalID, d}
	return err
}

func (p *policies) readRole(r *cfn.Resource, managed map[string]attachment) error {
	if r.Type != "AWS::IAM::Role" {
		return nil
	}
	if len(r.Properties) == 0 {
		// CloudFormation would refuse it; as a stand-in for a role that is made elsewhere it is of use.
		p.stack.notes = append(p.stack.notes, r.LogicalID+" (AWS::IAM::Role): it has no properties: everything is allowed to it")
		return nil
	}
	var props struct {
		AssumeRolePolicyDocument any
		ManagedPolicyArns        []string
		PermissionsBoundary      string
		Policies                 []struct {
			PolicyName     string
			PolicyDocument any
		}
	}
	if err := json.Unmarshal(r.Properties, &props); err != nil {
		return err
	}
	if props.PermissionsBoundary != "" {
		return errors.New("PermissionsBoundary is not simulated")
	}
	arn, err := p.stack.names.getAtt(r.LogicalID, r.Type, "Arn")
	if err != nil {
		return err
	}
	made := &role{id: r.LogicalID, arn: arn}
	if made.trust, err = p.parse(r.LogicalID+" AssumeRolePolicyDocument", props.AssumeRolePolicyDocument); err != nil {
		return err
	}
	for _, inline := range props.Policies {
		d, err := p.parse(r.LogicalID+" "+inline.PolicyName, inline.PolicyDocument)
		if err != nil {
			return err
		}
		made.attach(attachment{r.LogicalID, d})
	}
	for _, a := range props.ManagedPolicyArns {
		own, ok := managed[a]
		if !ok {
			d, known := iam.ManagedPolicy(a)
			if !known {
				return fmt.Errorf("ManagedPolicyArns: the policy %s is not known here", a)
			}
			_, name, _ := strings.Cut(a, ":policy/")
			own = attachment{awsManaged + name, d}
		}
		made.attach(own)
	}
	p.roles[arn] = made
	p.sorted = append(p.sorted, made)
	return nil
}

// awsManaged is before the names of the policies that AWS manages.
const awsManaged = "aws:policy/"

func (r *role) attach(a attachment) {
	r.grants = append(r.grants, a)
	r.identity = append(r.identity, a.document)
}

func (p *policies) readAttached(r *cfn.Resource, managed map[string]attachment) error {
	if r.Type != "AWS::IAM::Policy" && r.Type != "AWS::IAM::ManagedPolicy" {
		return nil
	}
	var props struct {
		PolicyDocument any
		Roles          []string
	}
	if err := json.Unmarshal(r.Properties, &props); err != nil {
		return err
	}
	a := attachment{id: r.LogicalID}
	var err error
	if r.Type == "AWS::IAM::ManagedPolicy" {
		ref, _ := p.stack.names.ref(r.LogicalID, r.Type) // it was found by this before
		a = managed[ref]
	} else if a.document, err = p.parse(r.LogicalID, props.PolicyDocument); err != nil {
		return err
	}
	for _, role := range p.roles {
		if slices.Contains(props.Roles, p.stack.names.physical(role.id)) {
			role.attach(a)
		}
	}
	return nil
}

// readOfResource reads the policies of what is asked for.
func (p *policies) readOfResource(r *cfn.Resource) error {
	var props struct {
		PolicyDocument, KeyPolicy, ResourcePolicy any
		Queues, Topics                            []string
		SecretID                                  string `json:"SecretId"`
		LogGroupName                              string
	}
	switch r.Type {
	case "AWS::Lambda::Permission":
		return p.readPermission(r)
	case "AWS::SQS::QueuePolicy", "AWS::SNS::TopicPolicy", "AWS::KMS::Key", "AWS::SecretsManager::ResourcePolicy", "AWS::Logs::LogGroup":
	default:
		return nil
	}
	if len(r.Properties) > 0 {
		if err := json.Unmarshal(r.Properties, &props); err != nil {
			return err
		}
	}
	switch r.Type {
	case "AWS::SQS::QueuePolicy":
		var arns []string
		for _, url := range props.Queues {
			arns = append(arns, p.stack.names.arn("sqs", url[strings.LastIndex(url, "/")+1:]))
		}
		return p.add(r.LogicalID, props.PolicyDocument, arns...)
	case "AWS::SNS::TopicPolicy":
		return p.add(r.LogicalID, props.PolicyDocument, props.Topics...)
	case "AWS::SecretsManager::ResourcePolicy":
		return p.add(r.LogicalID, props.ResourcePolicy, props.SecretID)
	}
	arn, err := p.stack.names.getAtt(r.LogicalID, r.Type, "Arn")
	if err != nil {
		return err
	}
	if r.Type == "AWS::Logs::LogGroup" {
		name := cmp.Or(props.LogGroupName, p.stack.names.physical(r.LogicalID))
		p.groups[name] = logGroup{r.LogicalID, strings.TrimSuffix(arn, ":*")}
		return nil
	}
	return p.add(r.LogicalID, props.KeyPolicy, arn)
}

// readPermission reads a statement of a function's policy (Lambda API reference, AddPermission).
func (p *policies) readPermission(r *cfn.Resource) error {
	var props struct{ Action, FunctionName, Principal, SourceArn, SourceAccount, EventSourceToken, FunctionUrlAuthType, PrincipalOrgID string }
	if err := json.Unmarshal(r.Properties, &props); err != nil {
		return err
	}
	if other := props.EventSourceToken + props.FunctionUrlAuthType + props.PrincipalOrgID; other != "" {
		return errors.New("EventSourceToken, FunctionUrlAuthType and PrincipalOrgID are not simulated")
	}
	// A permission of an alias is for those who name the alias, and no others; one without a qualifier for those who name none
	// (Lambda Developer Guide, "Using Lambda aliases in event sources and permissions policies").
	arn := p.functionARN(props.FunctionName)
	if q := qualifierOf(nil, props.FunctionName); q != "" {
		arn += ":" + q
	}
	kind := "AWS"
	if strings.HasSuffix(props.Principal, ".amazonaws.com") {
		kind = "Service"
	}
	statement := map[string]any{"Effect": "Allow", "Action": props.Action, "Resource": arn, "Principal": map[string]any{kind: props.Principal}}
	condition := map[string]any{}
	if props.SourceArn != "" {
		condition["ArnLike"] = map[string]any{"aws:SourceArn": props.SourceArn}
	}
	if props.SourceAccount != "" {
		condition["StringEquals"] = map[string]any{"aws:SourceAccount": props.SourceAccount}
	}
	if len(condition) > 0 {
		statement["Condition"] = condition
	}
	return p.add(r.LogicalID, map[string]any{"Version": "2012-10-17", "Statement": statement}, arn)
}

func (p *policies) add(id string, document any, arns ...string) error {
	if document == nil {
		return nil
	}
	d, err := p.parse(id, document)
	if err != nil {
		return err
	}
	p.attached = append(p.attached, attachment{id, d})
	for _, arn := range arns {
		p.resources[arn] = append(p.resources[arn], d)
	}
	return nil
}

// readKeyOf reads with which key of the account's own a resource is encrypted.
func (p *policies) readKeyOf(r *cfn.Resource) error {
	var props struct {
		KmsMasterKeyID   string `json:"KmsMasterKeyId"`
		KmsKeyID         string `json:"KmsKeyId"`
		SSESpecification struct {
			KMSMasterKeyID string `json:"KMSMasterKeyId"`
		}
	}
	var (
		arn string
		err error
	)
	switch r.Type {
	case "AWS::SQS::Queue", "AWS::DynamoDB::Table":
		arn, err = p.stack.names.getAtt(r.LogicalID, r.Type, "Arn")
	case "AWS::SNS::Topic", "AWS::SecretsManager::Secret":
		arn, err = p.stack.names.ref(r.LogicalID, r.Type)
	default:
		return nil
	}
	if err != nil || len(r.Properties) == 0 {
		return err
	}
	if err := json.Unmarshal(r.Properties, &props); err != nil {
		return err
	}
	key := cmp.Or(props.KmsMasterKeyID, props.KmsKeyID, props.SSESpecification.KMSMasterKeyID)
	if key == "" || strings.Contains(key, "alias/aws/") {
		return nil // keys that AWS manages are for whoever may use the resource
	}
	if !strings.HasPrefix(key, "arn:") {
		key = p.stack.names.arn("kms", "key/"+key)
	}
	p.keys[arn] = key
	return nil
}
