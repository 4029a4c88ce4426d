package wire

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
)

// refusal is the status of a request that can't be handed over.
type refusal int

func (r refusal) Error() string { return http.StatusText(int(r)) }

const (
	badRequest   = refusal(http.StatusBadRequest)
	tooLarge     = refusal(http.StatusRequestEntityTooLarge)
	headTooLarge = refusal(http.StatusRequestHeaderFieldsTooLarge)
)

// readHead reads the request line and the headers. Anything that two readers could understand in two ways is refused.
func readHead(br *bufio.Reader, limit int) (*Request, error) {
	r := &Request{Headers: make([]Field, 0, 16)}
	line, err := readLine(br, limit)
	for err == nil && len(line) == 0 { // a stray CRLF before the request line is allowed
		line, err = readLine(br, limit)
	}
	if err != nil {
		return nil, err
	}
	r.HeadSize = len(line)
	if err := r.parseLine(line); err != nil {
		return nil, err
	}
	r.Headers, err = readFields(br, r.Headers, limit, &r.HeadSize)
	return r, err
}

func readLine(br *bufio.Reader, limit int) (string, error) {
	part, err := br.ReadSlice('\n')
	if err == nil { // the usual case: one copy
		return trimEOL(part), nil
	}
	var line []byte
	for errors.Is(err, bufio.ErrBufferFull) {
		line = append(line, part...)
		if len(line) > limit {
			return "", headTooLarge
		}
		part, err = br.ReadSlice('\n')
	}
	if err != nil {
		return "", err
	}
	return trimEOL(append(line, part...)), nil
}

func trimEOL(line []byte) string {
	line = line[:len(line)-1]
	if n := len(line); n > 0 && line[n-1] == '\r' {
		line = line[:n-1]
	}
	return string(line)
}

func (r *Request) parseLine(line string) error {
	method, rest, ok := strings.Cut(line, " ")
	target, proto, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || !isToken(method) || target == "" {
		return badRequest
	}
	switch proto {
	case "HTTP/1.1":
		r.Minor = 1
	case "HTTP/1.0":
	default:
		return badRequest
	}
	for i := range len(target) {
		if target[i] <= ' ' || target[i] == 0x7f {
			return badRequest
		}
	}
	if scheme, rest, ok := strings.Cut(target, "://"); ok && !strings.ContainsAny(scheme, "/?") { // absolute form
		if !strings.EqualFold(scheme, "http") && !strings.EqualFold(scheme, "https") {
			return badRequest
		}
		if i := strings.IndexAny(rest, "/?"); i >= 0 {
			r.Authority, target = rest[:i], rest[i:]
		} else {
			r.Authority, target = rest, "/"
		}
		if r.Authority == "" {
			return badRequest
		}
	}
	r.Method = method
	r.Path, r.Query, _ = strings.Cut(target, "?")
	if r.Path == "" {
		r.Path = "/"
	}
	if r.Path[0] != '/' {
		return badRequest
	}
	return nil
}

func readFields(br *bufio.Reader, into []Field, limit int, size *int) ([]Field, error) {
	for {
		line, err := readLine(br, limit)
		if err != nil {
			return nil, err
		}
		if line == "" {
			return into, nil
		}
		*size += len(line) + 2
		if *size > limit {
			return nil, headTooLarge
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) { // also refuses folded lines and a space before the colon
			return nil, badRequest
		}
		value = strings.Trim(value, " \t")
		for i := range len(value) {
			if c := value[i]; c < ' ' && c != '\t' || c == 0x7f {
				return nil, badRequest
			}
		}
		into = append(into, Field{name, value})
	}
}

func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`()<>@,;:\"/[]?={}`, c) >= 0 {
			return false
		}
	}
	return s != ""
}

func readBody(br *bufio.Reader, r *Request, limit int64) error {
	length, chunked := int64(-1), false
	for _, f := range r.Headers {
		switch {
		case strings.EqualFold(f.Name, "Content-Length"):
			n, err := strconv.ParseUint(f.Value, 10, 62)
			if err != nil || length >= 0 && length != int64(n) {
				return badRequest
			}
			length = int64(n)
		case strings.EqualFold(f.Name, "Transfer-Encoding"):
			if chunked || !strings.EqualFold(f.Value, "chunked") {
				return refusal(http.StatusNotImplemented)
			}
			chunked = true
		}
	}
	switch {
	case chunked && length >= 0:
		return badRequest
	case chunked:
		var buf bytes.Buffer
		n, err := io.Copy(&buf, io.LimitReader(httputil.NewChunkedReader(br), limit+1))
		if err != nil {
			return badRequest
		}
		if n > limit {
			return tooLarge
		}
		r.Body = buf.Bytes()
		size := 0
		r.Trailers, err = readFields(br, nil, 64<<10, &size)
		return err
	case length > limit:
		return tooLarge
	case length > 0:
		r.Body = make([]byte, length)
		_, err := io.ReadFull(br, r.Body)
		return err
	}
	return nil
}
