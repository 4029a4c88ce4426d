package gateclient

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"
	"time"
)

// request makes the request of an operation, signed by Signature Version 4 for a time. It has no GetBody, so that a transport sends it once at most.
func (c *Client) request(ctx context.Context, operation string, body []byte, at time.Time) *http.Request {
	stamp := at.UTC().Format("20060102T150405Z")
	r := (&http.Request{
		Method: http.MethodPost, URL: c.endpoint, Host: c.endpoint.Host,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body)),
		Header: http.Header{
			"Accept-Encoding": {"identity"}, // the checksum is that of what is sent
			"Content-Type":    {"application/x-amz-json-1.0"},
			"User-Agent":      {"latchkey-gate"},
			"X-Amz-Date":      {stamp},
			"X-Amz-Target":    {"DynamoDB_20120810." + operation},
		},
	}).WithContext(ctx)
	if c.config.SessionToken != "" {
		r.Header["X-Amz-Security-Token"] = []string{c.config.SessionToken}
	}
	r.Header["Authorization"] = []string{c.authorization(r, body, stamp)}
	return r
}

// authorization is the header of that name. It signs all headers but User-Agent, which a proxy may change.
func (c *Client) authorization(r *http.Request, body []byte, stamp string) string {
	names, values := "", ""
	sign := func(name, value string) {
		names, values = names+";"+name, values+name+":"+value+"\n"
	}
	// In the order of their names.
	sign("accept-encoding", r.Header.Get("Accept-Encoding"))
	sign("content-length", strconv.FormatInt(r.ContentLength, 10))
	sign("content-type", r.Header.Get("Content-Type"))
	sign("host", r.Host)
	sign("x-amz-date", stamp)
	if token := c.config.SessionToken; token != "" {
		sign("x-amz-security-token", token)
	}
	sign("x-amz-target", r.Header.Get("X-Amz-Target"))
	names = names[1:]

	date := stamp[:len("20060102")]
	scope := date + "/" + c.config.Region + "/dynamodb/aws4_request"
	canonical := "POST\n/\n\n" + values + "\n" + names + "\n" + hash(body)
	key := []byte("AWS4" + c.config.SecretKey)
	for _, part := range [...]string{date, c.config.Region, "dynamodb", "aws4_request"} {
		key = mac(key, part)
	}
	signature := mac(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hash([]byte(canonical)))
	return "AWS4-HMAC-SHA256 Credential=" + c.config.AccessKey + "/" + scope + ", SignedHeaders=" + names + ", Signature=" + hex.EncodeToString(signature)
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text)
	return h.Sum(nil)
}
