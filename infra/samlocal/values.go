package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"latchkey/infra/local/runfile"
	"latchkey/infra/local/way"
)

// valuesOf makes what events name, on the local run of a data directory.
func valuesOf(ctx context.Context, data string) (map[string]string, error) {
	r, err := runfile.Read(data)
	if err != nil {
		return nil, err
	}
	if !strings.Contains(r.IssuerURL, way.Host) {
		return nil, errors.New("containers can't reach the local run: start it by `make sam-local`")
	}
	return values(ctx, r, time.Now())
}

// samStack is the name of the stack for SAM, which delivered secrets bear.
const samStack = "local"

// reader is the customer's role that may read the secret of the key that is delivered.
const reader = "arn:aws:iam::000000000000:role/reader"

// values makes what events name: keys in the states that they need, by the management API.
func values(ctx context.Context, r runfile.File, now time.Time) (map[string]string, error) {
	v := map[string]string{
		"demo_secret": r.DemoSecret, "demo_account": r.DemoAccount, "token_owner": r.Tokens["owner"],
		"token_operator": r.Tokens["operator"],
		"now_ms":         strconv.FormatInt(now.UnixMilli(), 10), "hour": strconv.FormatInt(now.Unix()/3600, 10),
		"version": "00000000-0000-4000-8000-" + fmt.Sprintf("%012d", now.UnixMilli()%1e12),
	}
	for _, name := range []string{"key", "disabled", "delivered"} {
		var made struct {
			ID     string `json:"id"`
			Secret string `json:"secret"`
		}
		path := "/v1/accounts/" + r.DemoAccount + "/keys"
		if err := call(ctx, r, http.MethodPost, path, `{"name":"sam `+name+`","usage":"backend","products":["map-display"]}`, &made); err != nil {
			return nil, err
		}
		v[name+"_id"], v[name+"_secret"] = made.ID, made.Secret
	}
	if err := call(ctx, r, http.MethodPost, "/v1/accounts/"+r.DemoAccount+"/keys/"+v["disabled_id"]+"/disable", "", nil); err != nil {
		return nil, err
	}
	v["secret_arn"] = "arn:aws:secretsmanager:us-east-1:000000000000:secret:latchkey/" + samStack + "/" + r.DemoAccount + "/" + v["delivered_id"] + "-AbCdEf"
	return v, call(ctx, r, http.MethodPut, "/v1/accounts/"+r.DemoAccount+"/keys/"+v["delivered_id"]+"/rotation-policy", `{"every_days":30,"principal":"`+reader+`"}`, nil)
}

// call calls the management API of the local run as the owner of the demo account.
func call(ctx context.Context, r runfile.File, method, path, body string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, r.ManagementURL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+r.Tokens["owner"])
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %s", method, path, response.StatusCode, raw)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(raw, into)
}

var placeholder = regexp.MustCompile(`\$\{([a-z_]+)\}`)

// fill puts values in place of their names. A name without a value is an error.
func fill(text []byte, values map[string]string) ([]byte, error) {
	var err error
	filled := placeholder.ReplaceAllFunc(text, func(m []byte) []byte {
		value, ok := values[string(m[2:len(m)-1])]
		if !ok {
			err = fmt.Errorf("nothing has the value %s", m)
		}
		return []byte(value)
	})
	return filled, err
}
