package main

import (
	"encoding/csv"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/getkin/kin-openapi/openapi3"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/usage"
)

func fixture(t testing.TB) apitest.Fixture {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	return apitest.Fixture{
		API: r.API, Account: r.account.ID,
		Params: map[string]string{"account": string(r.account.ID), "key": string(r.key.ID), "month": "2026-11"},
	}
}

func served(op apitest.Operation) bool { return op.ServedBy() == "usage" }

func TestUsageIsOpenToItsRolesAlone(t *testing.T) { apitest.Matrix(t, fixture, served) }

func TestAccountsAreWalls(t *testing.T) { apitest.Walls(t, fixture, served) }

func TestNoReadIsWithoutABound(t *testing.T) { apitest.Reads(t, fixture, served) }

// TestAFailureOfTheStoreIsNoAnswer where each key has calls, today and, another number of them, in each of the weeks before.
func TestAFailureOfTheStoreIsNoAnswer(t *testing.T) {
	apitest.Failures(t, func(t testing.TB) apitest.Fixture {
		r := newHarness(t)
		apitest.People(t, r.API, r.account.ID)
		for week := range usage.SpikeWeeks + 1 {
			at := keytest.Now.Add(-2*time.Hour).AddDate(0, 0, -7*week)
			r.count(t, week+1, call(r.key, "search", authz.Allowed, at), call(r.two, "search", authz.Allowed, at))
		}
		return apitest.Fixture{API: r.API, Account: r.account.ID, Params: map[string]string{"account": string(r.account.ID), "key": string(r.key.ID), "month": "2026-11"}}
	}, served, nil)
}

func TestNoAccountMakesAnothersCallsSlower(t *testing.T) { apitest.Costs(t, fixture, served) }

func TestBoundsAreAsTheContractSays(t *testing.T) { apitest.Bounds(t, fixture, served, nil) }

func TestAFloodOfRequestsBreaksNothing(t *testing.T) { apitest.Flood(t, fixture, served, 10_000) }

// mixed is one hour of an account's calls, at 10 to 11: one key's to two products from two origins, with both of its
// secrets, and another key's.
func mixed(t testing.TB) *harness {
	r := newHarness(t)
	at := keytest.Now.Add(-2 * time.Hour)
	allowed := call(r.key, "search", authz.Allowed, at)
	allowed.Host = "a.example"
	refused := call(r.key, "search", authz.DomainNotAllowed, at.Add(time.Minute))
	refused.Host = "b.example"
	breach := call(r.key, "map-display", authz.QPSExceeded, at.Add(time.Minute))
	breach.Previous = true
	for _, c := range []*usage.Call{&allowed, &refused, &breach} {
		c.Proposed, c.Shadow = r.key.Proposed.Since, authz.DomainNotAllowed
	}
	r.count(t, 5, allowed, refused, breach)
	r.count(t, 2, call(r.two, "search", authz.Allowed, at.Add(2*time.Minute)))
	return r
}

func TestAnAccountsUsageAddsUpInEveryView(t *testing.T) {
	r := mixed(t)
	doc := r.get(t, apikey.Key{}, "")
	if got := numbers(doc["totals"]); got != "17 7 10 5" {
		t.Errorf("totals %s", got)
	}
	reasons := doc["totals"].(map[string]any)["by_reason"].(map[string]any)
	if fmt.Sprint(reasons) != "map[domain_not_allowed:5 qps_exceeded:5]" {
		t.Errorf("reasons %v", reasons)
	}
	for view, want := range map[string]map[string]string{
		"by_product": {"search": "12 7 5 0", "map-display": "5 0 5 5"},
		"by_key":     {string(r.key.ID): "15 5 10 5", string(r.two.ID): "2 2 0 0"},
		"by_origin":  {"a.example": "5 5 0 0", "b.example": "5 0 5 0", "-": "7 2 5 5"},
		"by_secret":  {"current": "12 7 5 0", "previous": "5 0 5 5"},
	} {
		if got := named(doc[view]); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", view, got, want)
		}
	}
	if m := doc["busiest_minute"].(map[string]any); m["start"] != "2026-11-21T10:01:00.000Z" || m["requests"] != 10.0 {
		t.Errorf("busiest minute %v", m)
	}
	if doc["fresh_at"] != "2026-11-21T10:02:00.000Z" {
		t.Errorf("fresh at %v", doc["fresh_at"])
	}
}

func TestAKeysUsageIsItsOwn(t *testing.T) {
	r := mixed(t)
	doc := r.get(t, r.key, "")
	if numbers(doc["totals"]) != "15 5 10 5" {
		t.Errorf("totals %v", doc["totals"])
	}
	if p := doc["proposed"].(map[string]any); p["evaluated"] != 5.0 || p["would_refuse"] != 5.0 {
		t.Errorf("proposed %v", p)
	}
	if other := r.get(t, r.two, ""); numbers(other["totals"]) != "2 2 0 0" || other["proposed"] != nil {
		t.Errorf("the other key: %v", other)
	}
}

func TestFiltersLeaveOutTheRest(t *testing.T) {
	r := mixed(t)
	for query, want := range map[string]string{
		"?product=search":                      "12 7 5 0",
		"?product=routing":                     "0 0 0 0",
		"?product=left-the-catalogue":          "0 0 0 0",
		"?product=%20":                         "0 0 0 0",
		"?outcome=allowed":                     "7 7 0 0",
		"?outcome=refused":                     "10 0 10 5",
		"?outcome=qps_exceeded":                "5 0 5 5",
		"?outcome=refused&product=map-display": "5 0 5 5",
		"?from=2026-11-21T11:00:00.000Z":       "0 0 0 0",
		"?from=2026-11-21T10:30:00.000Z":       "17 7 10 5", // widened to the hour
		"?to=2026-11-21T10:00:00.000Z":         "0 0 0 0",
		"?from=2026-11-21T11:30:00%2B01:00&to=2026-11-21T12:00:00%2B01:00": "17 7 10 5",
		"?interval=day": "17 7 10 5",
	} {
		doc := r.get(t, apikey.Key{}, query)
		if got := numbers(doc["totals"]); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
		series := ""
		for _, p := range doc["series"].([]any) {
			if n := numbers(p); n != "0 0 0 0" {
				series += n
			}
		}
		if series != want && want != "0 0 0 0" {
			t.Errorf("%s: the series has %q", query, series)
		}
		if strings.Contains(query, "outcome") && doc["busiest_minute"] != nil {
			t.Errorf("%s: a busiest minute of %v", query, doc["busiest_minute"])
		}
	}
}

func TestTheLastDayIsTheDefaultAndEachHourHasAPoint(t *testing.T) {
	r := newHarness(t)
	r.Clock.Advance(20 * time.Minute)
	doc := r.get(t, r.key, "")
	series := doc["series"].([]any)
	if doc["from"] != "2026-11-20T12:00:00.000Z" || doc["to"] != "2026-11-21T13:00:00.000Z" || len(series) != 25 || doc["fresh_at"] != nil {
		t.Errorf("from %v to %v: %d points, fresh at %v", doc["from"], doc["to"], len(series), doc["fresh_at"])
	}
	year := r.get(t, r.key, "?interval=day&from=2025-11-01T00:00:00.000Z")
	if got := len(year["series"].([]any)); got != 386 {
		t.Errorf("%d days", got)
	}
}

// TestEveryOutcomeOfTheContractIsTaken: and none besides, which TestParametersThatMeanNothingAreRefused tries.
func TestEveryOutcomeOfTheContractIsTaken(t *testing.T) {
	r, outcomes := newHarness(t), []string{outcomeAllowed, outcomeRefused}
	doc, err := openapi3.NewLoader().LoadFromData(api.Contract)
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, outcome := range doc.Components.Parameters["outcomeParam"].Value.Schema.Value.Enum {
		listed = append(listed, outcome.(string))
		r.get(t, r.key, "?outcome="+outcome.(string))
	}
	if outcomes = append(outcomes, reasons...); !slices.Equal(listed, outcomes) {
		t.Errorf("the contract lists %v, usage knows %v", listed, outcomes)
	}
}

func TestParametersThatMeanNothingAreRefused(t *testing.T) {
	r := newHarness(t)
	for _, query := range []string{
		"interval=week", "format=xml", "outcome=maybe", "outcome=key_unknown", "outcome=unavailable", "outcome=Allowed", "product=" + strings.Repeat("x", 65), "from=yesterday", "to=1", "page_size=3",
		"from=2026-11-21T12:00:00.000Z&to=2026-11-21T12:00:00.000Z", "from=2026-11-22T00:00:00.000Z", "interval=hour&interval=day",
		"from=2026-01-01T00:00:00.000Z",                                      // hours of January
		"from=2026-10-01T00:00:00.000Z&to=2026-10-02T00:00:00.000Z",          // a short range, but forgotten
		"interval=day&from=2025-01-01T00:00:00.000Z",                         // too many days
		"interval=day&from=0001-01-01T00:00:00Z",                             // as far as times go
		"interval=day&from=2026-11-01T00:00:00.000Z&to=9999-12-31T00:00:00Z", // and the other way
	} {
		answer := r.Do(t, apitest.Call{As: "owner", Method: "GET", Path: r.path(r.key) + "?" + query})
		if answer.Status != 400 || answer.Code() != "parameter_invalid" {
			t.Errorf("%s: %s", query, answer.Problem())
		}
	}
}

func TestAForeignKeyIsNotFound(t *testing.T) {
	r := mixed(t)
	other := r.NewAccount(t)
	foreign := r.NewKey(t, other)
	r.count(t, 9, call(foreign, "search", authz.Allowed, keytest.Now))
	for _, id := range []apikey.ID{foreign.ID, keytest.KeyID(), "key_x"} {
		if got := r.Do(t, apitest.Call{As: "owner", Method: "GET", Path: r.path(apikey.Key{ID: id})}); got.Status != 404 {
			t.Errorf("%s: %d %s", id, got.Status, got.Body)
		}
	}
	if got := numbers(r.get(t, apikey.Key{}, "")["totals"]); got != "17 7 10 5" {
		t.Errorf("the account has %s", got)
	}
}

func TestADeletedKeyKeepsItsUsage(t *testing.T) {
	r := mixed(t)
	if _, err := r.Edit(t.Context(), r.key, "key.delete", func(k *apikey.Key) { k.DeletedAt = keytest.Now }); err != nil {
		t.Fatal(err)
	}
	if got := named(r.get(t, apikey.Key{}, "")["by_key"])[string(r.key.ID)]; got != "15 5 10 5" {
		t.Errorf("got %q", got)
	}
}

func TestExportsHoldTheSameNumbers(t *testing.T) {
	r := mixed(t)
	r.named(t)
	r.Member(t, r.account.ID, "viewer", account.Viewer)
	for name, ask := range map[string]apitest.Call{
		"by parameter": {As: "viewer", Method: "GET", Path: r.path(apikey.Key{}) + "?format=csv"},
		"by header":    {As: "viewer", Method: "GET", Path: r.path(apikey.Key{}), Headers: map[string]string{"Accept": "text/csv"}},
	} {
		answer := r.Want(t, 200, ask)
		if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "text/csv") {
			t.Errorf("%s: %s", name, got)
		}
		if answer.Header.Get("X-Fresh-At") != "2026-11-21T10:02:00.000Z" || !strings.Contains(answer.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %v", name, answer.Header)
		}
		if got := table(t, answer.Body); !slices.Equal(got, []string{
			"map-display one 5 0 5 5", "search one 10 5 5 0", "search two 2 2 0 0",
		}) {
			t.Errorf("%s: %q", name, got)
		}
	}
	filtered := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(r.key) + "?format=csv&outcome=refused&product=search"})
	if lines := strings.Split(strings.TrimSpace(string(filtered.Body)), "\n"); len(lines) != 2 || !strings.Contains(lines[1], "search,5,0,5,0") {
		t.Errorf("filtered: %q", lines)
	}
}

// TestAnExportsRequestsAreTheSumOfItsColumns: there is a column for every code that usage counts, whatever its number.
func TestAnExportsRequestsAreTheSumOfItsColumns(t *testing.T) {
	r := newHarness(t)
	at := keytest.Now.Add(-2 * time.Hour)
	r.count(t, 1, call(r.key, "search", authz.Allowed, at))
	for i, c := range authz.Codes {
		if c.Check > 3 { // the key is known
			r.count(t, i+2, call(r.key, "search", c.Code, at))
		}
	}
	answer := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(apikey.Key{}) + "?format=csv"})
	rows, err := csv.NewReader(strings.NewReader(string(answer.Body))).ReadAll()
	if err != nil || len(rows) != 2 {
		t.Fatalf("%v, %v", rows, err)
	}
	cell, sum := map[string]int{}, 0
	for i, name := range rows[0] {
		if i < len(columns) {
			continue
		}
		if cell[name], err = strconv.Atoi(rows[1][i]); err != nil {
			t.Fatal(err)
		}
		if i >= len(columns)+4 {
			sum += cell[name]
		}
	}
	for i, c := range authz.Codes {
		if c.Check > 3 && cell[string(c.Code)] != i+2 {
			t.Errorf("%s: %d of %d calls", c.Code, cell[string(c.Code)], i+2)
		}
	}
	if cell["refused"] != sum || cell["requests"] != sum+cell["allowed"] || cell["allowed"] != 1 {
		t.Errorf("the reasons add up to %d: %v", sum, cell)
	}
}

// TestHoursThatStandOutAreMarked: against the same hour of the four weeks before.
func TestHoursThatStandOutAreMarked(t *testing.T) {
	r := newHarness(t)
	at := keytest.Now.Add(-2 * time.Hour)
	for week := 1; week <= 4; week++ {
		r.count(t, 40, call(r.key, "search", authz.Allowed, at.AddDate(0, 0, -7*week)))
	}
	r.count(t, 121, call(r.key, "search", authz.Allowed, at))
	r.count(t, 120, call(r.key, "search", authz.Allowed, at.Add(time.Hour))) // nothing was there before: 120 > 3 times 0
	for _, k := range []apikey.Key{r.key, {}} {
		marked := ""
		for _, p := range r.get(t, k, "")["series"].([]any) {
			if m := p.(map[string]any); m["stands_out"] == true {
				marked += fmt.Sprint(m["start"], " ", m["expected"], "; ")
			}
		}
		if marked != "2026-11-21T10:00:00.000Z 40; 2026-11-21T11:00:00.000Z 0; " {
			t.Errorf("marked: %s", marked)
		}
	}
	for _, query := range []string{"?outcome=allowed", "?interval=day"} {
		for _, p := range r.get(t, r.key, query)["series"].([]any) {
			if _, there := p.(map[string]any)["expected"]; there {
				t.Errorf("%s is compared with hours of all outcomes", query)
			}
		}
	}
}

// TestForgottenHoursAreNoHistory: hours are kept for 35 days, and silence before that is none.
func TestForgottenHoursAreNoHistory(t *testing.T) {
	r := newHarness(t)
	for days := 8; days <= 33; days++ {
		r.count(t, 100, call(r.key, "search", authz.Allowed, keytest.Now.AddDate(0, 0, -days)))
	}
	doc := r.get(t, r.key, "?from=2026-10-26T00:00:00.000Z&to=2026-10-31T00:00:00.000Z")
	for _, p := range doc["series"].([]any) {
		m := p.(map[string]any)
		if _, there := m["expected"]; there {
			t.Fatalf("%v is compared with what was forgotten", m)
		}
	}
}

// TestALargeAccountHasItsTotalsWithoutShares: of 500 keys and 46,000 rows of a product it has them where they are asked for, of 12,500 rows
// always, and of one more of either it hasn't. All hours and days of a range count, those without calls too, and all keys, deleted ones too.
func TestALargeAccountHasItsTotalsWithoutShares(t *testing.T) {
	keytest.OneAtATime(t)
	r := mixed(t)
	to := keytest.Now.Truncate(time.Hour)
	keys := 2
	for _, c := range []struct {
		keys          int
		span          time.Duration
		step          string
		shares, asked bool
	}{
		{50, 250 * time.Hour, "hour", true, true}, // 12,500 rows
		{50, 251 * time.Hour, "hour", false, true},
		{50, 840 * time.Hour, "hour", false, true},
		{57, 807 * time.Hour, "hour", false, true}, // 45,999
		{57, 808 * time.Hour, "hour", false, false},
		{57, 219 * 24 * time.Hour, "day", false, true},
		{57, 390 * 24 * time.Hour, "day", false, true},
		{500, 25 * time.Hour, "hour", true, true}, // 12,500
		{500, 26 * time.Hour, "hour", false, true},
		{500, 92 * time.Hour, "hour", false, true}, // 46,000
		{500, 93 * time.Hour, "hour", false, false},
		{500, 90 * 24 * time.Hour, "day", false, true}, // the console's 90 days, which touch 91
		{500, 92 * 24 * time.Hour, "day", false, false},
		{501, 24 * time.Hour, "hour", false, false},
		{501, 24 * time.Hour, "day", false, false},
	} {
		if more := c.keys - keys; more > 0 {
			deleted := r.NewKey(t, r.account, func(k *apikey.Key) { k.DeletedAt = keytest.Now })
			r.NewKeys(t, deleted, more-1)
			keys = c.keys
		}
		query := "?interval=" + c.step + "&from=" + moment.Format(to.Add(-c.span)) + "&to=" + moment.Format(to)
		for group, want := range map[string]bool{"": c.shares, "product": c.shares, "reason": c.shares, "key": c.asked, "origin": c.asked} {
			asks := query
			if group != "" {
				asks += "&group_by=" + group
			}
			doc := r.get(t, apikey.Key{}, asks)
			told := []bool{doc["by_key"] != nil, doc["by_origin"] != nil, doc["by_secret"] != nil}
			if numbers(doc["totals"]) != "17 7 10 5" || doc["by_product"] == nil || !slices.Equal(told, []bool{want, want, want}) {
				t.Errorf("%d keys in %v by the %s, split by %q: totals %v, shares %v, want %v", c.keys, c.span, c.step, group, doc["totals"], told, want)
			}
		}
	}
}

// TestAnAccountOfMoreKeysThanAreReadHasItsTotalsWithoutShares: those of some of its keys would look like those of all.
func TestAnAccountOfMoreKeysThanAreReadHasItsTotalsWithoutShares(t *testing.T) {
	r := mixed(t)
	if doc := r.get(t, apikey.Key{}, ""); doc["by_key"] == nil {
		t.Fatal("an account of two keys has no shares")
	}
	r.more = true
	if doc := r.get(t, apikey.Key{}, ""); numbers(doc["totals"]) != "17 7 10 5" || doc["by_key"] != nil || doc["by_origin"] != nil || doc["by_secret"] != nil {
		t.Errorf("totals %v, by key %v", doc["totals"], doc["by_key"])
	}
	table := string(r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(apikey.Key{}) + "?format=csv"}).Body)
	if strings.Contains(table, string(r.key.ID)) || strings.Contains(table, string(r.two.ID)) {
		t.Errorf("the table names some of the keys:\n%s", table)
	}
}

// TestAnHourIsComparedWithAllFourWeeksBefore: each of them changes the median.
func TestAnHourIsComparedWithAllFourWeeksBefore(t *testing.T) {
	r := newHarness(t)
	at := keytest.Now.Add(-2 * time.Hour)
	for week, n := range []int{1000, 100, 200, 400, 800, 1600} { // the last is too long ago
		r.count(t, n, call(r.key, "search", authz.Allowed, at.AddDate(0, 0, -7*week)))
	}
	for _, k := range []apikey.Key{{}, r.key} {
		compared := 0
		for _, p := range r.get(t, k, "")["series"].([]any) {
			if m := p.(map[string]any); m["requests"] == 1000.0 {
				compared++
				if m["expected"] != 300.0 || m["stands_out"] != true {
					t.Errorf("key %q: expected %v, stands out: %v", k.ID, m["expected"], m["stands_out"])
				}
			}
		}
		if compared != 1 {
			t.Errorf("key %q: %d hours have the calls of one", k.ID, compared)
		}
	}
}

// TestARangeIsBoundedWhereverItLies: by its length, in the future too, and it is compared with the weeks before up to seven days and the
// running hour.
func TestARangeIsBoundedWhereverItLies(t *testing.T) {
	r := newHarness(t)
	now := keytest.Now.Truncate(time.Hour)
	for _, tt := range []struct {
		from, to time.Time
		interval string
		status   int
		compared bool
	}{
		{now, now.Add(35*24*time.Hour + time.Hour), "hour", 200, false},
		{now, now.Add(35*24*time.Hour + 2*time.Hour), "hour", 400, false},
		{now, now.AddDate(2, 0, 0), "day", 400, false},
		{now.Add(-7 * 24 * time.Hour), now.Add(time.Hour), "hour", 200, true},
		{now.Add(-7 * 24 * time.Hour), now.Add(2 * time.Hour), "hour", 200, false},
		{now.Add(-48 * time.Hour), now, "day", 200, false},
	} {
		query := "?from=" + moment.Format(tt.from) + "&to=" + moment.Format(tt.to) + "&interval=" + tt.interval
		answer := r.Do(t, apitest.Call{As: "owner", Method: "GET", Path: r.path(r.key) + query})
		if answer.Status != tt.status {
			t.Errorf("%s: %d %s", query, answer.Status, answer.Problem())
			continue
		}
		if answer.Status == 200 {
			if _, compared := answer.JSON(t)["series"].([]any)[0].(map[string]any)["expected"]; compared != tt.compared {
				t.Errorf("%s: compared with the weeks before: %v", query, compared)
			}
		}
	}
}

// A counter that can't be read is left out of the sums, which say so to everybody: they are too low.
func TestUsageSurvivesABadCounter(t *testing.T) {
	r := mixed(t)
	hour := fmt.Sprintf("H#%09d#search", usage.HourOf(keytest.Now.Add(-2*time.Hour)))
	spoil := func(pk, sk string) {
		t.Helper()
		item := dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk), "v": dynamo.S("damaged")}
		if _, err := r.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.Tables.Counters, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	account, key := "A#"+string(r.account.ID), "K#"+string(r.account.ID)+"#"+string(r.key.ID)
	if doc := r.get(t, apikey.Key{}, ""); numbers(doc["totals"]) != "17 7 10 5" || doc["unreadable"] != nil {
		t.Fatalf("%v, unreadable %v", doc["totals"], doc["unreadable"])
	}
	spoil(account, hour)
	if doc := r.get(t, apikey.Key{}, ""); numbers(doc["totals"]) != "5 0 5 5" || doc["unreadable"] != 1.0 || doc["fresh_at"] == nil {
		t.Errorf("%v, unreadable %v, fresh %v", doc["totals"], doc["unreadable"], doc["fresh_at"])
	}
	spoil(account, "FRESH")
	if doc := r.get(t, apikey.Key{}, ""); doc["unreadable"] != 2.0 || doc["fresh_at"] != nil {
		t.Errorf("unreadable %v, fresh %v", doc["unreadable"], doc["fresh_at"])
	}
	spoil(key, hour)
	if doc := r.get(t, r.key, ""); numbers(doc["totals"]) != "5 0 5 5" || doc["unreadable"] != 2.0 {
		t.Errorf("%v, unreadable %v", doc["totals"], doc["unreadable"])
	}
	csv := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(r.key) + "?format=csv"})
	if csv.Header.Get("X-Unreadable") != "2" {
		t.Errorf("%v", csv.Header)
	}
}

// The export of an account points to this for the counters: all days that are kept, in one call, of a closed account too.
func TestAnOwnerTakesAllDaysAlong(t *testing.T) {
	r := newHarness(t)
	first := keytest.Now.Add(-usage.KeepDays).Truncate(24 * time.Hour)
	r.count(t, 3, call(r.key, "search", authz.Allowed, first.Add(time.Hour)))
	r.count(t, 2, call(r.key, "search", authz.Allowed, keytest.Now.Add(-time.Hour)))
	if _, err := r.CloseAccount(t.Context(), r.account.ID); err != nil {
		t.Fatal(err)
	}
	for _, k := range []apikey.Key{{}, r.key} {
		path := r.path(k) + "?format=csv&interval=day&from=" + first.Format(time.RFC3339) + "&to=" + keytest.Now.Format(time.RFC3339)
		lines := strings.Split(strings.TrimSpace(string(r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: path}).Body)), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[1], moment.Format(first)+",") || !strings.Contains(lines[1], ",search,3,") || !strings.Contains(lines[2], ",search,2,") {
			t.Errorf("%q", lines)
		}
	}
}
