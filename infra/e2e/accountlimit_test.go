package e2e

import (
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"
)

// TestSixKeysKeepTheirAccountsLimitTogether: six keys of limit 5 under an account's limit of 5, called at once for seconds, are
// admitted at most 5 x (t + 1) calls in those t seconds, and a refusal names the account's limit. It holds within 10 s of being set,
// and no more within 10 s of being lifted.
func TestSixKeysKeepTheirAccountsLimitTogether(t *testing.T) {
	t.Parallel()
	const limit = 5
	account := shared.newAccount(t, "owner")
	var secrets []string
	for n := range 6 {
		secrets = append(secrets, shared.newKey(t, account, fmt.Sprintf(`{"name":"Key %d","usage":"backend","products":["search"]}`, n)).secret)
	}
	path := "/v1/operator" + account[len("/v1"):] + "/limits/search"
	shared.must(t, 403, "owner", "PUT", path, `{"qps":5}`)
	shared.must(t, 422, "operator", "PUT", path, `{"qps":20001}`)
	set := shared.must(t, 200, "operator", "PUT", path, `{"qps":5}`).json(t)
	if limits, _ := set["limits"].([]any); len(limits) != 1 {
		t.Errorf("the account has %v", set["limits"])
	}
	<-time.After(10 * time.Second) // whatever environments knew of the account
	began := time.Now()
	admitted, policies := callAll(t, secrets, 8*time.Second)
	seconds := int(time.Since(began)/time.Second) + 1 // of the client's: no call was admitted before or after them
	if admitted > limit*(seconds+1) || admitted < 4*limit || policies[`"account.search";q=5;w=1`] == 0 {
		t.Errorf("%d calls are admitted in %d s, refusals by %v", admitted, seconds, policies)
	}
	shared.must(t, 200, "operator", "PUT", path, `{"qps":null}`)
	<-time.After(10 * time.Second)
	lifted, policies := callAll(t, secrets, 4*time.Second)
	if lifted < 2*4*limit || policies[`"account.search";q=5;w=1`] > 0 {
		t.Errorf("%d calls are admitted in 4 s after it was lifted, refusals by %v", lifted, policies)
	}
}

// callAll calls with each of the secrets at once for some time, and returns how many calls passed, and what refused the others.
func callAll(t *testing.T, secrets []string, lasts time.Duration) (admitted int, policies map[string]int) {
	policies = map[string]int{}
	var mu sync.Mutex
	var callers sync.WaitGroup
	end := time.Now().Add(lasts)
	for _, secret := range secrets {
		callers.Go(func() {
			for time.Now().Before(end) {
				a := shared.product(t, searchPath+secret, nil)
				mu.Lock()
				switch a.status {
				case http.StatusOK:
					admitted++
				case http.StatusTooManyRequests:
					policies[a.header.Get("RateLimit-Policy")]++
				default:
					t.Errorf("%d %s", a.status, a.body)
				}
				mu.Unlock()
				<-time.After(20 * time.Millisecond)
			}
		})
	}
	callers.Wait()
	return admitted, policies
}
