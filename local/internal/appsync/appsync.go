package appsync

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/orderflow-cdk/orderflow/local/internal/api"
	"github.com/orderflow-cdk/orderflow/local/internal/appsyncjs"
	"github.com/orderflow-cdk/orderflow/local/internal/cfn"
	"github.com/orderflow-cdk/orderflow/local/internal/sim"
)

// Resource is a CloudFormation resource whose properties hold no intrinsics
// any more. ApiId of every resource is that of its GraphQLApi: the
// logical id, which is also what Fn::GetAtt ApiId should give. The FunctionId
// of a FunctionConfiguration is its logical id.
type Resource = cfn.Resource

// Config is what an API needs from the stack around it.
type Config struct {
	// AccountID is the account of every ARN. Default: "123456789012".
	AccountID string
	// Region is the region of every ARN and endpoint. Default: "us-east-1".
	Region string
	// GraphQLAPI is the logical id of the API to serve. Needed only where the
	// resources hold more than one.
	GraphQLAPI string
	// Path is where the GraphQL endpoint is mounted: what IAM clients sign, with
	// "/connect" after it for a connection. Default: "/graphql".
	Path string
	// VerifyToken checks a JWT of a user pool or an OpenID Connect provider and
	// returns its claims. issuer is the provider's: of a user pool,
	// "https://cognito-idp.<region>.amazonaws.com/<pool id>". ErrTokenExpired is
	// answered as such. Needed if the API has such a mode.
	VerifyToken func(issuer, token string) (map[string]any, error)
	// IdentifyIAM checks a Signature Version 4 of service "appsync" and tells
	// whose it is. The host is as the client signed it. Needed if a client outside
	// the stack uses mode AWS_IAM.
	IdentifyIAM func(method, host, path, rawQuery string, header http.Header, body []byte) (*IAMIdentity, error)
	// AllowIAM decides whether a caller in mode AWS_IAM may appsync:GraphQL a
	// field of a root type, named by its ARN. Default: it may.
	AllowIAM func(caller *IAMIdentity, fieldARN string) bool
	// EncodeJSONTwice makes an AWSJSON field of an event the JSON text of a JSON
	// text, as users of several client libraries have seen since AppSync has had its
	// own websockets (aws-mobile-appsync-sdk-js issue 533, aws-mobile-appsync-sdk-ios
	// issue 375), where the mutation's answer has it once. AWS does not document
	// it, so a client had better take both. Default: once.
	EncodeJSONTwice bool
	// Log receives what AppSync would write to its log: the cause of an error
	// that a client sees less of, and events that nobody can receive. Default: dropped.
	Log func(requestID, message string)
	// OnFrame receives each data frame when it is sent to a subscriber, with the
	// name of the subscription's field. Default: none.
	OnFrame func(at time.Time, subscription string, frame []byte)
}

// IAMIdentity is the caller in mode AWS_IAM; each field is the $ctx.identity
// member of that name.
type IAMIdentity struct {
	AccountID string
	UserARN   string
	// Username is the user's unique id: of an assumed role,
	// "<role id>:<session name>".
	Username string

	CognitoIdentityPoolID       string
	CognitoIdentityID           string
	CognitoIdentityAuthType     string
	CognitoIdentityAuthProvider string
}

// Request is an HTTP request to the API.
type Request struct {
	Method string
	// Path is the path as sent, still percent-encoded.
	Path string
	// RawQuery is the query string without the question mark.
	RawQuery string
	Header   http.Header
	Body     []byte
	// SourceIP is the caller's address. Default: "127.0.0.1".
	SourceIP string
	// Host is the request's Host header. Default: that of the API's endpoint.
	Host string
	// Caller is the ARN of the role of a function of this stack that makes the
	// call. It stands for a valid signature of that role.
	Caller string
}

// Response is what the client gets.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
}

// API is a deployed GraphQL API.
type API struct {
	k        *sim.Kernel
	bus      api.Service
	cfg      Config
	id       string
	name     string
	declared []string

	schema        *schema
	modes         []mode // the default first
	apiKeys       map[string]*apiKey
	lambdaAnswers map[string]lambdaAnswer
	resolvers     map[*ast.FieldDefinition]*resolver
	sources       map[string]*source
	js            *appsyncjs.Runtime
	environment   map[string]string
	introspection bool
	maxDepth      int
	maxResolvers  int
	parts         parts

	documents map[string]*document
	topics    map[string]*topic // by the mutation's field
	made      uint64            // subscriptions so far: their order
	open      map[*Connection]struct{}
	opened    uint64 // connections so far: their order
	connected Connected
	closed    bool
}

// Connected is what real-time connections took, beside the events that went over them.
type Connected struct {
	// Operations are what clients did: connections and subscriptions.
	Operations int64
	// Time is how long connections were open, added up.
	Time time.Duration
}

// Connected tells what real-time connections took until now.
func (a *API) Connected() Connected {
	c := a.connected
	for open := range a.open {
		c.Time += a.k.Now().Sub(open.since)
	}
	return c
}

// Declared lists, as "LogicalID: property", the properties that are accepted
// but have no effect on a local run.
func (a *API) Declared() []string { return a.declared }

// ID is the API's id: the logical id of its GraphQLApi.
func (a *API) ID() string { return a.id }

// ARN is the API's ARN.
func (a *API) ARN() string {
	return "arn:aws:appsync:" + a.cfg.Region + ":" + a.cfg.AccountID + ":apis/" + a.id
}

// Connections is the number of open real-time connections.
func (a *API) Connections() int { return len(a.open) }

// Close hangs up on all clients, in the order in which they came, and lets no other connect.
func (a *API) Close() {
	a.closed = true
	for _, c := range slices.SortedFunc(maps.Keys(a.open), func(a, b *Connection) int { return cmp.Compare(a.number, b.number) }) {
		c.end(closeGoingAway, "the API is closed")
	}
}

// Subscriptions is the number of live subscriptions.
func (a *API) Subscriptions() int {
	n := 0
	for _, t := range a.topics {
		n += t.count
	}
	return n
}

func (a *API) log(requestID, message string) {
	if a.cfg.Log != nil {
		a.cfg.Log(requestID, message)
	}
}
