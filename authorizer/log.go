package main

import (
	"io"
	"runtime"
	"strconv"
	"strings"

	"latchkey/authorizer/internal/apigw"
	"latchkey/shared/origin"
	"latchkey/shared/telemetry"
)

// sampleEvery is the number of allowed calls that share one log line.
const sampleEvery = 100

// requestLog writes one JSON line for every refusal and for a sample of the allowed calls. No text of the caller's
// goes into it but the host of an origin that could be read: no path, no query string, no header, no secret.
type requestLog struct {
	out     io.Writer
	buf     []byte // the line that isn't written yet
	allowed int
}

// decision makes the line of a call, which flush writes when the caller has the answer.
func (l *requestLog) decision(now moment, event *apigw.Event, o *outcome) {
	l.flush()
	level, message := "INFO", "allowed"
	if o.Decision.Allowed() {
		if l.allowed++; l.allowed%sampleEvery != 1 {
			return
		}
	} else {
		level, message = "WARN", "refused"
	}
	b := appendStart(l.buf[:0], now, level, message)
	b = appendField(b, `","code":"`, string(o.Decision.Code))
	b = append(b, `","status":`...)
	b = strconv.AppendInt(b, int64(apigw.Status(o.Decision.Code)), 10)
	b = appendField(b, `,"`+telemetry.RequestKey+`":"`, event.RequestID)
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
	if o.Decision.Allowed() {
		b = append(b, `","sample":`...)
		b = strconv.AppendInt(b, sampleEvery, 10)
		b = append(b, "}\n"...)
	} else {
		b = append(b, "\"}\n"...)
	}
	l.buf = b
}

func (l *requestLog) flush() {
	if len(l.buf) > 0 {
		_, _ = l.out.Write(l.buf)
		l.buf = l.buf[:0]
	}
}

// hidesSecret reports whether a host has a label that looks like a secret of this stack, as when somebody puts one where
// a page's address belongs. Such a host is neither logged nor counted.
func (c config) hidesSecret(host string) bool {
	start := string(c.prefix) + "_"
	return strings.HasPrefix(host, start) || strings.Contains(host, "."+start)
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
	b = appendField(b, `","`+telemetry.RequestKey+`":"`, requestID)
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
	g.log.internalError(g.clock.now(), g.call.requestID, message)
}
