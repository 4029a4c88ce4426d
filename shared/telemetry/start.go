package telemetry

import (
	"os"
	"time"
)

// Abort ends a process that can't start, with a log line like all others that says why. It doesn't return.
func Abort(err error) { end("the function can't start", err) }

// AbortRunning is Abort for a process that has started, and can't go on.
func AbortRunning(err error) { end("the function can't go on", err) }

func end(message string, err error) {
	_, _ = os.Stderr.Write(lastLine(time.Now(), message, err))
	os.Exit(1)
}

// lastLine is made without slog: the gate is to link no log handler. The message needs no escapes.
func lastLine(now time.Time, message string, err error) []byte {
	b := append([]byte(`{"`+TimestampKey+`":"`), now.UTC().Format(time.RFC3339Nano)...)
	b = append(b, `","`+LevelKey+`":"ERROR","`+MessageKey+`":"`+message+`","error":`...)
	return append(AppendString(b, err.Error()), '}', '\n')
}
