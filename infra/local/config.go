package main

import (
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// config has the settings of the environment and the command line.
type config struct {
	root, template, dataDir string
	ports                   map[string]int // by the API's logical ID; 0 is a free one
	doors                   map[string]int // the same of other services, by the template's parameter
	issuerName              string         // the host in the issuer's URL
	bridge                  netip.Addr     // where the other services are too; the zero value is nowhere
	idle, grace             time.Duration
	maxEnvironments         int
	dynamoEndpoint          string
	trustedEngine           string // SHA-256 of a DynamoDB server that this repository doesn't know
	region                  string
	credentials             [3]string         // access key ID, secret access key, session token, of another DynamoDB
	parameters              map[string]string // LATCHKEY_PARAM_<Name>
	refreshOnce             bool              // the issuer takes each refresh token once
	accessLife              time.Duration     // of the issuer's access tokens
	seed                    bool
	noBuild                 bool // run the binaries that are there
	noRedaction             bool // of the log
	noThrottle              bool // of the APIs, neither of stages nor of single methods
	color                   bool
	permissions             string     // a file that is told which permissions are used
	logLevel                slog.Level // of what functions log
	invoke, event           string
	job, dueBy              string
}

func readConfig(args []string, env func(string) string, all []string) (config, error) {
	root, err := moduleRoot()
	if err != nil {
		return config{}, err
	}
	c := config{root: root, region: "us-east-1", parameters: map[string]string{}, ports: map[string]int{}}
	f := flag.NewFlagSet("local", flag.ContinueOnError)
	f.StringVar(&c.template, "template", filepath.Join(root, "template.yaml"), "the SAM template")
	f.StringVar(&c.job, "job", "", "run this job once, on a stack that runs or on its data, and show its progress; there is only: rotation")
	f.StringVar(&c.dueBy, "due-by", "", "with -job rotation: also take keys that come due by this time (RFC 3339)")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if c.job != "" && c.job != "rotation" {
		return c, fmt.Errorf("unknown job %q; there is only: rotation", c.job)
	}
	if f.Arg(0) == "invoke" {
		c.invoke, c.event = f.Arg(1), f.Arg(2)
		if c.invoke == "" {
			return c, errors.New("usage: local invoke FUNCTION [EVENT FILE]")
		}
	} else if f.NArg() > 0 {
		return c, fmt.Errorf("unknown command %q; there is only: invoke", f.Arg(0))
	}
	c.dataDir = env("LATCHKEY_DATA_DIR")
	if c.dataDir == "" {
		c.dataDir = filepath.Join(root, ".latchkey")
	}
	if c.dataDir, err = filepath.Abs(c.dataDir); err != nil {
		return c, err
	}
	for _, p := range []struct {
		api, name string
		port      int
	}{
		{"ProductsApi", "LATCHKEY_PRODUCTS_PORT", 8080},
		{"ManagementApi", "LATCHKEY_MANAGEMENT_PORT", 8081},
		{"ConsoleApi", "LATCHKEY_CONSOLE_PORT", 8082},
	} {
		if c.ports[p.api], err = number(env, p.name, p.port, 0, 65535); err != nil {
			return c, err
		}
	}
	if err := c.readDoors(env); err != nil {
		return c, err
	}
	return c, c.readRest(env, all)
}

func (c *config) readRest(env func(string) string, all []string) error {
	var err error
	var millis int
	if c.idle, err = seconds(env, "LATCHKEY_IDLE_SECONDS", 10); err != nil {
		return err
	}
	if millis, err = number(env, "LATCHKEY_SHUTDOWN_MS", 500, 1, 2000); err != nil {
		return err
	}
	c.grace = time.Duration(millis) * time.Millisecond
	if c.maxEnvironments, err = number(env, "LATCHKEY_MAX_ENVIRONMENTS", 64, 1, 1000); err != nil {
		return err
	}
	if c.accessLife, err = seconds(env, "LATCHKEY_ISSUER_ACCESS_SECONDS", 3600); err != nil {
		return err
	}
	switch env("LATCHKEY_ISSUER_REFRESH") {
	case "", "kept":
	case "once":
		c.refreshOnce = true
	default:
		return errors.New("LATCHKEY_ISSUER_REFRESH must be kept or once")
	}
	c.seed = env("LATCHKEY_SEED") != "off"
	c.noBuild = env("LATCHKEY_BUILD") == "off"
	c.noRedaction = env("LATCHKEY_REDACT") == "off"
	c.noThrottle = env("LATCHKEY_THROTTLE") == "off"
	c.permissions = env("LATCHKEY_PERMISSIONS_FILE")
	c.logLevel = slog.LevelWarn
	if v := env("LATCHKEY_LOG_LEVEL"); v != "" && c.logLevel.UnmarshalText([]byte(v)) != nil {
		return errors.New("LATCHKEY_LOG_LEVEL must be debug, info, warn or error")
	}
	c.trustedEngine = env("LATCHKEY_ENGINE_SHA256")
	c.credentials = [3]string{"local", "local", "local"}
	if c.dynamoEndpoint = env("DYNAMODB_ENDPOINT"); c.dynamoEndpoint != "" && env("AWS_ACCESS_KEY_ID") != "" {
		c.credentials = [3]string{env("AWS_ACCESS_KEY_ID"), env("AWS_SECRET_ACCESS_KEY"), env("AWS_SESSION_TOKEN")}
		if r := env("AWS_REGION"); r != "" {
			c.region = r
		}
	}
	for _, e := range all {
		name, value, _ := strings.Cut(e, "=")
		if p, ok := strings.CutPrefix(name, "LATCHKEY_PARAM_"); ok {
			c.parameters[p] = value
		}
	}
	info, err := os.Stdout.Stat()
	c.color = err == nil && info.Mode()&os.ModeCharDevice != 0 && env("NO_COLOR") == ""
	return nil
}

func number(env func(string) string, name string, d, low, high int) (int, error) {
	v := env(name)
	if v == "" {
		return d, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < low || n > high {
		return 0, fmt.Errorf("%s must be a number from %d to %d", name, low, high)
	}
	return n, nil
}

func seconds(env func(string) string, name string, d float64) (time.Duration, error) {
	if v := env(name); v != "" {
		n, err := strconv.ParseFloat(v, 64)
		if err != nil || !(0 < n && n <= 86400) { // which NaN is not
			return 0, fmt.Errorf("%s must be a number of seconds above 0", name)
		}
		d = n
	}
	return time.Duration(d * float64(time.Second)), nil
}

// moduleRoot is the folder of go.mod, from here upwards.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("run this inside the repository: there is no go.mod in this folder or above it")
		}
		dir = parent
	}
}
