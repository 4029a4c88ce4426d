package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"latchkey/infra/local/redact"
	"latchkey/infra/local/restapi"
)

// logger writes one line for each thing that happens. Nothing passes it unredacted but the ready lines, unless plain is set:
// tests that look for secrets must see what somebody has logged.
type logger struct {
	mu    sync.Mutex
	out   io.Writer
	color bool
	plain bool
	level slog.Level // of functions' JSON lines; those below it are left out
}

const (
	plain  = "0"
	grey   = "90"
	red    = "31"
	green  = "32"
	yellow = "33"
	cyan   = "36"
)

func (l *logger) paint(color, s string) string {
	if !l.color || color == plain {
		return s
	}
	return "\x1b[" + color + "m" + s + "\x1b[0m"
}

// raw writes a line as it is. Only for what is meant to show a secret.
func (l *logger) raw(s string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.out, s+"\n")
}

func (l *logger) write(color, s string) {
	if !l.plain {
		s = redact.Line(s)
	}
	l.raw(l.paint(grey, time.Now().Format("15:04:05.000")) + " " + l.paint(color, s))
}

func (l *logger) say(format string, args ...any)  { l.write(plain, fmt.Sprintf(format, args...)) }
func (l *logger) warn(format string, args ...any) { l.write(yellow, fmt.Sprintf(format, args...)) }

// output is a line of a function, or of the pool about one. As Lambda's own filter does, it drops JSON lines below a
// level; the runner's line about the call says what they repeat.
func (l *logger) output(function string, number int, stream, line string) {
	if stream != "" && levelOf(line) < l.level {
		return
	}
	color := grey
	switch stream {
	case "stderr":
		color = plain
	case "":
		color = yellow
	}
	l.write(color, fmt.Sprintf("%s#%d | %s", function, number, line))
}

// levelOf is the level of a JSON log line. Metrics in the embedded format are details, all other text is an error's.
func levelOf(line string) slog.Level {
	var doc struct {
		Level   string          `json:"level"`
		Metrics json.RawMessage `json:"_aws"`
	}
	level := slog.LevelError
	if !strings.HasPrefix(line, "{") || json.Unmarshal([]byte(line), &doc) != nil {
		return level
	}
	if doc.Metrics != nil {
		return slog.LevelDebug
	}
	_ = level.UnmarshalText([]byte(doc.Level))
	return level
}

// call is the line of one call of an API.
func (l *logger) call(c restapi.Line) {
	color := green
	switch {
	case c.Status >= 500:
		color = red
	case c.Status >= 400:
		color = yellow
	case c.Status >= 300:
		color = cyan
	}
	by := ""
	if c.Function != "" {
		by = fmt.Sprintf("  %s#%d", c.Function, c.Environment)
		if c.Cold {
			by += " cold"
		}
	}
	path := c.Path
	if len(path) > 200 {
		path = path[:200] + "…"
	}
	s := fmt.Sprintf("%s %s %s %d", c.API, c.Method, path, c.Status)
	if c.Code != "" {
		s += " " + c.Code
	}
	s += fmt.Sprintf(" %.1fms%s", float64(c.Took.Microseconds())/1000, by)
	if c.Detail != "" {
		s += "  (" + c.Detail + ")"
	}
	l.write(color, s)
}
