package appsync

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// handshake reads the subprotocols and the credentials of an upgrade.
func handshake(r *Request) (protocols []string, header http.Header, payload []byte, err error) {
	for _, line := range r.Header.Values("Sec-Websocket-Protocol") {
		for p := range strings.SplitSeq(line, ",") {
			if p = strings.TrimSpace(p); p != "" {
				protocols = append(protocols, p)
			}
		}
	}
	query, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		return protocols, nil, nil, fmt.Errorf("malformed query string")
	}
	encoded := query.Get("header")
	for _, p := range protocols {
		if h, ok := strings.CutPrefix(p, "header-"); ok {
			encoded = h
		}
	}
	payload = []byte("{}")
	if p := query.Get("payload"); p != "" {
		if payload, err = decodeBase64(p); err != nil {
			return protocols, nil, nil, fmt.Errorf("the payload is not base64")
		}
	}
	if encoded == "" {
		return protocols, nil, payload, nil
	}
	decoded, err := decodeBase64(encoded)
	if err != nil {
		return protocols, nil, nil, fmt.Errorf("the header is not base64")
	}
	header, err = headerOf(decoded)
	return protocols, header, payload, err
}

// decodeBase64 takes either alphabet, with padding or without.
func decodeBase64(s string) ([]byte, error) {
	s = strings.NewReplacer("-", "+", "_", "/", " ", "+").Replace(strings.TrimRight(s, "="))
	return base64.RawStdEncoding.DecodeString(s)
}

// headerOf reads credentials, which are headers in a JSON object.
func headerOf(object []byte) (http.Header, error) {
	var fields map[string]any
	if err := json.Unmarshal(object, &fields); err != nil {
		return nil, fmt.Errorf("the header is not a JSON object")
	}
	h := http.Header{}
	for name, v := range fields {
		if s, ok := v.(string); ok {
			h.Set(name, s)
		}
	}
	return h, nil
}
