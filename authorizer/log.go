package main

import (
	"io"
	"runtime"
	"strconv"
	"strings"

	"latchkey/authorizer/internal/apigw"
	"latchkey/shared/apikey"
	"latchkey/shared/origin"
	"latchkey/shared/telemetry"
)

// sampleEvery is the number of allowed calls that share one log line.
const sampleEvery = 100

// requestLog writes JSON lines: of a known key's refusals up to refusalsPerKey an hour, and a sample of the other refusals
// and of the allowed calls, so that no flood fills the log. No text of the caller's goes into it but the host of an origin
// that could be read, and, masked, the path and the request ID that a caller can choose: no query string, no header, no secret.
type requestLog struct {
	out      io.Writer
	prefix   string     // of secrets, with its underscore
	buf      []byte     // the line that isn't written yet
	calls    codeCounts // of the codes that are sampled
	hour     int64
	refusals map[apikey.ID]int // lines of the hour
}

const (
	refusalsPerKey = 50   // lines of a key and hour
	maxLoggedKeys  = 4096 // that have lines of their own in an hour
)

// sampled reports whether a call has a line. Of a sample it is the first one of sampleEvery.
func (l *requestLog) sampled(now moment, o *outcome) (line, sample bool) {
	if !o.Decision.Allowed() && o.Key != "" {
		return l.takesRefusal(now, o.Key), false
	}
	return l.calls.add(o.Decision.Code)%sampleEvery == 1, true
}

// takesRefusal counts a refusal of a known key, and reports whether it has a line.
func (l *requestLog) takesRefusal(now moment, key apikey.ID) bool {
	if hour := now.wall.Unix() / 3600; hour != l.hour || l.refusals == nil {
		l.hour, l.refusals = hour, map[apikey.ID]int{}
	}
	n, known := l.refusals[key]
	if n >= refusalsPerKey || !known && len(l.refusals) >= maxLoggedKeys {
		return false
	}
	l.refusals[key] = n + 1
	return true
}

// decision makes the line of a call, which flush writes when the caller has the answer. It reports whether there is one.
func (l *requestLog) decision(now moment, event *apigw.Event, o *outcome) (logged bool) {
	l.flush()
	line, sample := l.sampled(now, o)
	level, message := "INFO", "allowed"
	if !o.Decision.Allowed() {
		level, message = "WARN", "refused"
	}
	if !line {
		return false
	}
	b := appendStart(l.buf[:0], now, level, message)
	b = appendField(b, `","code":"`, string(o.Decision.Code))
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, int64(apigw.Status(o.Decision.Code)), 10)
	b = l.appendID(b, `,"`+telemetry.RequestKey+`":"`, event.RequestID)
	if event.ExtendedID != "" {
		b = appendField(b, `","extended_request_id":"`, event.ExtendedID)
	}
	b = appendPath(b, `","path":"`, event.RoutePath, l.prefix)
	b = appendField(b, `","key_id":"`, string(o.Key))
	b = appendField(b, `","account_id":"`, string(o.Account))
	b = appendField(b, `","product":"`, string(o.Decision.Product))
	b = appendField(b, `","class":"`, string(o.Decision.Class))
	if o.Presence == origin.Known {
		b = appendField(b, `","origin":"`, o.Origin.Name())
	} else {
		b = appendField(b, `","origin":"`, "("+o.Presence.String()+")")
	}
	if o.Decision.Shadow != "" {
		b = appendField(b, `","shadow":"`, string(o.Decision.Shadow))
	}
	if sample {
		b = append(b, `","sample":`...)
		b = strconv.AppendInt(b, sampleEvery, 10)
		b = append(b, "}\n"...)
	} else {
		b = append(b, "\"}\n"...)
	}
	l.buf = b
	return true
}

func (l *requestLog) flush() {
	if len(l.buf) > 0 {
		_, _ = l.out.Write(l.buf)
		l.buf = l.buf[:0]
	}
}

// hidesSecret reports whether a host has what looks like a secret of this stack, as when somebody puts one where a page's
// address belongs: with the prefix and an underscore anywhere, or all of it in any case of letters, with or without the prefix.
// Such a host is neither logged nor counted.
func (c config) hidesSecret(host string) bool {
	for i := range host {
		if end := i + len(c.prefix); end < len(host) && host[end] == '_' && host[i:end] == string(c.prefix) {
			return true
		}
	}
	return len(host) > 32 && (c.prefix.Resembles(host) || apikey.HoldsBody(host))
}

// panicked returns the function and line where the current panic began. It leaves out the value, which may hold a secret.
func panicked() string {
	var at [32]uintptr
	frames := runtime.CallersFrames(at[:runtime.Callers(3, at[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") {
			return f.Function + ":" + strconv.Itoa(f.Line)
		}
		if !more {
			return "unknown"
		}
	}
}

// internalError logs a call that could not be decided at all. The line leaves the event out: it may hold a secret.
func (l *requestLog) internalError(now moment, requestID, what string) {
	l.flush()
	b := appendStart(l.buf[:0], now, "ERROR", "authorizer error")
	b = appendField(b, `","what":"`, what)
	b = l.appendID(b, `","`+telemetry.RequestKey+`":"`, requestID)
	b = append(b, "\"}\n"...)
	l.buf = b
	l.flush()
}

// appendStart writes what every line begins with, up to the last quote of the message. It does what telemetry.Logger
// does for all other functions, without slog, which would allocate on calls that allocate next to nothing.
func appendStart(b []byte, now moment, level, message string) []byte {
	b = append(b, `{"`+telemetry.TimestampKey+`":"`...)
	b = now.wall.UTC().AppendFormat(b, "2006-01-02T15:04:05.000Z")
	b = appendField(b, `","`+telemetry.LevelKey+`":"`, level)
	return appendField(b, `","`+telemetry.MessageKey+`":"`, message)
}

// appendID writes a request ID, unless it may hold a secret: a caller can choose it.
func (l *requestLog) appendID(b []byte, before, id string) []byte {
	if mayHoldSecret(id, l.prefix) {
		id = "[masked]"
	}
	return appendField(b, before, id)
}

const maxField = 253 // the longest host

// appendField writes the text before a value and the value, with every character that is not plain replaced.
func appendField(b []byte, before, value string) []byte {
	b = append(b, before...)
	for i := range min(len(value), maxField) {
		c := value[i]
		if c < ' ' || c == '"' || c == '\\' || c >= 0x7f {
			c = '?'
		}
		b = append(b, c)
	}
	return b
}

// logRuntime reports what went wrong between the gate and Lambda and was survived.
func (g *Gate) logRuntime(message string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.log.internalError(g.clock.now(), string(g.request), message)
}
