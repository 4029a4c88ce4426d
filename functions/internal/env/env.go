// Package env supplies a function's environment variables, clock and randomness, and the audit rows that take their time and
// ID from them. Each is passed in as a value, so that tests can fix it.
package env

import (
	"fmt"
	"net"
	"strconv"
	"strings"
)

// Vars reads a function's environment variables, and collects those that are missing.
type Vars struct {
	get     func(string) string
	missing []string
}

// New reads from getenv, which is os.Getenv outside of tests.
func New(getenv func(string) string) *Vars { return &Vars{get: getenv} }

// Need reads a variable that must be set. Err reports it if it isn't.
func (v *Vars) Need(name string) string {
	value := v.get(name)
	if value == "" {
		v.missing = append(v.missing, name)
	}
	return value
}

// Or reads a variable that has a default.
func (v *Vars) Or(name, otherwise string) string {
	if value := v.get(name); value != "" {
		return value
	}
	return otherwise
}

// Positive reads a variable's text as a whole number of 1 or more.
func Positive(name, text string) (int, error) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return 0, fmt.Errorf("env: %s must be a whole number of 1 or more", name)
	}
	return n, nil
}

// Err names the variables that Need didn't find, all in one error; nil if there are none.
func (v *Vars) Err() error {
	if len(v.missing) == 0 {
		return nil
	}
	return fmt.Errorf("env: missing environment variables: %s", strings.Join(v.missing, ", "))
}

// Loopback reports whether a host, without a port, is this machine by a name or address that is nobody else's.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
