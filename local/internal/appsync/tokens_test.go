package appsync_test

import (
	"encoding/base64"
	"encoding/json"
)

// token is a JWT of the claims; its signature is a word that verifyToken knows.
func token(claims map[string]any, signature string) string {
	b, err := json.Marshal(claims)
	if err != nil {
		panic(err)
	}
	return "e30." + base64.RawURLEncoding.EncodeToString(b) + "." + signature
}

func decodeSegment(s string) (map[string]any, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil {
		return nil, err
	}
	var claims map[string]any
	return claims, json.Unmarshal(b, &claims)
}

func encodeHeader(h map[string]string) string {
	b, err := json.Marshal(h)
	if err != nil {
		panic(err)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}
