package e2e

import (
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"
	"time"
)

// outcomes counts a client's answers by outcome.
type outcomes struct {
	mu    sync.Mutex
	calls map[string]int
}

// call makes one call and notes its outcome.
func (l *outcomes) call(t testing.TB, path string, header http.Header) {
	a := shared.product(t, path, header)
	outcome := "allowed"
	if a.status != http.StatusOK {
		outcome = a.json(t)["code"].(string)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[outcome]++
}

// TestAThousandCallsAreCountedAsTheirCallersSawThem sends mixed calls of two keys at once, and wants the API's totals to be
// those of the answers within 30 s: by then the idle environments have been shut down and reported all they had.
func TestAThousandCallsAreCountedAsTheirCallersSawThem(t *testing.T) {
	t.Parallel()
	open, secret := shared.enterpriseKey(t, "counted", "map-display", "search")
	locked := shared.want(t, 201, "enterprise_owner", "POST", "/v1/accounts/"+shared.Enterprise+"/keys",
		`{"name":"locked","usage":"frontend","products":["map-display"],"domains":["*.example.com"]}`)
	tiles, lockedTiles := tile+secret, tile+locked["secret"].(string)
	from := func(origin string) http.Header { return http.Header{"Origin": {origin}} }
	calls := []func(*outcomes, *outcomes){
		func(a, _ *outcomes) { a.call(t, tiles, nil) },
		func(a, _ *outcomes) { a.call(t, tiles, from("https://shop.example.org")) },
		func(a, _ *outcomes) { a.call(t, "/routing/1/calculateRoute/52.5,13.4:48.9,2.4/json?key="+secret, nil) },
		func(a, _ *outcomes) { a.call(t, searchPath+secret, nil) }, // 5 a second: most are too many
		func(_, b *outcomes) { b.call(t, lockedTiles, from("https://www.example.com")) },
		func(_, b *outcomes) { b.call(t, lockedTiles, from("https://evil.example")) },
		func(_, b *outcomes) { b.call(t, lockedTiles, nil) },
		func(_, b *outcomes) { b.call(t, "/map/%2e%2e/search?key="+locked["secret"].(string), nil) },
	}
	ofOpen, ofLocked := &outcomes{calls: map[string]int{}}, &outcomes{calls: map[string]int{}}
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := worker; i < 1000; i += 8 {
				calls[i*5%len(calls)](ofOpen, ofLocked)
				if i%50 == worker { // strangers' calls belong to nobody
					shared.product(t, tile+unknownSecret, nil)
				}
			}
		})
	}
	wg.Wait()
	ended := time.Now()
	if ofOpen.calls["qps_exceeded"] == 0 || ofOpen.calls["product_not_allowed"] == 0 || ofLocked.calls["path_not_canonical"] == 0 {
		t.Errorf("the calls aren't mixed: %v, %v", ofOpen.calls, ofLocked.calls)
	}
	for id, want := range map[string]map[string]int{open: ofOpen.calls, locked["id"].(string): ofLocked.calls} {
		shared.counted(t, id, want, ended)
	}
	shared.want(t, 404, "owner", "GET", "/v1/accounts/"+shared.Enterprise+"/usage", "")
}

// counted waits until a key's usage is what was seen. More than that must never be shown.
func (s *stack) counted(t testing.TB, key string, want map[string]int, since time.Time) {
	t.Helper()
	sum := 0
	for _, n := range want {
		sum += n
	}
	for {
		u := s.want(t, 200, "enterprise_owner", "GET", "/v1/accounts/"+s.Enterprise+"/keys/"+key+"/usage", "")
		totals := u["totals"].(map[string]any)
		got := map[string]int{}
		for code, n := range totals["by_reason"].(map[string]any) {
			got[code] = int(n.(float64))
		}
		if n := int(totals["allowed"].(float64)); n > 0 {
			got["allowed"] = n
		}
		series := 0
		for _, p := range u["series"].([]any) {
			series += int(p.(map[string]any)["requests"].(float64))
		}
		if maps.Equal(got, want) && int(totals["requests"].(float64)) == sum && series == sum && u["fresh_at"] != nil {
			t.Logf("%s: %d calls counted %v after the last one", key, sum, time.Since(since).Round(100*time.Millisecond))
			return
		}
		if n := int(totals["requests"].(float64)); n > sum || time.Since(since) > 30*time.Second {
			t.Fatalf("%v after the last call: %v, want %v (%s)", time.Since(since), got, want, fmt.Sprint(totals))
		}
		<-time.After(250 * time.Millisecond)
	}
}
