package local

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokens stands for the user pools of a stack: it signs ID tokens and checks
// them. Its key is made anew for each run; Cognito signs with RS256, which is
// the only difference a client could see.
type tokens struct {
	key     *ecdsa.PrivateKey
	now     func() time.Time
	checked map[string]jwt.MapClaims
}

// maxChecked is how many tokens are known to be signed by this stack without another check.
const maxChecked = 10_000

// tokenLifetime is the default of a user pool client.
const tokenLifetime = time.Hour

func newTokens(now func() time.Time) (*tokens, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("user pool key: %w", err)
	}
	return &tokens{key: key, now: now, checked: map[string]jwt.MapClaims{}}, nil
}

// encodeKey is the key, for useKey of a later run: tokens stay valid until they expire.
func (t *tokens) encodeKey() ([]byte, error) { return x509.MarshalECPrivateKey(t.key) }

func (t *tokens) useKey(encoded []byte) error {
	key, err := x509.ParseECPrivateKey(encoded)
	if err != nil {
		return fmt.Errorf("user pool key: %w", err)
	}
	t.key = key
	return nil
}

// issue signs an ID token with the claims on top of the standard ones.
func (t *tokens) issue(issuer, subject string, claims map[string]any) (string, error) {
	now := t.now()
	all := jwt.MapClaims{
		"sub": subject, "iss": issuer, "token_use": "id", "cognito:username": subject,
		"iat": now.Unix(), "auth_time": now.Unix(), "exp": now.Add(tokenLifetime).Unix(),
	}
	for k, v := range claims {
		all[k] = v
	}
	return jwt.NewWithClaims(jwt.SigningMethodES256, all).SignedString(t.key)
}

// verify returns the claims of a token that is signed by this stack, comes
// from the issuer and has not expired.
func (t *tokens) verify(issuer, token string) (map[string]any, error) {
	claims, seen := t.checked[token]
	if !seen {
		_, err := jwt.ParseWithClaims(token, &claims,
			func(*jwt.Token) (any, error) { return &t.key.PublicKey, nil },
			jwt.WithValidMethods([]string{"ES256"}), jwt.WithTimeFunc(t.now), jwt.WithExpirationRequired())
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		if len(t.checked) == maxChecked {
			clear(t.checked)
		}
		t.checked[token] = claims
	}
	if exp, err := claims.GetExpirationTime(); err != nil || exp == nil || !t.now().Before(exp.Time) {
		return nil, jwt.ErrTokenExpired
	}
	if iss, err := claims.GetIssuer(); err != nil || iss != issuer {
		return nil, jwt.ErrTokenInvalidIssuer
	}
	return claims, nil
}
