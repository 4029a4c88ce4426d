package control_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// TestAnAuditRowReadsBackAsWritten, with each of its optional parts and without any.
func TestAnAuditRowReadsBackAsWritten(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	bare := audit.Row{ID: "aud_01", Account: a.ID, Action: "account.edit", At: keytest.Now, RequestID: "req-1"}
	rows := []audit.Row{bare, bare, bare, bare, bare}
	rows[1].Source = "192.0.2.1"
	rows[2].KeyID = string(keytest.KeyID())
	rows[3].Changes = []audit.Change{{Field: "name", Before: `"a"`, After: `"b"`}, {Field: "type", After: `"c"`}}
	rows[4].Actor = audit.Actor{Subject: keytest.Subject("owner"), Email: "owner@example.com", Role: "owner"}
	for n, row := range rows {
		row.ID = "aud_0" + string(rune('1'+n))
		after := a
		after.Name = row.ID
		var err error
		if a, err = s.Control.UpdateAccount(t.Context(), a, after, row); err != nil {
			t.Fatal(err)
		}
		rows[n] = row
	}
	got := map[string]audit.Row{}
	for _, row := range s.AllAudit(t, a.ID) {
		got[row.ID] = row
	}
	for _, want := range rows {
		if !reflect.DeepEqual(got[want.ID], want) {
			t.Errorf("%+v, want %+v", got[want.ID], want)
		}
	}
}

// TestAKeysRecordNeedsEachOfTheseParts: a key that lacks one would open what it must not, or nothing could ever change it.
func TestAKeysRecordNeedsEachOfTheseParts(t *testing.T) {
	s := keytest.MemoryStores(t)
	k := s.NewKey(t, s.NewAccount(t))
	item := func() dynamo.Item {
		for _, item := range s.Items(t, s.Tables.Control) {
			if kind, _ := dynamo.GetS(item, "kind"); kind == "key" {
				return item
			}
		}
		t.Fatal("no key is stored")
		return nil
	}
	if got, err := control.DecodeKey(item()); err != nil || got.ID != k.ID {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, part := range []string{"id", "account", "version", "current_secret", "v", "kind"} {
		damaged := item()
		if delete(damaged, part); len(damaged) != len(item())-1 {
			t.Fatalf("no %s is stored", part)
		}
		if _, err := control.DecodeKey(damaged); !errors.Is(err, dynamo.ErrUnreadable) {
			t.Errorf("without %s: %v", part, err)
		}
	}
	zero := item()
	zero["version"] = dynamo.N(0)
	if _, err := control.DecodeKey(zero); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Errorf("version 0: %v", err)
	}
}

// TestARecordThatIsReadAloneIsReportedWhenItIsBad, and a good one isn't.
func TestARecordThatIsReadAloneIsReportedWhenItIsBad(t *testing.T) {
	for kind, read := range map[string]string{
		"account": "Account", "key": "Key", "member": "Member", "operator": "Rank", "invitation": "FindInvitation", "qps_request": "Request",
	} {
		c := newCrowd(t)
		if err := reads[read](t.Context(), c.store, c); err != nil || len(c.reported) != 0 {
			t.Errorf("%s: %v, reported %+v", read, err, c.reported)
		}
		for _, item := range c.items(t) {
			if k, _ := dynamo.GetS(item, "kind"); k == kind {
				item["v"] = dynamo.N(99)
				c.put(t, item)
			}
		}
		if err := reads[read](t.Context(), c.store, c); !errors.Is(err, dynamo.ErrUnreadable) || len(c.reported) != 1 {
			t.Errorf("%s of a bad record: %v, reported %+v", read, err, c.reported)
		}
	}
}

// TestAnAddressIsFoundInEachCase, but no other address that only looks the same in lower case: the Kelvin sign is no k.
func TestAnAddressIsFoundInEachCase(t *testing.T) {
	s := keytest.MemoryStores(t)
	for stored, asked := range map[string]map[string]bool{
		"JOSÉ@Example.com":   {"josé@example.com": true, "JOSÉ@EXAMPLE.COM": true, "jose@example.com": false},
		"\u212aim@a.example": {"kim@a.example": false, "KIM@a.example": false, "\u212aim@A.example": true},
		"zoë@b.example":      {"ZOË@b.example": true, "Zoë@B.EXAMPLE": true},
	} {
		a := s.NewAccount(t)
		m := keytest.Member(a.ID, "dev", account.Developer)
		m.Email = stored
		if _, err := s.Control.PutMember(t.Context(), nil, m, keytest.Subject("owner"), keytest.Row(a.ID, "member.add", "")); err != nil {
			t.Fatal(err)
		}
		for email, want := range asked {
			p, err := s.Control.AccountsByEmail(t.Context(), email, "", 5)
			if err != nil || (len(p.Accounts) == 1) != want {
				t.Errorf("%q stands, %q finds %d, %v", stored, email, len(p.Accounts), err)
			}
		}
	}
}

// TestAnAccountIsFoundByItsNameAsItWasListedBefore names were folded, after those that begin with the text as names are folded now.
func TestAnAccountIsFoundByItsNameAsItWasListedBefore(t *testing.T) {
	s := keytest.MemoryStores(t)
	old := s.NewAccount(t, func(a *account.Account) { a.Name = "Straße Alt" })
	for _, item := range s.Items(t, s.Tables.Control) {
		if kind, _ := dynamo.GetS(item, "kind"); kind == "account" {
			item["gsk"] = dynamo.S("straße alt#" + string(old.ID))
			s.Put(t, s.Tables.Control, item)
		}
	}
	s.NewAccount(t, func(a *account.Account) { a.Name = "Straße Neu" })
	for typed, want := range map[string]string{"straße alt": "Straße Alt", "straße neu": "Straße Neu", "STRASSE N": "Straße Neu", "straße": "Straße Neu, Straße Alt", "nobody": ""} {
		p, err := s.Control.Accounts(t.Context(), typed, "", 5)
		var got []string
		for _, a := range p.Accounts {
			got = append(got, a.Name)
		}
		if err != nil || strings.Join(got, ", ") != want {
			t.Errorf("%q finds %q, %v, want %q", typed, got, err, want)
		}
	}
	counted := &asked{DB: s.DB}
	if _, err := keytest.NewStores(counted, s.Tables).Control.Accounts(t.Context(), "nobody", "", 5); err != nil || len(counted.limits) != 2 {
		t.Errorf("a name is looked for with %d queries, %v", len(counted.limits), err)
	}
}

// asked keeps the limits of the queries that a store makes; 0 is none.
type asked struct {
	keytest.DB
	limits []int32
}

func (a *asked) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	limit := int32(0)
	if in.Limit != nil {
		if limit = *in.Limit; limit < 1 {
			return nil, fmt.Errorf("a limit of %d, which DynamoDB refuses", limit)
		}
	}
	a.limits = append(a.limits, limit)
	return a.DB.Query(ctx, in, o...)
}

// TestAListReadsOneMoreThanItsPageShows, to know whether there is another: what is read and left out is paid for.
func TestAListReadsOneMoreThanItsPageShows(t *testing.T) {
	for name, l := range lists {
		if strings.HasPrefix(name, "Search") {
			continue // which looks at more than it finds; TestASearchReadsABoundedPart holds its bounds
		}
		c := newCrowd(t)
		counted := &asked{DB: c.DB}
		c.store = keytest.NewStores(counted, c.Tables).Control
		if _, err := l.walk(t.Context(), c, 2); err != nil {
			t.Fatal(err)
		}
		for _, limit := range counted.limits {
			if name == "Accounts" && limit == control.MostLooked/4 {
				continue // those that have the text somewhere else in their names, of which most are left out
			}
			if limit != 3 {
				t.Errorf("%s with pages of 2 reads %d at once, want 3", name, limit)
			}
		}
	}
	c := newCrowd(t)
	counted := &asked{DB: c.DB}
	store := keytest.NewStores(counted, c.Tables).Control
	_, err := store.Invitations(t.Context(), c.account.ID, keytest.Now, "", 0)
	_, errDue := store.Due(t.Context(), keytest.Now, "", 7)
	if errors.Join(err, errDue) != nil || counted.limits[0] != control.MostLooked+1 || counted.limits[len(counted.limits)-1] != 8 {
		t.Errorf("all, and a page of 7: %v, %v", counted.limits, errors.Join(err, errDue))
	}
}

// TestAJobsPageHoldsItsLimit, and all of its pages each key once.
func TestAJobsPageHoldsItsLimit(t *testing.T) {
	s := keytest.MemoryStores(t)
	const keys = 7
	want := map[apikey.ID]bool{}
	for range keys {
		k := s.NewKey(t, s.NewAccount(t), func(k *apikey.Key) {
			k.Outgoing = &apikey.Outgoing{StoredSecret: keytest.StoredSecret(string(k.ID) + "/0"), EndsAt: keytest.Now}
		})
		want[k.ID] = true
	}
	for limit := 1; limit <= keys+1; limit++ {
		seen := map[apikey.ID]bool{}
		for after := ""; ; {
			p, err := s.Control.Due(t.Context(), keytest.Now, after, limit)
			if err != nil || len(p.Keys) > limit || len(p.Keys) == 0 {
				t.Fatalf("%d keys in a page of %d, %v", len(p.Keys), limit, err)
			}
			for _, k := range p.Keys {
				seen[k.ID] = true
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if !reflect.DeepEqual(seen, want) {
			t.Errorf("pages of %d: %v, want %v", limit, seen, want)
		}
	}
	each := map[apikey.ID]bool{}
	err := s.Control.EachKey(t.Context(), func(k apikey.Key, err error) error { each[k.ID] = true; return err })
	if err != nil || !reflect.DeepEqual(each, want) {
		t.Errorf("each key of all accounts: %v, %v, want %v", each, err, want)
	}
	stopped := errors.New("stop")
	calls := 0
	if err := s.Control.EachKey(t.Context(), func(apikey.Key, error) error { calls++; return stopped }); !errors.Is(err, stopped) || calls != 1 {
		t.Errorf("stopped at the first key: %d calls, %v", calls, err)
	}
}

// TestOnlyWhatIsLeftOfABatchWaits: DynamoDB leaves items of a batch unprocessed when it has too much to do.
func TestOnlyWhatIsLeftOfABatchWaits(t *testing.T) {
	for accounts, waits := range map[int]bool{20: false, 40: true} { // the store in memory leaves what comes after 30
		synctest.Test(t, func(t *testing.T) {
			s := keytest.MemoryStores(t)
			for range accounts {
				a := s.NewAccount(t)
				if _, err := s.Control.PutMember(t.Context(), nil, keytest.Member(a.ID, "many", account.Owner), keytest.Subject("owner"), keytest.Row(a.ID, "member.add", "")); err != nil {
					t.Fatal(err)
				}
			}
			start := time.Now()
			p, err := s.Control.Memberships(t.Context(), keytest.Subject("many"), "", 0)
			if waited := time.Since(start); err != nil || len(p.Memberships) != accounts || (waited > 0) != waits {
				t.Errorf("%d of %d accounts after %v, %v", len(p.Memberships), accounts, waited, err)
			}
		})
	}
}

// TestAnInvitationIsForgottenADayAfterItsEnd, in both of its places.
func TestAnInvitationIsForgottenADayAfterItsEnd(t *testing.T) {
	s := keytest.MemoryStores(t)
	invite(t, s, s.NewAccount(t).ID, "owner", 1)
	places := 0
	for _, item := range s.Items(t, s.Tables.Control) {
		if kind, _ := dynamo.GetS(item, "kind"); kind != "invitation" {
			continue
		}
		places++
		if ttl, _ := dynamo.GetN(item, "ttl"); ttl != keytest.Now.Add(25*time.Hour).Unix() {
			t.Errorf("forgotten at %v", time.Unix(ttl, 0).UTC())
		}
	}
	if places != 2 {
		t.Errorf("%d places", places)
	}
}
