// Package telemetry writes what operators watch: structured log lines, and metrics in CloudWatch's embedded format.
package telemetry

import (
	"io"
	"log/slog"
	"strings"
)

// Logger makes the JSON logger of a function. The level is debug, info, warn or error; anything else is info.
func Logger(w io.Writer, level string) *slog.Logger {
	l := slog.LevelInfo
	if err := l.UnmarshalText([]byte(strings.ToUpper(level))); err != nil {
		l = slog.LevelInfo
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l, ReplaceAttr: names}))
}

// names gives the standard members the names that Lambda's own JSON log lines have.
func names(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}
