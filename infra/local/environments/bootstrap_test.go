package environments

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	apiBase = "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API")
	client  = &http.Client{}
)

func post(path string, headers map[string]string, body string) *http.Response {
	req, _ := http.NewRequest(http.MethodPost, apiBase+path, strings.NewReader(body)) //nolint:noctx // ends with the process
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	res, err := client.Do(req)
	if err != nil {
		os.Exit(9)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	return res
}

// bootstrap is a tiny runtime that does what its events say.
func bootstrap() {
	fmt.Println("hello")
	if os.Getenv("TEST_INIT") == "broken" {
		post("/2018-06-01/runtime/init/error", nil, `{"errorType":"Init","errorMessage":"no table"}`)
		os.Exit(1)
	}
	if kind := os.Getenv("TEST_EXTENSION"); kind != "" {
		register(kind)
	}
	for {
		res, err := client.Get(apiBase + "/2018-06-01/runtime/invocation/next") //nolint:noctx // ends with the process
		if err != nil {
			os.Exit(9)
		}
		body, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		id := res.Header.Get("Lambda-Runtime-Aws-Request-Id")
		what, answer := handle(body, res.Header)
		post("/2018-06-01/runtime/invocation/"+id+"/"+what, nil, answer)
	}
}

func handle(body []byte, h http.Header) (what, answer string) {
	var e struct {
		Fail string
		Exit int
		Hang bool
		Env  bool
		Meet int
		Dir  string
	}
	_ = json.Unmarshal(body, &e)
	switch {
	case e.Fail != "":
		doc, _ := json.Marshal(map[string]string{"errorMessage": e.Fail, "errorType": "errorString"})
		return "error", string(doc)
	case e.Exit != 0:
		os.Exit(e.Exit)
	case e.Hang:
		select {}
	case e.Meet > 0:
		meet(e.Meet, e.Dir)
	case e.Env:
		v := map[string]string{"arn": h.Get("Lambda-Runtime-Invoked-Function-Arn"), "trace": h.Get("Lambda-Runtime-Trace-Id")}
		for _, s := range os.Environ() {
			k, val, _ := strings.Cut(s, "=")
			v[k] = val
		}
		ms, _ := strconv.ParseInt(h.Get("Lambda-Runtime-Deadline-Ms"), 10, 64)
		v["left"] = strconv.FormatInt(int64(time.Until(time.UnixMilli(ms))), 10)
		doc, _ := json.Marshal(v)
		return "response", string(doc)
	}
	return "response", string(bytes.TrimSpace(body))
}

// meet returns once n processes are in here at the same time.
func meet(n int, dir string) {
	shared := filepath.Dir(dir) // each call has a folder of its own below the test's
	_ = os.WriteFile(filepath.Join(shared, "met-"+strconv.Itoa(os.Getpid())), nil, 0o600)
	for {
		if files, _ := filepath.Glob(filepath.Join(shared, "met-*")); len(files) >= n {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func register(kind string) {
	events := `{"events":[]}`
	if kind == "invoke" {
		events = `{"events":["INVOKE"]}`
	}
	id := post("/2020-01-01/extension/register", map[string]string{"Lambda-Extension-Name": "own"}, events).
		Header.Get("Lambda-Extension-Identifier")
	term := make(chan os.Signal, 1)
	signal.Notify(term, syscall.SIGTERM)
	go func() {
		<-term
		if kind == "deaf" {
			return
		}
		if file := os.Getenv("TEST_FLUSH"); file != "" {
			_ = os.WriteFile(file, nil, 0o600)
		}
		os.Exit(0)
	}()
	go func() {
		for {
			req, _ := http.NewRequest(http.MethodGet, apiBase+"/2020-01-01/extension/event/next", nil) //nolint:noctx // ends with the process
			req.Header.Set("Lambda-Extension-Identifier", id)
			res, err := client.Do(req)
			if err != nil {
				return
			}
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
			if file := os.Getenv("TEST_AFTER"); file != "" {
				for _, err := os.Stat(file + ".go"); err != nil; _, err = os.Stat(file + ".go") {
					time.Sleep(time.Millisecond)
				}
				_ = os.WriteFile(file, nil, 0o600)
			}
		}
	}()
}

// parent starts an environment, keeps it at work and says which process it is.
func parent() {
	exe, _ := os.Executable()
	env := map[string]string{"TEST_ROLE": "bootstrap"}
	p := New([]Function{{Name: "F", Bootstrap: exe, Timeout: time.Hour, Env: env}}, Options{Idle: time.Hour})
	go func() { _, _ = p.Call(context.Background(), "F", []byte(`{"hang":true}`), "") }()
	for {
		if list := p.Environments(); len(list) == 1 && list[0].State == "busy" {
			_ = os.WriteFile(os.Getenv("TEST_PID"), []byte(strconv.Itoa(list[0].PID)), 0o600)
			select {}
		}
		time.Sleep(time.Millisecond)
	}
}
