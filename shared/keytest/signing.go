package keytest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"testing"
)

// SigningKey makes a key that signs reports, as GitHub's does on P-256.
func SigningKey(t testing.TB, curve elliptic.Curve) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// PEM is a public key as lists of keys have it.
func PEM(t testing.TB, public any) string {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// ReportHeaders are those with which GitHub sends a report that the key with an identifier has signed.
func ReportHeaders(t testing.TB, id string, key *ecdsa.PrivateKey, body []byte) map[string]string {
	t.Helper()
	return map[string]string{"Github-Public-Key-Identifier": id, "Github-Public-Key-Signature": SignReport(t, key, body)}
}

// SignReport is the signature of a report.
func SignReport(t testing.TB, key *ecdsa.PrivateKey, body []byte) string {
	t.Helper()
	sum := sha256.Sum256(body)
	sig, err := ecdsa.SignASN1(rand.Reader, key, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}
