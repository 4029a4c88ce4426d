package runtimeapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"latchkey/shared/ascii"
)

// head is an answer of the Runtime API: what the loop needs of its headers, and the body. Its buffers are used again.
type head struct {
	status       int
	requestID    []byte
	invocationID []byte
	extensionID  []byte
	deadline     time.Time // zero where there is none that can be read
	last         bool      // the connection ends with this answer
	old          bool      // HTTP/1.0, which has no chunks
	body         []byte

	length  int64 // -1: not said
	chunked bool
}

// read reads one answer. Headers that the loop doesn't need may be of any length.
func (h *head) read(in *bufio.Reader) error {
	for {
		if err := h.readHead(in); err != nil {
			return err
		}
		if h.status >= 200 {
			break
		}
	}
	switch {
	case h.status == 204 || h.status == 304:
		h.body = h.body[:0]
		return nil
	case h.chunked:
		return h.readChunks(in)
	case h.length >= 0:
		h.body = h.body[:0]
		return h.readSome(in, h.length)
	default:
		h.last = true
		return h.readAll(in)
	}
}

func (h *head) readHead(in *bufio.Reader) error {
	line, _, err := readLine(in)
	if err != nil {
		return err
	}
	// HTTP/1.1 200 OK
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[7] != '0' && line[7] != '1' || line[8] != ' ' {
		return fmt.Errorf("%w: its first line is none", errAnswer)
	}
	status, ok := number(line[9:12], 10)
	if !ok || status < 100 || len(line) > 12 && line[12] != ' ' {
		return fmt.Errorf("%w: its status is none", errAnswer)
	}
	*h = head{
		status: int(status), requestID: h.requestID[:0], invocationID: h.invocationID[:0], extensionID: h.extensionID[:0],
		body: h.body, length: -1, last: line[7] == '0', old: line[7] == '0',
	}
	for {
		line, cut, err := readLine(in)
		if err != nil {
			return err
		}
		if len(line) == 0 {
			return nil
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if !ok || !token(name) || !printable(value) {
			return fmt.Errorf("%w: a header that is none", errAnswer)
		}
		if err := h.field(name, bytes.Trim(value, " \t"), cut); err != nil {
			return err
		}
	}
}

// field takes a header if the loop needs it. cut says that the line was too long to be kept whole.
func (h *head) field(name, value []byte, cut bool) error {
	known, good := true, true
	switch {
	case ascii.EqualFold(name, "lambda-runtime-aws-request-id"):
		good = once(&h.requestID, value)
	case ascii.EqualFold(name, "lambda-runtime-invocation-id"):
		good = once(&h.invocationID, value)
	case ascii.EqualFold(name, "lambda-extension-identifier"):
		good = once(&h.extensionID, value)
	case ascii.EqualFold(name, "lambda-runtime-deadline-ms"):
		if ms, ok := number(value, 10); ok && ms > 0 {
			at := time.UnixMilli(ms)
			good = h.deadline.IsZero() || h.deadline.Equal(at)
			h.deadline = at
		}
	case ascii.EqualFold(name, "content-length"):
		n, ok := number(value, 10)
		good = ok && n <= maxPayload && (h.length < 0 || h.length == n)
		h.length = n
	case ascii.EqualFold(name, "transfer-encoding"):
		good = ascii.EqualFold(value, "chunked") && !h.old && !h.chunked
		h.chunked = true
	case ascii.EqualFold(name, "connection"):
		for more := true; more; {
			var option []byte
			option, value, more = bytes.Cut(value, []byte{','})
			h.last = h.last || ascii.EqualFold(bytes.Trim(option, " \t"), "close")
		}
	default:
		known = false
	}
	if known && (cut || !good) {
		return fmt.Errorf("%w: its %s can't be read", errAnswer, name)
	}
	return nil
}

// once takes a value that an answer may have once: of two the loop can't know which is meant.
func once(into *[]byte, value []byte) bool {
	good := len(*into) == 0 || bytes.Equal(*into, value)
	*into = append((*into)[:0], value...)
	return good
}

// number reads digits, and nothing else: strconv takes signs as well.
func number(text []byte, base int) (n int64, ok bool) {
	if len(text) == 0 || text[0] == '+' || text[0] == '-' {
		return 0, false
	}
	n, err := strconv.ParseInt(string(text), base, 64)
	return n, err == nil
}

// token reports whether a text may be a header's name. A blank in it would hide it: "Content-Length : 5".
func token(text []byte) bool {
	for _, b := range text {
		if 'a' <= b|0x20 && b|0x20 <= 'z' || b == '-' {
			continue // nearly always
		}
		if b <= ' ' || b >= 0x7f || bytes.IndexByte(separators, b) >= 0 {
			return false
		}
	}
	return len(text) > 0
}

func printable(text []byte) bool {
	for _, b := range text {
		if b < ' ' && b != '\t' || b == 0x7f {
			return false
		}
	}
	return true
}

var separators = []byte(`"(),/:;<=>?@[\]{}`)

// readLine reads a line without its end. cut says that only its beginning was kept.
func readLine(in *bufio.Reader) (line []byte, cut bool, err error) {
	line, err = in.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		if !cut {
			line, cut = bytes.Clone(line), true
		}
		_, err = in.ReadSlice('\n')
	}
	line, _ = bytes.CutSuffix(line, []byte{'\n'})
	line, _ = bytes.CutSuffix(line, []byte{'\r'})
	return line, cut, err
}

func (h *head) readChunks(in *bufio.Reader) error {
	h.body = h.body[:0]
	for {
		line, _, err := readLine(in)
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte{';'})
		n, ok := number(bytes.TrimRight(size, " \t"), 16)
		if !ok {
			return fmt.Errorf("%w: a chunk's size is none", errAnswer)
		}
		if n == 0 {
			break
		}
		if err := h.readSome(in, n); err != nil {
			return err
		}
		if line, _, err := readLine(in); err != nil || len(line) > 0 {
			return fmt.Errorf("%w: a chunk doesn't end", errAnswer)
		}
	}
	for { // trailers
		line, _, err := readLine(in)
		if err != nil || len(line) == 0 {
			return err
		}
	}
}

// readSome appends n bytes to the body.
func (h *head) readSome(in *bufio.Reader, n int64) error {
	if n > maxPayload-int64(len(h.body)) {
		return fmt.Errorf("%w: it is too large", errAnswer)
	}
	start := len(h.body)
	if need := start + int(n); need > cap(h.body) {
		grown := make([]byte, need)
		copy(grown, h.body)
		h.body = grown
	}
	h.body = h.body[:start+int(n)]
	_, err := io.ReadFull(in, h.body[start:])
	return err
}

func (h *head) readAll(in *bufio.Reader) error {
	all, err := io.ReadAll(io.LimitReader(in, maxPayload+1))
	if err == nil && len(all) > maxPayload {
		err = fmt.Errorf("%w: it is too large", errAnswer)
	}
	h.body = all
	return err
}
