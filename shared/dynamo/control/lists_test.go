package control_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/moment"
	"latchkey/shared/qps"
)

// crowd is an account with six records of each kind, in a store whose reports are kept.
type crowd struct {
	keytest.Stores
	account  account.Account
	key      apikey.Key
	store    *control.Store
	reported []control.Unreadable
}

const each = 6

func newCrowd(t *testing.T) *crowd {
	t.Helper()
	c := &crowd{Stores: keytest.MemoryStores(t)}
	c.store = c.Control.Reporting(func(_ context.Context, u control.Unreadable) { c.reported = append(c.reported, u) })
	c.account = c.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	for n := range each {
		c.fill(t, n)
	}
	return c
}

func (c *crowd) fill(t *testing.T, n int) {
	t.Helper()
	k := c.NewKey(t, c.account, func(k *apikey.Key) {
		at := keytest.Now.Add(time.Duration(n) * time.Hour)
		k.BillingType, k.Current.Exposed, k.Blocked = apikey.Paying, apikey.Exposure{At: at, By: apikey.ReportedByAnybody}, &apikey.Block{Reason: "Leaked.", At: at}
	})
	if n == 0 {
		c.key = k
	}
	id := c.account.ID
	other := c.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprint("Crowd ", n) })
	suspended := other
	suspended.Suspended = account.Suspension{Reason: "Abuse.", At: keytest.Now}
	_, err := c.Control.UpdateAccount(t.Context(), other, suspended, keytest.Row(other.ID, "account.suspend", ""))
	if err != nil {
		t.Fatal(err)
	}
	shared := keytest.Member(other.ID, "many", account.Viewer)
	_, err = c.Control.PutMember(t.Context(), nil, shared, keytest.Subject("owner"), keytest.Row(other.ID, "member.add", ""))
	own := keytest.Member(id, fmt.Sprint("m", n), account.Viewer)
	if err == nil {
		_, err = c.Control.PutMember(t.Context(), nil, own, keytest.Subject("owner"), keytest.Row(id, "member.add", ""))
	}
	if err == nil {
		o := keytest.Operation(t, other.ID, account.Enterprise, nil)
		_, _, err = keytest.BeginType(t.Context(), c.Control, o, keytest.Row(other.ID, "account.type.begin", ""))
	}
	if err == nil {
		err = c.Control.Invite(t.Context(), control.Invitation{
			ID: fmt.Sprint("inv_", n), Account: id, Role: account.Viewer, TokenHash: apikey.Hash{byte(n + 1)}, By: keytest.Subject("owner"),
			CreatedAt: keytest.Now, ExpiresAt: keytest.Now.Add(time.Hour),
		}, nil, keytest.Row(id, "invitation.create", ""))
	}
	if err == nil {
		c.NewOperator(t, control.Operator{Subject: keytest.Subject(fmt.Sprint("op", n)), AddedAt: moment.Format(keytest.Now)})
	}
	if err == nil {
		err = c.Control.SubmitRequest(t.Context(), qps.Request{
			ID: qps.RequestID(fmt.Sprint("qps_", n)), Account: id, KeyID: k.ID, Product: "search", Class: "search", Requested: 9, Justification: "x",
			CreatedBy: qps.Party{Subject: keytest.Subject("owner")}, CreatedAt: keytest.Now.Add(time.Duration(n) * time.Second),
			Status: qps.Pending, Version: 1,
		}, nil, keytest.Row(id, "qps.submit", k.ID))
	}
	if err == nil {
		_, err = c.Edit(t.Context(), c.key, "key.edit", func(k *apikey.Key) { k.Name = fmt.Sprint("Name ", n); k.Version++ })
		c.key, _ = c.Control.Key(t.Context(), id, c.key.ID)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// walker walks one list with pages of a size, and names what it has.
type walker func(ctx context.Context, c *crowd, size int) (names []string, err error)

func pages[T any](ctx context.Context, read func(ctx context.Context, after string) ([]T, string, error), name func(T) string) (names []string, err error) {
	for after, n := "", 0; ; n++ {
		list, next, err := read(ctx, after)
		if err != nil || n > 50 {
			return names, errors.Join(err, ctx.Err())
		}
		for _, one := range list {
			names = append(names, name(one))
		}
		if after = next; after == "" {
			return names, nil
		}
	}
}

func accountName(a account.Account) string { return a.Name }

func memberships(ctx context.Context, c *crowd, size int) ([]string, error) {
	return pages(ctx, func(ctx context.Context, after string) ([]control.Membership, string, error) {
		p, err := c.store.Memberships(ctx, keytest.Subject("many"), after, size)
		return p.Memberships, p.Next, err
	}, func(m control.Membership) string { return m.Account.Name })
}

func byEmail(ctx context.Context, c *crowd, size int) ([]string, error) {
	return pages(ctx, func(ctx context.Context, after string) ([]account.Account, string, error) {
		p, err := c.store.AccountsByEmail(ctx, "MANY@example.com", after, size)
		return p.Accounts, p.Next, err
	}, accountName)
}

// lists are all lists of the store, each with the kind of its records. The jobs' lists, which give what is bad to their caller,
// have a test of their own.
var lists = map[string]struct {
	kind string
	walk walker
}{
	"Keys": {"key", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]apikey.Key, string, error) {
			p, err := c.store.Keys(ctx, c.account.ID, control.KeyQuery{After: apikey.ID(after), Limit: size})
			return p.Keys, string(p.Next), err
		}, func(k apikey.Key) string { return string(k.ID) })
	}},
	"KeysByName": {"key", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]apikey.Key, string, error) {
			p, err := c.store.KeysByName(ctx, c.account.ID, control.NameQuery{After: after, Limit: size})
			return p.Keys, p.Next, err
		}, func(k apikey.Key) string { return string(k.ID) })
	}},
	"Members": {"member", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]account.Member, string, error) {
			p, err := c.store.Members(ctx, c.account.ID, after, size)
			return p.Members, p.Next, err
		}, func(m account.Member) string { return m.Subject.ID })
	}},
	"Memberships":                    {"membership", memberships},
	"Memberships, by their accounts": {"account", memberships},
	"Invitations": {"invitation", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]control.Invitation, string, error) {
			p, err := c.store.Invitations(ctx, c.account.ID, keytest.Now, after, size)
			return p.Invitations, p.Next, err
		}, func(i control.Invitation) string { return i.ID })
	}},
	"Operators": {"operator", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]control.Operator, string, error) {
			p, err := c.store.Operators(ctx, after, size)
			return p.Operators, p.Next, err
		}, func(o control.Operator) string { return o.Subject.ID })
	}},
	"Accounts": {"account", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]account.Account, string, error) {
			p, err := c.store.Accounts(ctx, "crowd", after, size)
			return p.Accounts, p.Next, err
		}, accountName)
	}},
	"AccountsByEmail":                    {"member", byEmail},
	"AccountsByEmail, by their accounts": {"account", byEmail},
	"Requests": {"qps_request", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]qps.Request, string, error) {
			p, err := c.store.Requests(ctx, c.account.ID, control.RequestQuery{After: after, Limit: size})
			return p.Requests, p.Next, err
		}, func(r qps.Request) string { return string(r.ID) })
	}},
	"OpenRequests": {"qps_request", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]qps.Request, string, error) {
			p, err := c.store.OpenRequests(ctx, after, size)
			return p.Requests, p.Next, err
		}, func(r qps.Request) string { return string(r.ID) })
	}},
	"BlockedKeys": {"key", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]control.WaitingKey, string, error) {
			p, err := c.store.BlockedKeys(ctx, after, size)
			return p.Keys, p.Next, err
		}, func(w control.WaitingKey) string { return string(w.Key.ID) })
	}},
	"ExposedKeys": {"key", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]control.WaitingKey, string, error) {
			p, err := c.store.ExposedKeys(ctx, keytest.Now, after, size)
			return p.Keys, p.Next, err
		}, func(w control.WaitingKey) string { return string(w.Key.ID) })
	}},
	"SuspendedAccounts": {"account", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]account.Account, string, error) {
			p, err := c.store.SuspendedAccounts(ctx, keytest.Now, after, size)
			return p.Accounts, p.Next, err
		}, accountName)
	}},
	"SearchKeys": {"key", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]control.Match[apikey.Key], string, error) {
			p, err := c.store.SearchKeys(ctx, func(apikey.Key) bool { return true }, after, size)
			return p.Matches, p.Next, err
		}, func(m control.Match[apikey.Key]) string { return string(m.Record.ID) })
	}},
	"SearchMembers": {"member", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]control.Match[account.Member], string, error) {
			p, err := c.store.SearchMembers(ctx, func(account.Member) bool { return true }, after, size)
			return p.Matches, p.Next, err
		}, func(m control.Match[account.Member]) string { return string(m.Account.ID) + m.Record.Subject.ID })
	}},
	"RunningOperations": {"operation", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]control.Operation, string, error) {
			p, err := c.store.RunningOperations(ctx, after, size)
			return p.Operations, p.Next, err
		}, func(o control.Operation) string { return o.ID })
	}},
	"AuditOfAccount": {"audit", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]audit.Row, string, error) {
			p, err := c.store.AuditOfAccount(ctx, c.account.ID, after, size)
			return p.Rows, p.Next, err
		}, func(r audit.Row) string { return r.ID })
	}},
	"AuditOfKey": {"audit", func(ctx context.Context, c *crowd, size int) ([]string, error) {
		return pages(ctx, func(ctx context.Context, after string) ([]audit.Row, string, error) {
			p, err := c.store.AuditOfKey(ctx, c.account.ID, c.key.ID, after, size)
			return p.Rows, p.Next, err
		}, func(r audit.Row) string { return r.ID })
	}},
}

// spoil damages every third record of a kind, in one of the ways that a record can be unreadable, and returns how many.
func (c *crowd) spoil(t *testing.T, kind string) (n int) {
	t.Helper()
	seen := 0
	for _, item := range c.items(t) {
		if k, _ := dynamo.GetS(item, "kind"); k != kind {
			continue
		}
		if seen++; seen%3 != 0 {
			continue
		}
		n++
		for _, when := range []string{"created_at", "added_at", "happened_at", "started_at"} {
			if item[when] != nil {
				item[when] = dynamo.S("10000-01-01T23:58:59.000Z")
			}
		}
		if item["v"] != nil && (n%2 == 0 || kind == "operator") {
			item["v"] = dynamo.N(99)
		}
		c.put(t, item)
	}
	return n
}

func (c *crowd) items(t *testing.T) (items []dynamo.Item) {
	t.Helper()
	for scan := (&dynamodb.ScanInput{TableName: &c.Tables.Control, ConsistentRead: aws.Bool(true)}); ; {
		out, err := c.DB.Scan(t.Context(), scan)
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, out.Items...)
		if scan.ExclusiveStartKey = out.LastEvaluatedKey; len(out.LastEvaluatedKey) == 0 {
			break
		}
	}
	return items
}

func (c *crowd) put(t *testing.T, item dynamo.Item) {
	t.Helper()
	if _, err := c.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &c.Tables.Control, Item: item}); err != nil {
		t.Fatal(err)
	}
}

func TestEveryListIsPagedAndSurvivesBadRecords(t *testing.T) {
	for name, l := range lists {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t)
			whole, err := l.walk(t.Context(), c, 100)
			if err != nil || len(whole) < each {
				t.Fatalf("%q, %v", whole, err)
			}
			for _, size := range []int{1, 2, 3, len(whole) - 1, len(whole)} {
				if got, err := l.walk(t.Context(), c, size); err != nil || !slices.Equal(got, whole) {
					t.Errorf("pages of %d: %q, %v, want %q", size, got, err, whole)
				}
			}
			if len(c.reported) != 0 {
				t.Errorf("reported without cause: %+v", c.reported)
			}
			if c.spoil(t, l.kind) == 0 {
				t.Fatal("nothing was spoilt")
			}
			rest, err := l.walk(t.Context(), c, 100)
			if err != nil || len(rest) == 0 || len(rest) >= len(whole) {
				t.Fatalf("with bad records: %q, %v", rest, err)
			}
			for _, u := range c.reported {
				if u.Item == "" || !errors.Is(u.Err, dynamo.ErrUnreadable) || (u.Account == "" && l.kind != "operator") {
					t.Errorf("reported %+v", u)
				}
			}
			if len(c.reported) != len(whole)-len(rest) {
				t.Errorf("%d of %d are missing, %d were reported", len(whole)-len(rest), len(whole), len(c.reported))
			}
			for _, size := range []int{1, 2, 3} {
				if got, err := l.walk(t.Context(), c, size); err != nil || !slices.Equal(got, rest) {
					t.Errorf("pages of %d with bad records: %q, %v, want %q", size, got, err, rest)
				}
			}
		})
	}
}

// A person's accounts are read in batches, whatever their number.
func TestMembershipsAreReadInBatches(t *testing.T) {
	s := keytest.MemoryStores(t)
	for n := range 130 {
		a := s.NewAccount(t, func(a *account.Account) { a.Name = fmt.Sprintf("Account %03d", n) })
		if _, err := s.Control.PutMember(t.Context(), nil, keytest.Member(a.ID, "many", account.Owner), keytest.Subject("owner"), keytest.Row(a.ID, "member.add", "")); err != nil {
			t.Fatal(err)
		}
	}
	calls := map[string]int{}
	counted := s.With(func(call string, _ int) keytest.Fault { calls[call]++; return keytest.NoFault })
	for limit, want := range map[int]int{0: 130, 50: 50, 100: 100} {
		clear(calls)
		p, err := counted.Control.Memberships(t.Context(), keytest.Subject("many"), "", limit)
		if err != nil || len(p.Memberships) != want || (p.Next != "") != (want < 130) {
			t.Errorf("limit %d: %d, next %q, %v", limit, len(p.Memberships), p.Next, err)
		}
		if batches := (want + 99) / 100; calls["BatchGetItem"] < batches || calls["GetItem"] > 0 {
			t.Errorf("limit %d: %v", limit, calls)
		}
	}
	found, err := counted.Control.AccountsByEmail(t.Context(), "many@example.com", "", 5)
	if err != nil || len(found.Accounts) != 5 || found.Next == "" {
		t.Errorf("by e-mail: %d, next %q, %v", len(found.Accounts), found.Next, err)
	}
}

// Two members of one account with one address are one account, on whichever pages they are.
func TestAnAccountIsFoundOnceByAnAddress(t *testing.T) {
	s := keytest.MemoryStores(t)
	for range 3 {
		a := s.NewAccount(t)
		for _, who := range []string{"x", "y", "z"} {
			m := keytest.Member(a.ID, who, account.Viewer)
			m.Email = "same@example.com"
			if _, err := s.Control.PutMember(t.Context(), nil, m, keytest.Subject("owner"), keytest.Row(a.ID, "member.add", "")); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, size := range []int{1, 2, 3} {
		var ids []string
		for after := ""; ; {
			p, err := s.Control.AccountsByEmail(t.Context(), "same@example.com", after, size)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range p.Accounts {
				ids = append(ids, string(a.ID))
			}
			if after = p.Next; after == "" {
				break
			}
		}
		if slices.Sort(ids); len(ids) != 3 || len(slices.Compact(ids)) != 3 {
			t.Errorf("pages of %d: %s", size, strings.Join(ids, " "))
		}
	}
}

// Also where a page ends within an account, because it has looked at as many members as a page may.
func TestAnAccountOfManyMembersIsFoundOnceByAnAddress(t *testing.T) {
	s := keytest.MemoryStores(t)
	a := s.NewAccount(t)
	for n := range control.MostLooked + 2 {
		m := keytest.Member(a.ID, strconv.Itoa(n), account.Viewer)
		m.Email = "same@example.com"
		if _, err := s.Control.PutMember(t.Context(), nil, m, keytest.Subject("owner"), keytest.Row(a.ID, "member.add", "")); err != nil {
			t.Fatal(err)
		}
	}
	first, err := s.Control.AccountsByEmail(t.Context(), "same@example.com", "", 5)
	if err != nil || len(first.Accounts) != 1 || first.Next == "" {
		t.Fatalf("first page: %d accounts, next %q, %v", len(first.Accounts), first.Next, err)
	}
	second, err := s.Control.AccountsByEmail(t.Context(), "same@example.com", first.Next, 5)
	if err != nil || len(second.Accounts) != 0 || second.Next != "" {
		t.Errorf("second page: %d accounts, next %q, %v", len(second.Accounts), second.Next, err)
	}
}

// A new list needs a walk of its own above.
func TestEveryListIsWalked(t *testing.T) {
	jobs := []string{"Due", "Purgeable", "Erase"} // their pages carry what is bad, and the jobs go on
	others := []string{
		"AccountIDs",  // for jobs: one for each account, which take long
		"KeysByID",    // as many as its caller names
		"KeysInBrief", // the first page alone, and what can't be read is in it
	}
	store := reflect.TypeFor[*control.Store]()
	for i := range store.NumMethod() {
		m := store.Method(i)
		if slices.Contains(others, m.Name) {
			continue
		}
		if m.Type.NumOut() == 0 || m.Type.Out(0).Kind() == reflect.Slice {
			if m.Type.NumOut() > 0 {
				t.Errorf("%s gives a list without pages", m.Name)
			}
			continue
		}
		out := m.Type.Out(0)
		if out.Kind() != reflect.Struct {
			continue
		}
		if _, paged := out.FieldByName("Next"); paged && lists[m.Name].walk == nil && !slices.Contains(jobs, m.Name) {
			t.Errorf("%s isn't walked", m.Name)
		}
	}
}
