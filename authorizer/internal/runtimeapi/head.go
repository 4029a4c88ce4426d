package runtimeapi

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
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
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.")) || line[8] != ' ' {
		return fmt.Errorf("%w: its first line is none", errAnswer)
	}
	status, err := strconv.Atoi(string(line[9:12]))
	if err != nil || status < 100 {
		return fmt.Errorf("%w: its status is none", errAnswer)
	}
	*h = head{
		status: status, requestID: h.requestID[:0], invocationID: h.invocationID[:0], extensionID: h.extensionID[:0],
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
		if !ok {
			return fmt.Errorf("%w: a header without a colon", errAnswer)
		}
		if err := h.field(name, bytes.TrimSpace(value), cut); err != nil {
			return err
		}
	}
}

// field takes a header if the loop needs it. cut says that the line was too long to be kept whole.
func (h *head) field(name, value []byte, cut bool) error {
	var known bool
	switch {
	case is(name, "lambda-runtime-aws-request-id"):
		h.requestID, known = append(h.requestID[:0], value...), true
	case is(name, "lambda-runtime-invocation-id"):
		h.invocationID, known = append(h.invocationID[:0], value...), true
	case is(name, "lambda-extension-identifier"):
		h.extensionID, known = append(h.extensionID[:0], value...), true
	case is(name, "lambda-runtime-deadline-ms"):
		known = true
		if ms, err := strconv.ParseInt(string(value), 10, 64); err == nil && ms > 0 {
			h.deadline = time.UnixMilli(ms)
		}
	case is(name, "content-length"):
		n, err := strconv.ParseInt(string(value), 10, 64)
		if err != nil || n < 0 || n > maxPayload || h.length >= 0 && h.length != n {
			return fmt.Errorf("%w: its length is none", errAnswer)
		}
		h.length, known = n, true
	case is(name, "transfer-encoding"):
		if !is(value, "chunked") || h.old {
			return fmt.Errorf("%w: its transfer encoding is unknown", errAnswer)
		}
		h.chunked, known = true, true
	case is(name, "connection"):
		h.last, known = h.last || is(value, "close"), true
	}
	if known && cut {
		return fmt.Errorf("%w: a header is too long", errAnswer)
	}
	return nil
}

// is compares a text with one in lower case, without regard to case.
func is(text []byte, lower string) bool {
	if len(text) != len(lower) {
		return false
	}
	for i, b := range text {
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

// readLine reads a line without its end. cut says that only its beginning was kept.
func readLine(in *bufio.Reader) (line []byte, cut bool, err error) {
	line, err = in.ReadSlice('\n')
	for errors.Is(err, bufio.ErrBufferFull) {
		if !cut {
			line, cut = bytes.Clone(line), true
		}
		_, err = in.ReadSlice('\n')
	}
	return bytes.TrimRight(line, "\r\n"), cut, err
}

func (h *head) readChunks(in *bufio.Reader) error {
	h.body = h.body[:0]
	for {
		line, _, err := readLine(in)
		if err != nil {
			return err
		}
		size, _, _ := bytes.Cut(line, []byte{';'})
		n, err := strconv.ParseInt(string(bytes.TrimSpace(size)), 16, 64)
		if err != nil || n < 0 {
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
	if int64(len(h.body))+n > maxPayload {
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
