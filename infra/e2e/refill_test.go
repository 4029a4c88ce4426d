package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TestALostQuotaIsFilledFromTheCounters is the drill for the table of quotas of docs/guides/restore.md: an account's item is lost in the middle of
// its day, and so is that of a key's daily cap, the job fills them, and account and key are served what is left and no call more. Where both were set on that day
// it fills nothing. The event bus hears of each part of the quota once.
func TestALostQuotaIsFilledFromTheCounters(t *testing.T) {
	t.Parallel()
	const day, before, most, first = 40, 25, 20, 12
	s, err := start(t.TempDir(), "LATCHKEY_IDLE_SECONDS=2") // what environments hold and have counted comes when they end
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	account := s.newAccount(t, "owner")
	id := account[strings.LastIndex(account, "/")+1:]
	s.must(t, 200, "operator", "PUT", "/v1/operator"+account[len("/v1"):]+"/quotas/tiles", `{"billing_type":"freemium","day":40,"month":null}`)
	url := tile + s.newKey(t, account, `{"name":"one","usage":"backend","products":["map-display"]}`).secret
	capped := s.newKey(t, s.newAccount(t, "owner"), `{"name":"one","usage":"backend","products":["map-display"]}`)
	s.must(t, 200, "owner", "PUT", capped.path+"/quotas/tiles", `{"day":20}`)
	s.must(t, 200, "operator", "GET", capped.path+"/quotas", "")
	began := time.Now().UTC()
	served, _ := s.flood(t, before, url)
	servedKey, _ := s.flood(t, first, tile+capped.secret)
	waitUntil(t, func() bool { return s.usedOf(t, account) == before && s.usedOfKey(t, capped) == first })
	waitUntil(t, func() bool { return len(reachedOf(t, s, id)) == 1 })

	db, table := storeClient(s.DynamoDB), "QuotasTable"
	for _, name := range []string{id + "#freemium#tiles", capped.id + "##tiles"} {
		key := item{"pk": &types.AttributeValueMemberS{Value: name}, "sk": &types.AttributeValueMemberS{Value: began.Format("2006-01")}}
		lost, err := db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: key, ReturnValues: types.ReturnValueAllOld})
		if err != nil || len(lost.Attributes) == 0 {
			t.Fatalf("the gate has taken nothing of %s: %v", name, err)
		}
	}
	for n, want := range []float64{0, 2, 0} {
		if n == 1 {
			setDayBefore(t, db, id, capped)
		}
		filled := s.jobOf(t, "JobsFunction", `{"job":"quotas","refill":true}`)
		if raised, _ := filled["raised"].(float64); raised != want || filled["failed"].(float64) != 0 || filled["more"] != false {
			t.Errorf("run %d: %v", n, filled)
		}
	}
	again, refused := s.flood(t, 2*day, url)
	againKey, refusedKey := s.flood(t, 2*most, tile+capped.secret)
	if time.Now().UTC().Day() != began.Day() {
		t.Skip("DID NOT RUN: the day has ended meanwhile")
	}
	if served != before || served+again != day || refused.json(t)["code"] != "quota_exceeded" {
		t.Errorf("%d calls are served before and %d after the loss, of %d: %d %s", served, again, day, refused.status, refused.body)
	}
	if servedKey != first || servedKey+againKey != most || refusedKey.json(t)["code"] != "quota_exceeded" {
		t.Errorf("%d calls of the key are served before and %d after the loss, of %d: %d %s", servedKey, againKey, most, refusedKey.status, refusedKey.body)
	}
	waitUntil(t, func() bool { return len(reachedOf(t, s, id)) >= 3 })
	for threshold, times := range reachedOf(t, s, id) {
		if times != 1 {
			t.Errorf("%v %% is told %d times", threshold, times)
		}
	}
}

// setDayBefore has the records of an account and a key say that its quota and its cap were set the day before.
func setDayBefore(t *testing.T, db *dynamodb.Client, account string, k key) {
	t.Helper()
	table, yesterday := "ControlTable", item{":at": &types.AttributeValueMemberS{Value: time.Now().UTC().AddDate(0, 0, -1).Format("2006-01-02T15:04:05.000Z")}}
	of := strings.Split(k.path, "/")
	for _, one := range []struct{ pk, sk, set string }{
		{"A#" + account, "ACCOUNT", "SET account_quota_times[0].since = :at"},
		{"A#" + of[len(of)-3], "KEY#" + k.id, "SET caps[0].since = :at"},
	} {
		key := item{"pk": &types.AttributeValueMemberS{Value: one.pk}, "sk": &types.AttributeValueMemberS{Value: one.sk}}
		if _, err := db.UpdateItem(t.Context(), &dynamodb.UpdateItemInput{TableName: &table, Key: key, UpdateExpression: &one.set, ExpressionAttributeValues: yesterday}); err != nil {
			t.Fatal(err)
		}
	}
}

// usedOf is the calls that are counted today under an account's quota of freemium tiles.
func (s *stack) usedOf(t *testing.T, account string) int {
	t.Helper()
	for _, row := range s.must(t, 200, "owner", "GET", account+"/quotas", "").json(t)["quotas"].([]any) {
		row := row.(map[string]any)
		if row["billing_type"] == "freemium" && row["group"] == "tiles" {
			used, _ := row["day"].(map[string]any)["used"].(float64)
			return int(used)
		}
	}
	return 0
}

// usedOfKey is the calls of tiles that are counted today for a key.
func (s *stack) usedOfKey(t *testing.T, k key) int {
	t.Helper()
	for _, row := range s.must(t, 200, "owner", "GET", k.path+"/quotas", "").json(t)["quotas"].([]any) {
		if row := row.(map[string]any); row["group"] == "tiles" {
			used, _ := row["used"].(float64)
			return int(used)
		}
	}
	return 0
}

// reachedOf counts the events that tell what an account has reached, by the threshold.
func reachedOf(t *testing.T, s *stack, id string) map[float64]int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, "events.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	found := map[float64]int{}
	for line := range strings.Lines(string(text)) {
		at := strings.Index(line, `{"version":"1"`)
		if !strings.Contains(line, id) || !strings.Contains(line, "account.quota_reached") || at < 0 {
			continue
		}
		var detail struct {
			Changes []struct {
				Field string
				After any
			}
		}
		if err := json.NewDecoder(strings.NewReader(line[at:])).Decode(&detail); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, c := range detail.Changes {
			if c.Field == "threshold" {
				found[c.After.(float64)]++
			}
		}
	}
	return found
}
