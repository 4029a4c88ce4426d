package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// newStoreAway is the stand-in behind TLS and a round trip. dir takes its certificate.
func newStoreAway(known callers, dir string, trip time.Duration) (*store, error) {
	config, roots, err := certify(dir)
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &store{url: "https://" + l.Addr().String(), known: known, server: l, roots: roots}
	go accept(l, func(c net.Conn) { s.serve(away(c, config, trip)) })
	return s, nil
}

// away is the server's side of a connection over TLS and a round trip.
func away(c net.Conn, config *tls.Config, trip time.Duration) net.Conn {
	return tls.Server(&distant{Conn: c, trip: trip, late: trip}, config)
}

// distant is a connection to a server that is a round trip away: each answer is late by it, however many writes it takes. The
// first one is late by another, for the connection itself, which was made on this machine.
type distant struct {
	net.Conn
	trip    time.Duration
	late    time.Duration // of the next write
	waiting bool          // something was read that isn't answered yet
}

func (d *distant) Read(into []byte) (int, error) {
	n, err := d.Conn.Read(into)
	if n > 0 && !d.waiting {
		d.waiting = true
		d.late += d.trip
	}
	return n, err
}

func (d *distant) Write(p []byte) (int, error) {
	time.Sleep(d.late)
	d.late, d.waiting = 0, false
	return d.Conn.Write(p)
}

// certify makes a server of TLS with a certificate for this machine, and the file by which a client trusts it.
func certify(dir string) (config *tls.Config, file string, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, "", err
	}
	now := time.Now()
	own := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: now.Add(-time.Hour), NotAfter: now.Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, own, own, key.Public(), key)
	if err != nil {
		return nil, "", err
	}
	file = filepath.Join(dir, "store.pem")
	roots := append(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), others()...)
	err = os.WriteFile(file, roots, 0o600)
	return &tls.Config{
		Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS13,
		// Tickets would be one more flight of the server's behind the handshake, for which no client waits.
		SessionTicketsDisabled: true,
	}, file, err
}

// others are the certificates that this machine trusts, some 140 as in Lambda's image: a client parses them all before it trusts one.
// None where they are in another place.
func others() []byte {
	for _, file := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"} {
		if text, err := os.ReadFile(file); err == nil {
			return text
		}
	}
	return nil
}

// awayStarts makes cold starts with the store over TLS, at each round trip: a third as many as there are without. What has no
// key to read, or no trust in the certificate (Node.js reads by bare HTTP), is left out; the empty handler stays to compare with.
func (b *session) awayStarts(known callers, dir string) error {
	for _, trip := range b.trips {
		s, err := newStoreAway(known, dir, trip)
		if err != nil {
			return err
		}
		defer s.close()
		for range (b.cold + 2) / 3 {
			for _, i := range b.shuffled() {
				r := b.results[i]
				if !r.reads && r.name != nameEmpty || r.name == nameNode {
					continue
				}
				took, err := b.coldStart(r.contestant, s)
				if err != nil {
					return fmt.Errorf("%v away: %w", trip, err)
				}
				if r.away == nil {
					r.away = map[time.Duration][]time.Duration{}
				}
				r.away[trip] = append(r.away[trip], took)
			}
		}
	}
	return nil
}
