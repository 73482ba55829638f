package appsync

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"
)

// ErrTokenExpired is how Config.VerifyToken says that a JWT was valid once.
var ErrTokenExpired = errors.New("the token has expired")

// mode is one of the API's authorization modes with its configuration.
type mode struct {
	name   string
	pool   *userPoolProps
	issuer string         // of a user pool or an OpenID Connect provider
	client *regexp.Regexp // which the token's client id has to match; nil: any
	oidc   *openIDProps

	function string // the Lambda authorizer's ARN
	token    *regexp.Regexp
	ttl      time.Duration
}

type apiKey struct{ expires time.Time }

// identity is who calls.
type identity struct {
	mode   *mode
	json   []byte // $ctx.identity; nil is null
	groups []string
	iam    *IAMIdentity
	denied map[string]bool // by a Lambda authorizer: Type.field
}

// credentials are what a request, a connection or a subscription says of its caller.
type credentials struct {
	method, host, path, query string
	header                    http.Header
	body                      []byte
	caller                    string
	sourceIP                  string

	requestID     string
	document      string
	operationName string
	variables     []byte
}

// authenticate finds the mode that the credentials are of, and who they say
// calls. The answer of a Lambda authorizer may come in a later event.
func (a *API) authenticate(c *credentials, done func(*identity, *requestError)) {
	token := c.header.Get("Authorization")
	switch {
	case c.caller != "":
		a.iam(c, callerIdentity(c.caller), done)
	case strings.HasPrefix(token, "AWS4-HMAC-SHA256"):
		a.signed(c, done)
	case token != "" && (a.mode(modeCognito) != nil || a.mode(modeOIDC) != nil || a.mode(modeLambda) != nil):
		a.byToken(c, token, done)
	case c.header.Get("X-Api-Key") != "":
		a.byKey(c, done)
	default:
		message := notAuthorized
		if name := a.modes[0].name; name == modeCognito || name == modeOIDC || name == modeLambda {
			message = "Valid authorization header not provided."
		} else if name == modeIAM {
			message = "Missing Authentication Token"
		}
		done(nil, unauthorized(message))
	}
}

func (a *API) mode(name string) *mode {
	for i := range a.modes {
		if a.modes[i].name == name {
			return &a.modes[i]
		}
	}
	return nil
}

func (a *API) byKey(c *credentials, done func(*identity, *requestError)) {
	m := a.mode(modeAPIKey)
	key := a.apiKeys[c.header.Get("X-Api-Key")]
	if m == nil || key == nil || !a.k.Now().Before(key.expires) {
		done(nil, unauthorized(notAuthorized))
		return
	}
	done(&identity{mode: m}, nil)
}

// signed is mode AWS_IAM for a client that signs.
func (a *API) signed(c *credentials, done func(*identity, *requestError)) {
	if a.mode(modeIAM) == nil {
		done(nil, unauthorized(notAuthorized))
		return
	}
	if a.cfg.IdentifyIAM == nil {
		done(nil, &requestError{500, "InternalFailure", "Config.IdentifyIAM is not set: signatures cannot be checked"})
		return
	}
	who, err := a.cfg.IdentifyIAM(c.method, c.host, c.path, c.query, c.header, c.body)
	if err != nil {
		a.log(c.requestID, err.Error())
		done(nil, &requestError{403, "UnrecognizedClientException", "The security token included in the request is invalid."})
		return
	}
	a.iam(c, who, done)
}

func (a *API) iam(c *credentials, who *IAMIdentity, done func(*identity, *requestError)) {
	m := a.mode(modeIAM)
	if m == nil {
		done(nil, unauthorized(notAuthorized))
		return
	}
	orNil := func(s string) any {
		if s == "" {
			return nil
		}
		return s
	}
	done(&identity{mode: m, iam: who, json: toJSON(map[string]any{
		"accountId": who.AccountID, "userArn": who.UserARN, "username": who.Username, "sourceIp": []string{c.sourceIP},
		"cognitoIdentityPoolId": orNil(who.CognitoIdentityPoolID), "cognitoIdentityId": orNil(who.CognitoIdentityID),
		"cognitoIdentityAuthType": orNil(who.CognitoIdentityAuthType), "cognitoIdentityAuthProvider": orNil(who.CognitoIdentityAuthProvider),
	})}, nil)
}

// callerIdentity is the identity of a role of this stack: what its session
// would be called is not modelled, so it is that of its name.
func callerIdentity(role string) *IAMIdentity {
	parts := strings.SplitN(role, ":", 6)
	who := &IAMIdentity{UserARN: role, Username: role}
	if len(parts) == 6 {
		who.AccountID = parts[4]
		if name, ok := strings.CutPrefix(parts[5], "role/"); ok {
			name = name[strings.LastIndexByte(name, '/')+1:]
			who.UserARN = fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/%s", parts[4], name, name)
			who.Username = name + ":" + name
		}
	}
	return who
}

// byToken is a JWT of a user pool or of an OpenID Connect provider, else a
// Lambda authorizer's.
func (a *API) byToken(c *credentials, token string, done func(*identity, *requestError)) {
	if issuer, ok := issuerOf(token); ok {
		var provider bool
		for i := range a.modes {
			m := &a.modes[i]
			if m.issuer == "" {
				continue
			}
			provider = true
			if m.issuer == issuer {
				id, refusal := a.verify(c, m, strings.TrimPrefix(token, "Bearer "))
				done(id, refusal)
				return
			}
		}
		if provider || a.mode(modeLambda) == nil {
			done(nil, unauthorized(notAuthorized))
			return
		}
	}
	if a.mode(modeLambda) == nil {
		if c.header.Get("X-Api-Key") != "" {
			a.byKey(c, done)
			return
		}
		done(nil, unauthorized("Unable to parse JWT token."))
		return
	}
	a.askAuthorizer(c, token, done)
}

// issuerOf reads a JWT's issuer, without believing it. AppSync takes a
// provider's token with "Bearer " before it, a user pool's without.
func issuerOf(token string) (string, bool) {
	parts := strings.Split(strings.TrimPrefix(token, "Bearer "), ".")
	if len(parts) != 3 {
		return "", false
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", false
	}
	var claims struct{ Iss string }
	if json.Unmarshal(payload, &claims) != nil {
		return "", false
	}
	return strings.TrimSuffix(claims.Iss, "/"), true
}

func (a *API) verify(c *credentials, m *mode, token string) (*identity, *requestError) {
	if m.name == modeCognito && strings.HasPrefix(c.header.Get("Authorization"), "Bearer ") {
		return nil, unauthorized("Unable to parse JWT token.")
	}
	claims, err := a.cfg.VerifyToken(m.issuer, token)
	switch {
	case errors.Is(err, ErrTokenExpired):
		return nil, unauthorized("Token has expired.")
	case err != nil:
		a.log(c.requestID, err.Error())
		return nil, unauthorized(notAuthorized)
	}
	claim := func(name string) string {
		s, _ := claims[name].(string)
		return s
	}
	client := claim("client_id")
	if client == "" {
		client = claim("aud")
	}
	if m.client != nil && !m.client.MatchString(client) {
		return nil, unauthorized(notAuthorized)
	}
	id := &identity{mode: m}
	if m.name == modeOIDC {
		if !a.fresh(m.oidc, claims) {
			return nil, unauthorized(notAuthorized)
		}
		id.json = toJSON(map[string]any{"sub": claims["sub"], "issuer": claims["iss"], "claims": claims})
		return id, nil
	}
	id.groups = textList(claims["cognito:groups"])
	username := claim("cognito:username")
	if username == "" {
		username = claim("username") // of an access token
	}
	var groups any
	if id.groups != nil {
		groups = id.groups
	}
	id.json = toJSON(map[string]any{
		"sub": claims["sub"], "issuer": claims["iss"], "username": username, "claims": claims, "sourceIp": []string{c.sourceIP},
		"defaultAuthStrategy": m.pool.DefaultAction, "groups": groups,
	})
	return id, nil
}

// fresh applies what an OpenIDConnectConfig says of a token's age, in milliseconds.
func (a *API) fresh(o *openIDProps, claims map[string]any) bool {
	for _, limit := range []struct {
		claim string
		ttl   *float64
	}{{"iat", (*float64)(o.IatTTL)}, {"auth_time", (*float64)(o.AuthTTL)}} {
		if limit.ttl == nil || *limit.ttl == 0 {
			continue
		}
		at, ok := claims[limit.claim].(float64)
		if !ok || a.k.Now().Sub(time.Unix(int64(at), 0)) > time.Duration(*limit.ttl*float64(time.Millisecond)) {
			return false
		}
	}
	return true
}

func textList(v any) []string {
	switch v := v.(type) {
	case []string:
		return slices.Clone(v)
	case []any:
		list := []string{}
		for _, e := range v {
			if s, ok := e.(string); ok {
				list = append(list, s)
			}
		}
		return list
	}
	return nil
}
