package main

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"latchkey/functions/internal/apitest"
	"latchkey/functions/internal/env"
	"latchkey/functions/internal/gateway"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestAFilterOfTheAuditTrailTakesItsRowsAlone, from page to page, whatever the size of the pages.
func TestAFilterOfTheAuditTrailTakesItsRowsAlone(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k, other := r.NewKey(t, r.account), r.NewKey(t, r.account)
	r.Clock.Advance(200 * 365 * 24 * time.Hour) // the kit's IDs are of today
	begin := r.Clock.Now()
	mine := func(action string) bool {
		return slices.Contains([]string{"key.block", "key.unblock", "account.edit"}, action) // the others are of the test's kit
	}
	for range 3 {
		r.Clock.Advance(time.Hour)
		for _, action := range []string{"block", "unblock"} {
			r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/" + action, Body: object{"reason": "abuse"}})
		}
		r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(other.ID) + "/block", Body: object{"reason": "abuse"}})
		r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(other.ID) + "/unblock", Body: object{}})
		r.Want(t, 200, apitest.Call{As: "owner", Method: "PATCH", Path: r.path(""), Body: object{"name": "Name " + r.Clock.Now().String()}})
	}
	at := func(hours int) string {
		return url.QueryEscape(begin.Add(time.Duration(hours) * time.Hour).UTC().Format(time.RFC3339Nano))
	}
	read := func(as, filter string, size int) (rows []string) {
		t.Helper()
		token := ""
		for range 200 {
			answer := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: fmt.Sprintf("%s?%s&page_size=%d&page_token=%s", r.path("/audit"), filter, size, token)}).JSON(t)
			for _, row := range answer["rows"].([]any) {
				one := row.(map[string]any)
				rows = append(rows, one["id"].(string)+" "+one["action"].(string))
			}
			next, more := answer["next_page_token"].(string)
			if !more {
				return rows
			}
			token = next
		}
		t.Fatal("no end")
		return nil
	}
	count := func(rows []string, action string) (n int) {
		for _, row := range rows {
			if strings.HasSuffix(row, " "+action) {
				n++
			}
		}
		return n
	}
	all := read("operator", "", 100)
	for filter, want := range map[string]map[string]int{
		"action=key.block": {"key.block": 6},
		"action=account":   {"account.edit": 3},
		"action=key":       {"key.block": 6, "key.unblock": 6},
		"action=key.bl":    {},
		"action=key.block&key_id=" + string(k.ID): {"key.block": 3},
		"key_id=" + string(other.ID):              {"key.block": 3, "key.unblock": 3},
		"actor=OWNER%40example.com":               {"account.edit": 3},
		"actor=owner":                             {"account.edit": 3},
		"actor=nobody":                            {},
		"from=" + at(2) + "&to=" + at(3):          {"key.block": 2, "key.unblock": 2, "account.edit": 1},
		"from=" + at(2) + "&action=account":       {"account.edit": 2},
		"to=" + at(1) + "&action=key":             {},
	} {
		rows := read("operator", filter, 100)
		for action, n := range want {
			if count(rows, action) != n {
				t.Errorf("%s: %d rows of %s, want %d: %v", filter, count(rows, action), action, n, rows)
			}
		}
		for _, row := range rows {
			if _, action, _ := strings.Cut(row, " "); want[action] == 0 && mine(action) {
				t.Errorf("%s: %s", filter, row)
			}
			if !slices.Contains(all, row) {
				t.Errorf("%s: %s is in no list", filter, row)
			}
		}
		for _, size := range []int{1, 2} {
			if small := read("operator", filter, size); !slices.Equal(small, rows) {
				t.Errorf("%s: %v in pages of %d, %v in one", filter, small, size, rows)
			}
		}
	}
	for _, bad := range []string{"key_id=x", "from=yesterday", "to=1", "action=" + strings.Repeat("x", 65), "who=x"} {
		if got := r.Do(t, apitest.Call{As: "owner", Method: "GET", Path: r.path("/audit?" + bad)}); got.Status != 400 {
			t.Errorf("%s: %d", bad, got.Status)
		}
	}
}

// TestAFilterTellsACustomerNoOperatorsName: what a row doesn't show can't be asked for either.
func TestAFilterTellsACustomerNoOperatorsName(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	k := r.NewKey(t, r.account)
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(k.ID) + "/block", Body: object{"reason": "abuse"}})
	for as, found := range map[string]bool{"operator": true, "owner": false} {
		rows := r.Want(t, 200, apitest.Call{As: as, Method: "GET", Path: r.path("/audit?action=key.block&actor=operator%40example.com")}).JSON(t)["rows"].([]any)
		if (len(rows) > 0) != found {
			t.Errorf("%s finds %v", as, rows)
		}
	}
}

// TestARowNamesItsKey as it is called now, and one that is purged as its last row does.
func TestARowNamesItsKey(t *testing.T) {
	r := newHarness(t)
	apitest.People(t, r.API, r.account.ID)
	there := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name = "Shop" })
	gone := r.NewKey(t, r.account, func(k *apikey.Key) { k.Name, k.DeletedAt = "Old shop", keytest.Now })
	r.Want(t, 200, apitest.Call{As: "operator", Method: "POST", Path: "/v1/operator/keys/" + string(there.ID) + "/block", Body: object{"reason": "abuse"}})
	row := keytest.Row(r.account.ID, "key.purge", gone.ID)
	row.Changes = []audit.Change{audit.Set("name", "Old shop", nil)}
	if err := r.Control.Purge(t.Context(), gone, row); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/audit?action=key.block": "Shop", "/audit?action=key.purge": "Old shop", "/keys/" + string(there.ID) + "/audit": "Shop"} {
		rows := r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: r.path(path)}).JSON(t)["rows"].([]any)
		if len(rows) == 0 || rows[0].(map[string]any)["key_name"] != want {
			t.Errorf("%s: %v, want %s", path, rows, want)
		}
	}
}

// manyRows is a trail of so many rows, one a minute.
type manyRows struct {
	auditStore
	rows  int
	reads int
}

func (m *manyRows) AuditOfAccount(_ context.Context, id account.ID, after string, limit int) (p control.AuditPage, _ error) {
	m.reads++
	at, _ := strconv.Atoi(after)
	for len(p.Rows) < limit && at < m.rows {
		at++
		p.Rows = append(p.Rows, audit.Row{ID: strconv.Itoa(at), Account: id, Action: "account.edit", At: time.Unix(int64(60*(m.rows-at)), 0)})
	}
	if at < m.rows {
		p.Next = strconv.Itoa(at)
	}
	return p, nil
}

// TestAFilterThatMatchesNothingStillEnds: each request looks at a bounded number of rows, and leads on.
func TestAFilterThatMatchesNothingStillEnds(t *testing.T) {
	trail := &manyRows{rows: 2*mostLooked + 150}
	h := auditRows{store: trail, source: env.NewSource()}
	page := gateway.Page{Size: 10}
	for request := 1; ; request++ {
		trail.reads = 0
		found, err := h.read(t.Context(), gateway.Principal{}, auditFilter{action: "key"}, page)
		if err != nil || len(found.Rows) > 0 || trail.reads > mostLooked/rowsPerRead {
			t.Fatal(err, found, trail.reads)
		}
		if page.After = found.Next; page.After == "" {
			if request != 3 {
				t.Errorf("%d requests", request)
			}
			return
		}
		if request > 3 {
			t.Fatal("no end")
		}
	}
}
