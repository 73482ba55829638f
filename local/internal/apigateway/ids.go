package apigateway

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/orderflow-cdk/orderflow/local/internal/uuid"
)

func newUUID(r *rand.Rand) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], r.Uint64())
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	return uuid.Format(b)
}

// newExtendedID is an id like "JKJaXmPLvHcESHA=": eleven bytes.
func newExtendedID(r *rand.Rand) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], r.Uint64())
	binary.BigEndian.PutUint64(b[8:], r.Uint64())
	return base64.URLEncoding.EncodeToString(b[:11])
}

// newTraceID is an X-Ray trace id: version, epoch seconds, 96 random bits.
func newTraceID(r *rand.Rand, now time.Time) string {
	var b [16]byte
	binary.BigEndian.PutUint32(b[:4], uint32(now.Unix()))
	binary.BigEndian.PutUint64(b[4:12], r.Uint64())
	binary.BigEndian.PutUint32(b[12:], r.Uint32())
	h := hex.EncodeToString(b[:])
	return "1-" + h[:8] + "-" + h[8:]
}

// requestIDOf is the id that a client chose by the header x-amzn-RequestId, or
// a new one: clients can override $context.requestId.
func requestIDOf(chosen string, r *rand.Rand) string {
	id := newUUID(r)
	if chosen == "" || len(chosen) > 128 {
		return id
	}
	for i := 0; i < len(chosen); i++ {
		c := chosen[i]
		if !(c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0) {
			return id
		}
	}
	return chosen
}
