package telemetry

import (
	"os"
	"time"
)

// Abort ends a process that can't start, with a log line like all others that says why. It doesn't return.
func Abort(err error) {
	_, _ = os.Stderr.Write(startFailed(time.Now(), err))
	os.Exit(1)
}

// startFailed is that line, without slog: the gate is to link no log handler.
func startFailed(now time.Time, err error) []byte {
	b := append([]byte(`{"`+TimestampKey+`":"`), now.UTC().Format(time.RFC3339Nano)...)
	b = append(b, `","`+LevelKey+`":"ERROR","`+MessageKey+`":"the function can't start","error":`...)
	return append(AppendString(b, err.Error()), '}', '\n')
}
