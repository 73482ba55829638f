package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of a request that is signed by Standard Webhooks.
const (
	// HeaderID holds the message's id, the same however often it is sent.
	HeaderID = "webhook-id"
	// HeaderTimestamp holds when this attempt was made, in Unix seconds.
	HeaderTimestamp = "webhook-timestamp"
	// HeaderSignature holds the signatures, separated by spaces: one for each
	// secret that is valid at the time.
	HeaderSignature = "webhook-signature"
)

// secretPrefix marks what follows as a symmetric secret in base64.
const secretPrefix = "whsec_"

// A secret has 24 to 64 bytes (Standard Webhooks 1.0.0, "Signature scheme").
const (
	minSecret = 24
	newSecret = 32
	maxSecret = 64
)

// signatureVersion marks a signature by HMAC-SHA256. Other versions, such as
// v1a by Ed25519, are skipped.
const signatureVersion = "v1,"

// NewSecret returns a new random secret of 32 bytes: "whsec_" and base64.
func NewSecret() string {
	b := make([]byte, newSecret)
	_, _ = rand.Read(b) // never fails: it ends the process instead
	return secretPrefix + base64.StdEncoding.EncodeToString(b)
}

// Sign returns the signature of one attempt to deliver a message: "v1," and base64. During
// the rotation of a secret, sign with each and put all the signatures into
// [HeaderSignature], separated by spaces. at counts in whole seconds: send the same in
// [HeaderTimestamp].
//
// It fails with ErrSecret, and if the id is empty or has a full stop in it, which would
// let one message pass for another one.
func Sign(secret, id string, at time.Time, body []byte) (string, error) {
	key, err := decodeSecret(secret)
	if err != nil {
		return "", err
	}
	if !validID(id) {
		return "", fmt.Errorf("webhook: message id %q: must be visible ASCII without a full stop", id)
	}
	return signatureVersion + base64.StdEncoding.EncodeToString(mac(key, id, strconv.FormatInt(at.Unix(), 10), body)), nil
}

func decodeSecret(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		return nil, fmt.Errorf("%w: not base64", ErrSecret) // without a word of the secret
	}
	if len(key) < minSecret || len(key) > maxSecret {
		return nil, fmt.Errorf("%w: %d bytes, must be %d to %d", ErrSecret, len(key), minSecret, maxSecret)
	}
	return key, nil
}

func validID(id string) bool {
	for i := 0; i < len(id); i++ {
		if id[i] <= ' ' || id[i] >= 0x7f || id[i] == '.' {
			return false
		}
	}
	return id != ""
}

func mac(key []byte, id, timestamp string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(id + "." + timestamp + "."))
	h.Write(body)
	return h.Sum(nil)
}

// verifyStandard verifies a request with the headers of Standard Webhooks.
func (r *Receiver) verifyStandard(header http.Header, body []byte) (Message, error) {
	if len(r.keys) == 0 {
		return Message{}, fmt.Errorf("%w: signed by Standard Webhooks, but there are no secrets", ErrUnknownSender)
	}
	id, timestamp, signatures := header.Get(HeaderID), header.Get(HeaderTimestamp), header.Get(HeaderSignature)
	if id == "" || timestamp == "" || signatures == "" {
		return Message{}, fmt.Errorf("%w: %s, %s and %s are all needed", ErrUnsigned, HeaderID, HeaderTimestamp, HeaderSignature)
	}
	if !validID(id) {
		return Message{}, fmt.Errorf("%w: the id is not visible ASCII without a full stop", ErrMalformed)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || timestamp != strconv.FormatInt(seconds, 10) || seconds < 0 || seconds > maxUnix {
		return Message{}, fmt.Errorf("%w: the timestamp is not in Unix seconds", ErrMalformed)
	}
	if !r.signedByOneOf(signatures, id, timestamp, body) {
		return Message{}, ErrSignature
	}
	at := time.Unix(seconds, 0).UTC()
	// Whole seconds are compared, since that is all that the sender tells.
	if late := r.options.Now().Truncate(time.Second).Sub(at); late > r.options.Tolerance || late < -r.options.Tolerance {
		return Message{}, fmt.Errorf("%w: sent at %s", ErrStale, at.Format(time.RFC3339))
	}
	return Message{ID: id, Sent: at, Body: body}, nil
}

// maxUnix is the last second of the year 9999, beyond which times cannot be told apart reliably.
const maxUnix = 253402300799

// maxSignatures is how many signatures of one request are compared at most.
const maxSignatures = 20

// signedByOneOf compares every signature with that of every secret, all of
// them in constant time.
func (r *Receiver) signedByOneOf(signatures, id, timestamp string, body []byte) bool {
	var given [][]byte
	for s := range strings.FieldsSeq(signatures) {
		encoded, ok := strings.CutPrefix(s, signatureVersion)
		if !ok || len(given) == maxSignatures {
			continue
		}
		if sum, err := base64.StdEncoding.Strict().DecodeString(encoded); err == nil {
			given = append(given, sum)
		}
	}
	found := false
	for _, key := range r.keys {
		want := mac(key, id, timestamp, body)
		for _, sum := range given {
			if hmac.Equal(want, sum) {
				found = true
			}
		}
	}
	return found
}
