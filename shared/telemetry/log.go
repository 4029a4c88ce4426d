// Package telemetry writes what operators watch: structured log lines, and metrics in CloudWatch's embedded format.
package telemetry

import (
	"io"
	"log/slog"
	"strings"
)

// The members that every log line has, by the names that Lambda's own JSON log lines have: one query finds the lines of
// every function. request_id is added where there is a request.
const (
	TimestampKey = "timestamp"
	LevelKey     = slog.LevelKey
	MessageKey   = "message"
	RequestKey   = "request_id"
)

// Logger makes the JSON logger of a function. The level is debug, info, warn or error; anything else is info.
func Logger(w io.Writer, level string) *slog.Logger {
	l := slog.LevelInfo
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: names}))
}

// names renames what slog names otherwise.
func names(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = TimestampKey
	case slog.MessageKey:
		a.Key = MessageKey
	}
	return a
}
