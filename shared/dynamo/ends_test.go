package dynamo_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/counters"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/dynamo/quotas"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/dynamo/sessions"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
	"latchkey/shared/limiter/quota"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

const (
	day    = 24 * time.Hour
	before = -time.Second // of what is asked until a time, and no longer from it on
)

// ending is a write of items that DynamoDB deletes some time.
type ending struct {
	in    string // the declarations that name the attribute ttl, by package
	write func(ctx context.Context, t *testing.T, s keytest.Stores) error
	items int       // how many it writes, of all tables
	read  time.Time // when they are read last, at the latest
}

var (
	now     = keytest.Now.Truncate(time.Hour)
	month   = statement.MonthOf(now)
	subject = usage.Subject{Account: "acc_1", Key: "key_1", Product: "search"}
	asked   = quota.Ask{Name: quota.Name{Scope: "acc_1", Type: "free", Group: "other"}, Date: month.Begin(), N: 1}
	session = sessions.Session{ID: "s", Sealed: []byte("x"), CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	person  = sessions.Person{ID: "p", Sessions: []string{"s"}, ExpiresAt: now.Add(2 * time.Hour)}
)

// counted is a write of a counter's item of a kind.
func counted(kind usage.Kind) func(context.Context, *testing.T, keytest.Stores) error {
	return func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
		item := usage.Item{Kind: kind, Account: subject.Account, Key: subject.Key, Product: subject.Product, Hour: usage.HourOf(now), Environment: "e"}
		return counters.New(s.DB, s.Tables.Counters).Write(ctx, map[usage.Item]usage.Stored{item: {Version: 1, Counts: usage.Counts{"c:c:allowed": 1}}})
	}
}

// writes are all of them, and why they are read for so long.
var writes = map[string]ending{
	"a lease: the end that the limiter asks for": {
		in: "leases.take leases.Store.Take", items: 1, read: now.Add(day + before),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			_, err := leases.New(s.DB, s.Tables.Leases).Take(ctx, limiter.Ask{Limit: "l", Window: now.Unix(), N: 1, Capacity: 9, Create: true, Expires: now.Add(day)})
			return err
		},
	},
	"the changes of an hour: as long as the hour": {
		in: "leases.Store.Count", items: 1, read: now.Add(time.Hour),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			_, err := leases.New(s.DB, s.Tables.Leases).Count(ctx, "n", now)
			return err
		},
	},
	"calls taken from quotas: as long as the month, and the last calls are corrected on the day after": {
		in: "quotas.Store.taking quotas.names quotas.values", items: 1, read: month.End().Add(day),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			_, err := quotas.New(s.DB, s.Tables.Quotas).Write(ctx, asked)
			return err
		},
	},
	"a correction of a quota: the same": {
		in: "quotas.Store.correcting", items: 1, read: month.End().Add(day),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			ask := asked
			ask.Stamp = 7
			_, err := quotas.New(s.DB, s.Tables.Quotas).Write(ctx, ask)
			return err
		},
	},
	"a refilled quota: the same": {
		in: "quotas.Filler.raise", items: 1, read: month.End().Add(day),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			_, err := quotas.NewFiller(s.DB, s.Tables.Quotas).Fill(ctx, asked, 5, 5)
			return err
		},
	},
	"a session: until it expires": {
		in: "sessions.item", items: 1, read: session.ExpiresAt.Add(before),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			_, err := sessions.New(s.DB, s.Tables.Sessions).Put(ctx, session)
			return err
		},
	},
	"a session that is used: until its new end": {
		in: "sessions.names sessions.Store.Touch", items: 1, read: now.Add(3*time.Hour + before),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			store := sessions.New(s.DB, s.Tables.Sessions)
			if _, err := store.Put(ctx, session); err != nil {
				return err
			}
			return store.Touch(ctx, session.ID, now, now.Add(3*time.Hour))
		},
	},
	"a person's sessions: until their list expires": {
		in: "sessions.Store.personPut", items: 1, read: person.ExpiresAt.Add(before),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			return sessions.New(s.DB, s.Tables.Sessions).PutPerson(ctx, person)
		},
	},
	"an idempotency key: 24 hours": {
		in: "control.idempotencyRecord control.Store.putIdempotency", items: 1, read: now.Add(day + before),
		write: func(ctx context.Context, t *testing.T, s keytest.Stores) error {
			k := keytest.Key(s.NewAccount(t).ID)
			once := &control.Idempotency{Operation: "create", Subject: keytest.Subject("owner"), Key: "k", At: now}
			_, err := s.Control.Commit(ctx, control.Change{After: k, Idempotency: once, Audit: keytest.Row(k.Account, "key.create", k.ID)})
			return err
		},
	},
	"an invitation, by its ID and by its token: until it expires": {
		in: "control.invitationRecord", items: 2, read: now.Add(7 * day),
		write: func(ctx context.Context, t *testing.T, s keytest.Stores) error {
			a := s.NewAccount(t)
			i := control.Invitation{ID: "inv_1", Account: a.ID, Role: account.Viewer, TokenHash: apikey.Hash{1}, By: keytest.Subject("owner"), CreatedAt: now, ExpiresAt: now.Add(7 * day)}
			return s.Control.Invite(ctx, i, nil, keytest.Row(a.ID, "invitation.create", ""))
		},
	},
	"a threshold that was told: its month's calls may be counted from what was set aside": {
		in: "control.Store.ReachThreshold", items: 1, read: month.End().Add(usage.KeepHours),
		write: func(ctx context.Context, t *testing.T, s keytest.Stores) error {
			a := s.NewAccount(t)
			row := keytest.Row(a.ID, "account.quota_reached", "")
			row.At = month.Begin()
			reached := usage.Threshold{Spending: usage.Spending{Billing: "free", Group: "other"}, Period: month.String(), Percent: 80, Used: 8, Quota: 10}
			return s.Control.ReachThreshold(ctx, a.ID, reached, row)
		},
	},
	"an operator's look at an account: as long as the hour": {
		in: "control.Store.look", items: 1, read: now.Add(time.Hour),
		write: func(ctx context.Context, t *testing.T, s keytest.Stores) error {
			a := s.NewAccount(t)
			return s.Control.Looked(ctx, a.ID, keytest.Subject("operator"), now, keytest.Row(a.ID, "operator.look", ""))
		},
	},
	"an operator's look at a list: as long as the hour": {
		in: "control.Store.look", items: 1, read: now.Add(time.Hour),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			return s.Control.Listed(ctx, "accounts", keytest.Subject("operator"), now, keytest.Row("", "operator.list", ""))
		},
	},
	"a contribution: reports about its hour, compared up to two days after they came": {
		in: "counters.encode", items: 1, read: now.Add(usage.MaxReportAge + 2*day), write: counted(usage.Contributed),
	},
	"a key's hour: 35 days":      {in: "counters.encode", items: 1, read: now.Add(usage.KeepHours + before), write: counted(usage.KeyHour)},
	"an account's hour: 35 days": {in: "counters.encode", items: 1, read: now.Add(usage.KeepHours + before), write: counted(usage.AccountHour)},
	"a key's day: 400 days":      {in: "counters.encode", items: 1, read: now.Add(usage.KeepDays + before), write: counted(usage.KeyDay)},
	"an account's day: 400 days": {in: "counters.encode", items: 1, read: now.Add(usage.KeepDays + before), write: counted(usage.AccountDay)},
	"a last use: without an end": {items: 0, write: counted(usage.KeyLastUse)},
	"counted until: without one": {items: 0, write: counted(usage.CountedUntil)},
	"a record set aside: 35 days": {
		in: "counters.Store.Quarantine", items: 1, read: now.Add(usage.KeepHours + before),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			return counters.New(s.DB, s.Tables.Counters).Quarantine(ctx, "7", "why", []byte("{}"), now)
		},
	},
	"a report: compared once its stream has given up, in the pass of that day or the next": {
		in: "reports.Encode", items: 1, read: now.Add(3 * day),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			return reports.New(s.DB, s.Tables.Slices).Write(ctx, usage.Report{Environment: "e", Sequence: 1, At: now})
		},
	},
	"a note of what isn't counted: as long as its month can get a statement": {
		in: "statements.Store.Miss", items: 1, read: month.Begin().Add(usage.KeepDays + before),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			return statements.New(s.DB, s.Tables.Statements).Miss(ctx, month, statements.Missed{ID: "1", At: month.Begin()})
		},
	},
	"a note that it is: the same": {
		in: "statements.Store.Settle", items: 1, read: month.Begin().Add(usage.KeepDays + before),
		write: func(ctx context.Context, _ *testing.T, s keytest.Stores) error {
			return statements.New(s.DB, s.Tables.Statements).Settle(ctx, "1", month.Begin())
		},
	},
}

// readers name the attribute and write none.
var readers = []string{"leases.seen", "sessions.Store.Get", "sessions.Store.Person", "control.Store.Remembered"}

// TestNothingEndsBeforeItIsReadLast: DynamoDB may delete an item from its ttl on. Each declaration that names the attribute has its write in the table, or reads it.
func TestNothingEndsBeforeItIsReadLast(t *testing.T) {
	known := slices.Clone(readers)
	for name, w := range writes {
		known = append(known, strings.Fields(w.in)...)
		t.Run(name, func(t *testing.T) {
			s := keytest.MemoryStores(t)
			if err := w.write(t.Context(), t, s); err != nil {
				t.Fatal(err)
			}
			found := 0
			for _, table := range []string{s.Tables.Control, s.Tables.Leases, s.Tables.Quotas, s.Tables.Slices, s.Tables.Counters, s.Tables.Statements, s.Tables.Sessions} {
				for _, item := range s.Items(t, table) {
					ttl, ends := dynamo.GetN(item, "ttl")
					if !ends {
						continue
					}
					if found++; !time.Unix(ttl, 0).After(w.read) {
						t.Errorf("it ends at %v and is read until %v", time.Unix(ttl, 0).UTC(), w.read)
					}
				}
			}
			if found != w.items {
				t.Errorf("%d items have an end, want %d", found, w.items)
			}
		})
	}
	slices.Sort(known)
	if got, want := naming(t, "ttl"), slices.Compact(known); !slices.Equal(got, want) {
		t.Errorf("the attribute ttl is in %q, and the table has %q", got, want)
	}
}

// naming lists the declarations below this folder, outside of tests, with a literal that names an attribute.
func naming(t *testing.T, attribute string) (list []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, d := range file.Decls {
			for name, node := range declared(d) {
				ast.Inspect(node, func(n ast.Node) bool {
					if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING && names(l.Value, attribute) {
						list = append(list, file.Name.Name+"."+name)
					}
					return true
				})
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// names reports whether a literal has an attribute as a word.
func names(literal, attribute string) bool {
	return slices.Contains(strings.FieldsFunc(literal, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }), attribute)
}

// declared are the names that a declaration makes, with what is below them.
func declared(d ast.Decl) map[string]ast.Node {
	found := map[string]ast.Node{}
	switch d := d.(type) {
	case *ast.FuncDecl:
		name := d.Name.Name
		if d.Recv != nil {
			of := d.Recv.List[0].Type
			if pointer, ok := of.(*ast.StarExpr); ok {
				of = pointer.X
			}
			if receiver, ok := of.(*ast.Ident); ok {
				name = receiver.Name + "." + name
			}
		}
		found[name] = d
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				found[spec.Name.Name] = spec
			case *ast.ValueSpec:
				for i, name := range spec.Names {
					if found[name.Name] = spec; i < len(spec.Values) {
						found[name.Name] = spec.Values[i]
					}
				}
			}
		}
	}
	return found
}
