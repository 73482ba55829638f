package sns

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/hex"
	"encoding/pem"
	"math/big"
	"math/rand/v2"
	"sync"
	"time"
)

// identity is what messages are signed with.
type identity struct {
	key  *rsa.PrivateKey
	cert []byte // PEM
	path string // of the certificate below the service's URL
}

// signer makes the key and its certificate, once in a process, when something is
// first signed.
//
// The key derives from a constant, so that it is the same in every process:
// signatures and the certificate's URL are part of messages, and the same seed must
// give the same run. It is no secret, and nothing outside a local stack may trust it.
var signer = sync.OnceValue(func() *identity {
	random := rand.NewChaCha8(sha256.Sum256([]byte("orderflow local SNS signing key")))
	key := deriveKey(random)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		// The common name is the service's: SDKs of some languages check it.
		Subject:   pkix.Name{CommonName: "sns.amazonaws.com", Organization: []string{"orderflow local SNS"}},
		NotBefore: time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		SignatureAlgorithm: x509.SHA256WithRSA,
	}
	der, err := x509.CreateCertificate(random, template, template, &key.PublicKey, key)
	if err != nil {
		panic("sns: signing certificate: " + err.Error())
	}
	sum := sha256.Sum256(der)
	return &identity{
		key:  key,
		cert: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		path: "/SimpleNotificationService-" + hex.EncodeToString(sum[:16]) + ".pem",
	}
})

// deriveKey makes an RSA key of 2,048 bits. crypto/rsa makes none that repeats.
func deriveKey(random *rand.ChaCha8) *rsa.PrivateKey {
	e := big.NewInt(65537)
	one := big.NewInt(1)
	for {
		p, q := prime(random), prime(random)
		n := new(big.Int).Mul(p, q)
		phi := new(big.Int).Mul(new(big.Int).Sub(p, one), new(big.Int).Sub(q, one))
		d := new(big.Int).ModInverse(e, phi)
		if d == nil || n.BitLen() != 2048 || p.Cmp(q) == 0 {
			continue
		}
		key := &rsa.PrivateKey{PublicKey: rsa.PublicKey{N: n, E: 65537}, D: d, Primes: []*big.Int{p, q}}
		key.Precompute()
		if err := key.Validate(); err != nil {
			panic("sns: signing key: " + err.Error())
		}
		return key
	}
}

// prime returns the first prime after a random number of 1,024 bits whose two
// highest bits are set.
func prime(random *rand.ChaCha8) *big.Int {
	b := make([]byte, 128)
	_, _ = random.Read(b) // never fails
	b[0] |= 0xc0
	b[127] |= 1
	p := new(big.Int).SetBytes(b)
	for two := big.NewInt(2); !p.ProbablyPrime(20); {
		p.Add(p, two)
	}
	return p
}

// sign is the base64 of a text's signature of version 1 or 2.
// Source: SNS Developer Guide, "Verifying the signatures of Amazon SNS messages".
func (id *identity) sign(version int, text []byte) string {
	hash, digest := crypto.SHA1, []byte(nil)
	if version == 2 {
		sum := sha256.Sum256(text)
		hash, digest = crypto.SHA256, sum[:]
	} else {
		sum := sha1.Sum(text)
		digest = sum[:]
	}
	signature, err := rsa.SignPKCS1v15(nil, id.key, hash, digest)
	if err != nil {
		panic("sns: signing: " + err.Error())
	}
	return base64.StdEncoding.EncodeToString(signature)
}

// stringToSign is what the signature of a message is about: some of its members in
// order of their names, each name and each value followed by a line break.
func (m *message) stringToSign(body, subscribeURL, timestamp string) []byte {
	b := make([]byte, 0, 256+len(body)+len(subscribeURL))
	add := func(name, value string) {
		b = append(b, name...)
		b = append(b, '\n')
		b = append(b, value...)
		b = append(b, '\n')
	}
	add("Message", body)
	add("MessageId", m.id)
	if m.kind == kindNotification {
		if m.subject != "" {
			add("Subject", m.subject)
		}
	} else {
		add("SubscribeURL", subscribeURL)
	}
	add("Timestamp", timestamp)
	if m.kind != kindNotification {
		add("Token", m.token)
	}
	add("TopicArn", m.topic.ARN)
	add("Type", m.kind)
	return b
}

// signature signs the message with a text, at most once.
func (m *message) signature(body, subscribeURL, timestamp string) string {
	if s, ok := m.signed[body]; ok {
		return s
	}
	s := signer().sign(m.topic.signature, m.stringToSign(body, subscribeURL, timestamp))
	if m.signed == nil {
		m.signed = map[string]string{}
	}
	m.signed[body] = s
	return s
}
