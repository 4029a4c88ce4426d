package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"latchkey/infra/local/environments"
	"latchkey/infra/local/issuer"
	"latchkey/infra/local/runfile"
	"latchkey/infra/local/wire"
)

const (
	invokePrefix = "/2015-03-31/functions/"
	invokeSuffix = "/invocations"
)

// control is Lambda's Invoke API, a list of the environments that are alive, and the sign-in's failures on demand.
func (s *stack) control(r *wire.Request) wire.Response {
	if strings.HasPrefix(r.Get("Origin"), "http") {
		return controlError(http.StatusForbidden, "not for web pages")
	}
	if r.Path == "/environments" && r.Method == http.MethodGet {
		list := s.pool.Environments()
		if list == nil {
			list = []environments.Info{}
		}
		doc, _ := json.Marshal(list)
		return wire.Response{Status: http.StatusOK, Headers: jsonType, Body: doc}
	}
	if r.Path == "/issuer/faults" && r.Method == http.MethodPost {
		var f issuer.Fault
		if err := json.Unmarshal(r.Body, &f); err != nil {
			return controlError(http.StatusBadRequest, "a fault is JSON: status, times, retry_after, grant")
		}
		if err := s.issuer.Fail(f); err != nil {
			return controlError(http.StatusBadRequest, err.Error())
		}
		return wire.Response{Status: http.StatusNoContent}
	}
	name, ok := strings.CutPrefix(r.Path, invokePrefix)
	name, ok2 := strings.CutSuffix(name, invokeSuffix)
	if !ok || !ok2 || r.Method != http.MethodPost {
		return controlError(http.StatusNotFound, "no such operation")
	}
	payload := r.Body
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	if !json.Valid(payload) {
		return controlError(http.StatusBadRequest, "the payload must be JSON")
	}
	if strings.EqualFold(r.Get("X-Amz-Invocation-Type"), "Event") {
		go func() { _, _, _ = s.pool.Invoke(context.Background(), name, payload) }()
		return wire.Response{Status: http.StatusAccepted}
	}
	answer, functionError, err := s.pool.Invoke(context.Background(), name, payload)
	switch {
	case errors.Is(err, environments.ErrUnknownFunction):
		return controlError(http.StatusNotFound, err.Error())
	case err != nil:
		return controlError(http.StatusServiceUnavailable, err.Error())
	}
	headers := jsonType
	if functionError != "" {
		headers = append(headers[:1:1], wire.Field{Name: "X-Amz-Function-Error", Value: functionError})
	}
	return wire.Response{Status: http.StatusOK, Headers: headers, Body: answer}
}

var jsonType = []wire.Field{{Name: "Content-Type", Value: "application/json"}}

func controlError(status int, message string) wire.Response {
	doc, _ := json.Marshal(map[string]string{"Message": message})
	return wire.Response{Status: status, Headers: jsonType, Body: doc}
}

// invoke calls one function of the stack that runs on the data directory.
func invoke(ctx context.Context, c config) error {
	run, err := runfile.Read(c.dataDir)
	if err != nil {
		return err
	}
	event := []byte("{}")
	if c.event != "" {
		if event, err = os.ReadFile(c.event); err != nil {
			return err
		}
	}
	answer, err := call(ctx, run.ControlURL, c.invoke, event)
	if err != nil {
		return err
	}
	fmt.Println(string(answer))
	return nil
}

// call is one call of Lambda's Invoke API.
func call(ctx context.Context, controlURL, function string, event []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, 16*time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, controlURL+invokePrefix+function+invokeSuffix, bytes.NewReader(event))
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Amz-Function-Error") != "" {
		return nil, fmt.Errorf("%s: %d %s", function, res.StatusCode, answer)
	}
	return answer, nil
}
