//go:build bench

// The floor with one bare store read: a handler that does nothing, on the gate's own loop, behind one GetItem at its start. The
// read is the least that it may be: over a connection of its own, with TLS where the store has it, unsigned, and of the answer
// the first bytes are waited for.
package main

import (
	"crypto/tls"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"latchkey/authorizer/internal/runtimeapi"
)

type idle struct{}

var nothing = []byte("{}")

func (idle) Invoke(time.Time, []byte) ([]byte, error) { return nothing, nil }
func (idle) AfterReply()                              {}
func (idle) Close()                                   {}

func read() error {
	scheme, host, _ := strings.Cut(os.Getenv("DYNAMODB_ENDPOINT"), "://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		return err
	}
	if scheme == "https" {
		name, _, _ := net.SplitHostPort(host)
		c = tls.Client(c, &tls.Config{ServerName: name})
	}
	body := `{"TableName":"` + os.Getenv("GATE_TABLE") + `","Key":{"pk":{"S":"x"}},"ConsistentRead":true}`
	if _, err := io.WriteString(c, "POST / HTTP/1.1\r\nHost: "+host+"\r\nContent-Type: application/x-amz-json-1.0\r\n"+
		"X-Amz-Target: DynamoDB_20120810.GetItem\r\nContent-Length: "+strconv.Itoa(len(body))+"\r\n\r\n"+body); err != nil {
		return err
	}
	_, err = c.Read(make([]byte, 4096))
	return err
}

func main() {
	if err := read(); err != nil {
		println(err.Error())
		os.Exit(1)
	}
	loop := runtimeapi.Loop{API: os.Getenv("AWS_LAMBDA_RUNTIME_API"), Handler: idle{}, Now: time.Now, Log: func(string) {}}
	_ = loop.Run()
	os.Exit(1)
}
