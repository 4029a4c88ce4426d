package restapi

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"latchkey/infra/local/template"
)

// bucket is a throttle: burst calls at once, rate a second after them.
type bucket struct {
	rate, burst float64

	mu     sync.Mutex
	tokens float64
	last   time.Time
}

// errThrottled is returned for a throttle of another kind than those that are played.
var errThrottled = errors.New("the local runner plays throttling of whole stages and of single methods, both by rate and burst")

// throttle reads MethodSettings: the throttle of the stage, for all methods of all paths, and those of single methods, which hold in its
// place. A method whose settings name no throttle has that of the stage.
func (a *API) throttle(settings []template.Map) error {
	for _, m := range settings {
		rate, burst := m.Int("ThrottlingRateLimit", -1), m.Int("ThrottlingBurstLimit", -1)
		switch {
		case rate < 0 && burst < 0:
			continue
		case rate < 0 || burst < 0:
			return errThrottled
		}
		b := &bucket{rate: float64(rate), burst: float64(burst), tokens: float64(burst)}
		verb, path := m.Text("HttpMethod"), m.Text("ResourcePath")
		if verb == "*" && path == "/*" {
			a.bucket = b
			continue
		}
		method, err := a.methodOf(verb, path)
		if err != nil {
			return err
		}
		method.bucket = b
	}
	return nil
}

// methodOf finds the method that settings name. CloudFormation takes the path with each slash but the first written as ~1, the
// path's own first one included: /~1v1~1leaks for /v1/leaks.
func (a *API) methodOf(verb, path string) (*method, error) {
	name, ok := strings.CutPrefix(path, "/")
	if !ok || strings.Contains(name, "/") || name != "" && !strings.HasPrefix(name, "~1") {
		return nil, fmt.Errorf("the resource path %s isn't written as CloudFormation takes it, as /~1v1~1leaks", path)
	}
	if name == "" {
		name = "~1"
	}
	method := a.methods[verb+" "+strings.ReplaceAll(name, "~1", "/")]
	if method == nil {
		return nil, fmt.Errorf("settings for %s %s, which the API doesn't have", verb, path)
	}
	return method, nil
}

// throttled reports whether the call is one too many for its method, or else for the stage.
func (x *exchange) throttled() bool {
	b := x.api.bucket
	if x.method.bucket != nil {
		b = x.method.bucket
	}
	return !x.api.opts.Unthrottled && !b.take(x.start)
}

// take says whether a call may pass now.
func (b *bucket) take(now time.Time) bool {
	if b == nil {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.last.IsZero() && now.After(b.last) {
		b.tokens = min(b.burst, b.tokens+b.rate*now.Sub(b.last).Seconds())
	}
	if now.After(b.last) {
		b.last = now
	}
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}
