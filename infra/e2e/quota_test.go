package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/infra/e2e/othergate"
	"latchkey/shared/usage/statement"
)

// quotaOfTiles and quotaOfOthers are a day's, of the catalogue of this test.
const quotaOfTiles, quotaOfOthers = 40, 100_000

// quotaOfMonth is a month's of tiles, which an operator sets.
const quotaOfMonth = quotaOfTiles + 25

// TestAnAccountsQuotaHoldsOverAllEnvironments: at ten times its quota of a day an account is served what it allows, over all environments
// and keys, refused from the first call beyond it, and served again within 10 s of an operator's raising it. So it is at ten times its quota of a month, and in the
// next month and the next day it is served again. What environments hold when they end comes back. The statement of the month that has ended is final,
// and its calls are those that the test counted. The shipped catalogue sets no quota, so the gate is built with another one, and with a
// clock that the test can put forward, as the jobs are.
func TestAnAccountsQuotaHoldsOverAllEnvironments(t *testing.T) {
	t.Parallel()
	ahead := filepath.Join(t.TempDir(), "ahead")
	gate, err := othergate.Build(root, t.TempDir(), `{"freemium":{"tiles":{"day":`+strconv.Itoa(quotaOfTiles)+`},"other":{"day":`+strconv.Itoa(quotaOfOthers)+`}}}`, ahead)
	if err != nil {
		t.Fatal(err)
	}
	later := filepath.Join(t.TempDir(), "later")
	jobs, err := othergate.BuildJobs(root, t.TempDir(), later)
	if err != nil {
		t.Fatal(err)
	}
	s, err := startIn(withBootstraps(t, map[string]string{"Authorizer": gate, "JobsFunction": jobs}), t.TempDir(), "LATCHKEY_IDLE_SECONDS=2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	first, one := s.createKey(t, `{"name":"one","usage":"backend","products":["map-display"]}`)
	second, two := s.createKey(t, `{"name":"two","usage":"backend","products":["map-display"]}`)
	names, ledger := map[string]string{tile + one: first, tile + two: second}, map[string]float64{}
	began := time.Now().UTC()
	served, refused := s.floodOf(t, names, ledger, 10*quotaOfTiles, tile+one, tile+two)
	if time.Now().UTC().Day() != began.Day() {
		t.Skip("DID NOT RUN: the day has ended meanwhile")
	}
	if served != quotaOfTiles {
		t.Errorf("%d of %d calls served, want the quota of %d", served, 10*quotaOfTiles, quotaOfTiles)
	}
	midnight := began.Truncate(24 * time.Hour).Add(24 * time.Hour)
	wait, err := strconv.Atoi(refused.header.Get("Retry-After"))
	if v := refused.json(t); refused.status != 429 || v["code"] != "quota_exceeded" || v["detail"] == "" || err != nil ||
		time.Duration(wait)*time.Second > midnight.Sub(began)+time.Second || wait < 1 {
		t.Errorf("%d %s, Retry-After %d: %v", refused.status, refused.body, wait, err)
	}
	if policy := refused.header.Get("RateLimit-Policy"); policy != `"map-display.tiles";q=1000;w=1, "tiles.day";q=40;w=86400` {
		t.Errorf("RateLimit-Policy: %s", policy)
	}
	s.setQuota(t, 100*quotaOfTiles, quotaOfMonth)
	<-time.After(10 * time.Second)
	served, refused = s.floodOf(t, names, ledger, 10*quotaOfMonth, tile+one, tile+two)
	if served != quotaOfMonth-quotaOfTiles {
		t.Errorf("%d served within 10 s of a quota that was raised by %d", served, quotaOfMonth-quotaOfTiles)
	}
	month := statement.MonthOf(began)
	wait, err = strconv.Atoi(refused.header.Get("Retry-After"))
	if policy := refused.header.Get("RateLimit-Policy"); !strings.HasSuffix(policy, `, "tiles.month";q=65;w=`+strconv.Itoa(int(month.End().Sub(month.Begin()).Seconds()))) ||
		err != nil || wait < 1 || time.Duration(wait)*time.Second > month.End().Sub(began)+time.Second || refused.json(t)["code"] != "quota_exceeded" {
		t.Errorf("beyond the month's quota: RateLimit-Policy %s, Retry-After %d, %s", policy, wait, refused.body)
	}
	rows, _ := s.must(t, http.StatusOK, "owner", "GET", "/v1/accounts/"+s.DemoAccount+"/quotas", "").json(t)["quotas"].([]any)
	tiles, _ := rows[0].(map[string]any)
	if of, _ := tiles["month"].(map[string]any); of["quota"] != float64(quotaOfMonth) || of["left"] != 0.0 || of["set_by"] != "operator" {
		t.Errorf("the account is shown %v", tiles)
	}
	if time.Now().UTC().Day() != began.Day() {
		t.Skip("DID NOT RUN: the day has ended meanwhile")
	}
	// All is counted before the clock goes on, and nothing of two months is reported together.
	if status, said := s.untilStated(t, month, ledger); status != "open" || !maps.Equal(said, ledger) {
		t.Errorf("the open month is %s and says %v, want %v", status, said, ledger)
	}
	put := func(file string, d time.Duration) {
		if err := os.WriteFile(file, []byte(d.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	next := time.Until(month.End()) + time.Hour
	put(ahead, next)
	if n, _ := s.flood(t, 2*quotaOfMonth, tile+one, tile+two); n != quotaOfMonth {
		t.Errorf("%d served in the next month, want %d", n, quotaOfMonth)
	}
	s.setQuota(t, nil, nil)
	put(ahead, next+24*time.Hour)
	put(later, time.Until(month.Settled())+time.Hour)
	written := s.jobOf(t, "JobsFunction", `{"job":"statements"}`)
	if status, said := s.stated(t, month); status != "final" || !maps.Equal(said, ledger) {
		t.Errorf("the statement is %s and says %v, want %v: %v", status, said, ledger, written)
	}
	if c := s.jobOf(t, "JobsFunction", `{"job":"compare"}`); fmt.Sprint(c["equal"]) != "["+month.String()+"]" {
		t.Errorf("compared with the counters: %v", c)
	}
	<-time.After(10 * time.Second)
	if n, _ := s.flood(t, 2*quotaOfTiles, tile+one); n != quotaOfTiles {
		t.Errorf("%d served in the next day, want %d", n, quotaOfTiles)
	}

	const calls = 120
	others := "/map/1/copyrights?key=" + two
	for range calls { // a class of the limit 10 a second: one call after the other
		s.admitted(t, others)
	}
	var taken int64
	for range 100 {
		if taken = s.takenOf(t, "other"); taken == calls {
			return
		}
		<-time.After(200 * time.Millisecond) // environments end when they are idle
	}
	t.Errorf("%d calls are taken out of the quota and %d were made: what environments held is lost", taken, calls)
}

// dailyCap is the number of calls of the capped key in a day.
const dailyCap = 40

// TestAKeysDailyCapHoldsOverAllEnvironments: of ten times its cap a key is served exactly the cap, with both of its secrets together; another key of the
// account isn't touched. Lifted, it is served within 10 s; what is set again finds what was taken; the next day it is served again.
func TestAKeysDailyCapHoldsOverAllEnvironments(t *testing.T) {
	t.Parallel()
	ahead := filepath.Join(t.TempDir(), "ahead")
	gate, err := othergate.Build(root, t.TempDir(), `{"freemium":{"other":{"day":100000}}}`, ahead)
	if err != nil {
		t.Fatal(err)
	}
	s, err := startIn(withBootstraps(t, map[string]string{"Authorizer": gate}), t.TempDir(), "LATCHKEY_IDLE_SECONDS=2")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	account := "/v1/accounts/" + s.DemoAccount
	one, two := s.newKey(t, account, lifeKey), s.newKey(t, account, lifeKey)
	set := func(day string) {
		s.must(t, http.StatusOK, "owner", "PUT", one.path+"/quotas/tiles", `{"day":`+day+`}`)
	}
	set(strconv.Itoa(dailyCap))
	rotated, _ := s.must(t, http.StatusOK, "owner", "POST", one.path+"/rotate", `{"grace_seconds":86400}`).json(t)["secret"].(string)
	began := time.Now().UTC()
	served, refused := s.flood(t, 10*dailyCap, tile+one.secret, tile+rotated)
	if time.Now().UTC().Day() != began.Day() {
		t.Skip("DID NOT RUN: the day has ended meanwhile")
	}
	if served != dailyCap {
		t.Errorf("%d of %d calls served, want the cap of %d", served, 10*dailyCap, dailyCap)
	}
	if v := refused.json(t); refused.status != 429 || v["code"] != "quota_exceeded" || refused.header.Get("RateLimit-Policy") != `"map-display.tiles";q=1000;w=1, "key.tiles.day";q=40;w=86400` {
		t.Errorf("%d %s, RateLimit-Policy %s", refused.status, refused.body, refused.header.Get("RateLimit-Policy"))
	}
	if n, _ := s.flood(t, 2*dailyCap, tile+two.secret); n != 2*dailyCap {
		t.Errorf("%d of %d calls of another key served", n, 2*dailyCap)
	}
	rows, _ := s.must(t, http.StatusOK, "owner", "GET", one.path+"/quotas", "").json(t)["quotas"].([]any)
	if tiles, _ := rows[0].(map[string]any); tiles["group"] != "tiles" || tiles["day"] != float64(dailyCap) || tiles["left"] != 0.0 {
		t.Errorf("its owner is shown %v", tiles)
	}
	set("null")
	<-time.After(10 * time.Second)
	if n, _ := s.flood(t, dailyCap, tile+one.secret, tile+rotated); n != dailyCap {
		t.Errorf("%d of %d served within 10 s of lifting the cap", n, dailyCap)
	}
	set(strconv.Itoa(dailyCap + 5))
	<-time.After(10 * time.Second)
	if n, _ := s.flood(t, dailyCap, tile+one.secret); n != 5 {
		t.Errorf("%d served under a cap of %d of which %d are taken", n, dailyCap+5, dailyCap)
	}
	if err := os.WriteFile(ahead, []byte("24h"), 0o600); err != nil {
		t.Fatal(err)
	}
	<-time.After(10 * time.Second)
	if n, _ := s.flood(t, 2*dailyCap, tile+rotated); n != dailyCap+5 {
		t.Errorf("%d served in the next day, want %d", n, dailyCap+5)
	}
}

// stated reads what the demo account's statement of a month says: its status, and the calls by key and outcome.
func (s *stack) stated(t *testing.T, m statement.Month) (status any, said map[string]float64) {
	t.Helper()
	doc := s.must(t, http.StatusOK, "owner", "GET", "/v1/accounts/"+s.DemoAccount+"/statements/"+m.String(), "").json(t)
	said = map[string]float64{}
	for _, one := range doc["rows"].([]any) {
		row, _ := one.(map[string]any)
		of := fmt.Sprint(row["key_id"], " ", row["class"], " ", row["billing_type"], " ")
		if n, _ := row["allowed"].(float64); n > 0 {
			said[of+"allowed"] += n
		}
		reasons, _ := row["by_reason"].(map[string]any)
		for code, n := range reasons {
			said[of+code] += n.(float64)
		}
	}
	return doc["status"], said
}

// untilStated reads it until it says as much as a ledger, for a while.
func (s *stack) untilStated(t *testing.T, m statement.Month, ledger map[string]float64) (status any, said map[string]float64) {
	t.Helper()
	for range 100 {
		if status, said = s.stated(t, m); maps.Equal(said, ledger) {
			break
		}
		<-time.After(200 * time.Millisecond)
	}
	return status, said
}

// setQuota sets the demo account's own quotas of freemium tiles a day and a month, nil for none.
func (s *stack) setQuota(t *testing.T, day, month any) {
	t.Helper()
	body, err := json.Marshal(map[string]any{"billing_type": "freemium", "day": day, "month": month})
	if err != nil {
		t.Fatal(err)
	}
	s.must(t, http.StatusOK, "operator", "PUT", "/v1/operator/accounts/"+s.DemoAccount+"/quotas/tiles", string(body))
}

// flood makes calls on several environments at once, of one URL after the other.
func (s *stack) flood(t *testing.T, calls int, urls ...string) (served int, refused answer) {
	t.Helper()
	return s.floodOf(t, nil, map[string]float64{}, calls, urls...)
}

// floodOf is flood that adds its calls to a ledger, by the names of the keys and the outcome.
func (s *stack) floodOf(t *testing.T, names map[string]string, ledger map[string]float64, calls int, urls ...string) (served int, refused answer) {
	t.Helper()
	var mu sync.Mutex
	var group sync.WaitGroup
	next := make(chan string)
	for range 4 {
		group.Go(func() {
			for url := range next {
				a := s.product(t, url, nil)
				mu.Lock()
				code := "allowed"
				if a.status == http.StatusOK {
					served++
				} else {
					refused = a
					code, _ = a.json(t)["code"].(string)
				}
				ledger[names[url]+" map-display.tiles freemium "+code]++
				mu.Unlock()
			}
		})
	}
	for i := range calls {
		next <- urls[i%len(urls)]
	}
	close(next)
	group.Wait()
	return served, refused
}

// admitted repeats a call until it is within the limit a second.
func (s *stack) admitted(t *testing.T, url string) {
	t.Helper()
	for range 100 {
		a := s.product(t, url, nil)
		if a.status != http.StatusTooManyRequests {
			return
		}
		<-time.After(100 * time.Millisecond)
	}
	t.Fatal("never within the limit a second")
}

// takenOf is the sum of a group's month in the demo account's freemium quota.
func (s *stack) takenOf(t *testing.T, group string) (sum int64) {
	t.Helper()
	items, err := itemsOf(t.Context(), storeClient(s.DynamoDB), "QuotasTable")
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range items {
		pk, _ := i["pk"].(*types.AttributeValueMemberS)
		m, ok := i["m"].(*types.AttributeValueMemberN)
		if pk == nil || !ok || pk.Value != s.DemoAccount+"#freemium#"+group {
			continue
		}
		n, err := strconv.ParseInt(m.Value, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}
