package restapi

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/infra/local/template"
)

// TestEveryThrottleOfTheTemplateIsPlayed: each method of each API that has settings of its own lets its burst through and then its
// rate, and the calls that it refuses, or takes, are none of the stage's.
func TestEveryThrottleOfTheTemplateIsPlayed(t *testing.T) {
	tpl, err := template.Load("../../../template.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	apis, err := tpl.Of("AWS::Serverless::Api")
	if err != nil {
		t.Fatal(err)
	}
	own := 0
	for _, r := range apis {
		properties, err := tpl.Properties(r)
		if err != nil {
			t.Fatal(err)
		}
		a, err := New(tpl, r, Options{Invoker: &functions{events: map[string][]string{}, echo: ok(`{"statusCode":200}`)}})
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range properties.Maps("MethodSettings") {
			verb, path := m.Text("HttpMethod"), strings.ReplaceAll(strings.TrimPrefix(m.Text("ResourcePath"), "/"), "~1", "/")
			burst, rate := m.Int("ThrottlingBurstLimit", -1), m.Int("ThrottlingRateLimit", -1)
			if path == "*" {
				if b := a.bucket; b == nil || b.burst != float64(burst) || b.rate != float64(rate) {
					t.Errorf("%s: the stage has %+v", r.ID, b)
				}
				continue
			}
			own++
			passed := func(n int) (through int) {
				for range n {
					if a.Serve(request(verb, path, "{}")).Status != http.StatusTooManyRequests {
						through++
					}
				}
				return through
			}
			before := a.bucket.tokens
			bucket := a.methods[verb+" "+path].bucket
			bucket.rate = 0 // no time passes
			if n := passed(burst + 5); n != burst {
				t.Errorf("%s %s lets %d calls through at once, want %d", verb, path, n, burst)
			}
			bucket.rate, bucket.last = float64(rate), time.Now().Add(-time.Second)
			bucket.take(time.Now())
			if n := int(bucket.tokens) + 1; n < rate || n > rate+1 {
				t.Errorf("%s %s has %d calls back after a second, want %d", verb, path, n, rate)
			}
			if a.bucket.tokens != before {
				t.Errorf("%s %s takes calls of the stage's", verb, path)
			}
		}
	}
	if own < 2 {
		t.Errorf("%d methods have throttles of their own", own)
	}
}

// settings are those of the API of testdata/template.yaml.
func settings(list string) (before, after string) {
	return "      StageName: prod\n", "      StageName: prod\n      MethodSettings: [" + list + "]\n"
}

// TestAMethodsThrottleIsItsOwn: another method of the same path has that of the stage, also where its settings name none.
func TestAMethodsThrottleIsItsOwn(t *testing.T) {
	before, after := settings(`{ HttpMethod: '*', ResourcePath: '/*', ThrottlingRateLimit: 0, ThrottlingBurstLimit: 2 },
		{ HttpMethod: GET, ResourcePath: '/~1open', ThrottlingRateLimit: 0, ThrottlingBurstLimit: 1 }, { HttpMethod: POST, ResourcePath: '/~1open', LoggingLevel: 'OFF' }`)
	a, _ := apiOf(t, before, after)
	var got []int
	for _, verb := range []string{"GET", "GET", "POST", "POST", "POST", "GET"} {
		got = append(got, a.Serve(request(verb, "/open", "")).Status)
	}
	if want := []int{200, 429, 200, 200, 429, 429}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if a.opts.Unthrottled = true; a.Serve(get("/open")).Status != http.StatusOK {
		t.Error("a throttle that is left out refuses")
	}
}

// TestAThrottleThatCloudFormationWouldNotTakeStopsTheRun, and so does one of a method that isn't there: it would bound nothing.
func TestAThrottleThatCloudFormationWouldNotTakeStopsTheRun(t *testing.T) {
	raw, err := os.ReadFile("testdata/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for text, taken := range map[string]bool{
		"HttpMethod: GET, ResourcePath: '/~1open', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1": true,
		"HttpMethod: GET, ResourcePath: '/open', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1":   false,
		"HttpMethod: GET, ResourcePath: '~1open', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1":  false,
		"HttpMethod: PUT, ResourcePath: '/~1open', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1": false,
		"HttpMethod: GET, ResourcePath: '/~1gone', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1": false,
		"HttpMethod: GET, ResourcePath: '/', ThrottlingRateLimit: 1, ThrottlingBurstLimit: 1":       false, // there is no root here
		"HttpMethod: GET, ResourcePath: '/~1open', ThrottlingRateLimit: 1":                          false,
	} {
		before, after := settings("{ " + text + " }")
		tpl, err := template.Parse([]byte(strings.Replace(string(raw), before, after, 1)), ".", nil)
		if err != nil {
			t.Fatal(err)
		}
		apis, err := tpl.Of("AWS::Serverless::Api")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := New(tpl, apis[0], Options{}); (err == nil) != taken {
			t.Errorf("%s: %v", text, err)
		}
	}
}
