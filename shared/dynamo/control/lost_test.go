package control_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

// leaving is a caller who goes at the moment in which the answer of a transaction is lost. done says whether the
// transaction is carried out.
type leaving struct {
	keytest.DB
	leave context.CancelFunc
	done  bool
}

func (l leaving) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	if l.done {
		if _, err := l.DB.TransactWriteItems(ctx, in, o...); err != nil {
			return nil, err
		}
	}
	l.leave()
	return nil, keytest.ErrInjected
}

// written are the changes of the control table: each is prepared on a calm store and made on one that may lose answers.
var written = map[string]func(t *testing.T, calm keytest.Stores) (change func(context.Context, *control.Store) error){
	"a new account": func(*testing.T, keytest.Stores) func(context.Context, *control.Store) error {
		a := keytest.Account()
		row := keytest.Row(a.ID, "account.create", "")
		return func(ctx context.Context, s *control.Store) error {
			_, err := s.CreateAccount(ctx, a, keytest.Member(a.ID, "owner", account.Owner), row)
			return err
		}
	},
	"an account's name": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		before := calm.NewAccount(t)
		after, row := before, keytest.Row(before.ID, "account.edit", "")
		after.Name = "Other"
		return func(ctx context.Context, s *control.Store) error {
			_, err := s.UpdateAccount(ctx, before, after, row)
			return err
		}
	},
	"a new key": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		return commit(control.Change{After: keytest.Key(calm.NewAccount(t).ID)}, "key.create")
	},
	"an edited key": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		before := calm.NewKey(t, calm.NewAccount(t))
		after := before
		after.Name = "Other"
		return commit(control.Change{Before: &before, After: after}, "key.edit")
	},
	"a purged key": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		k := calm.NewKey(t, calm.NewAccount(t), func(k *apikey.Key) { k.DeletedAt = keytest.Now })
		row := keytest.Row(k.Account, "key.purge", k.ID)
		return func(ctx context.Context, s *control.Store) error { return s.Purge(ctx, k, row) }
	},
	"a new member": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		a := calm.NewAccount(t)
		row := keytest.Row(a.ID, "member.add", "")
		return func(ctx context.Context, s *control.Store) error {
			_, err := s.PutMember(ctx, nil, keytest.Member(a.ID, "dev", account.Developer), keytest.Subject("owner"), row)
			return err
		}
	},
	"a removed member": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		a := calm.NewAccount(t)
		m, err := calm.Control.PutMember(t.Context(), nil, keytest.Member(a.ID, "dev", account.Developer), keytest.Subject("owner"), keytest.Row(a.ID, "member.add", ""))
		if err != nil {
			t.Fatal(err)
		}
		row := keytest.Row(a.ID, "member.remove", "")
		return func(ctx context.Context, s *control.Store) error {
			return s.RemoveMember(ctx, m, row)
		}
	},
	"an invitation": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		a := calm.NewAccount(t)
		i := control.Invitation{ID: "inv_1", Account: a.ID, Role: account.Viewer, TokenHash: apikey.Hash{1}, CreatedAt: keytest.Now, ExpiresAt: keytest.Now.Add(time.Hour)}
		row := keytest.Row(a.ID, "invitation.create", "")
		return func(ctx context.Context, s *control.Store) error { return s.Invite(ctx, i, nil, row) }
	},
	"a QPS request": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		r, row := request(t, calm)
		return func(ctx context.Context, s *control.Store) error { return s.SubmitRequest(ctx, r, nil, row) }
	},
	"a withdrawn QPS request": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		r, row := request(t, calm)
		if err := calm.Control.SubmitRequest(t.Context(), r, nil, row); err != nil {
			t.Fatal(err)
		}
		after, err := r.Withdraw(keytest.Now)
		if err != nil {
			t.Fatal(err)
		}
		row = keytest.Row(r.Account, "qps.withdraw", r.KeyID)
		return func(ctx context.Context, s *control.Store) error { return s.CloseRequest(ctx, after, row) }
	},
}

func commit(c control.Change, action string) func(context.Context, *control.Store) error {
	c.Audit = keytest.Row(c.After.Account, action, c.After.ID)
	return func(ctx context.Context, s *control.Store) error {
		_, err := s.Commit(ctx, c)
		return err
	}
}

func request(t *testing.T, calm keytest.Stores) (qps.Request, audit.Row) {
	a := calm.NewAccount(t, func(a *account.Account) { a.Type = account.Enterprise })
	k := calm.NewKey(t, a, func(k *apikey.Key) { k.BillingType = apikey.Paying })
	justification, err := text.Secrets(nil).ParseBlock("We launch.", 1, 2000)
	if err != nil {
		t.Fatal(err)
	}
	r, err := qps.Submit(qps.Request{
		ID: "qps_01HZY3M7Q8R9S0T1V2W3X4Y5Z6", Account: k.Account, KeyID: k.ID, Product: "search", Class: "search", Requested: 50, Current: 5,
	}, justification, 5, 1000, keytest.Now)
	if err != nil {
		t.Fatal(err)
	}
	return r, keytest.Row(k.Account, "qps.submit", k.ID)
}

// TestALostAnswerIsLookedUpThoughTheCallerHasGone: what is written must never be reported as unknown while the table can
// be asked, or a person would be shown no secret of a key that has one.
func TestALostAnswerIsLookedUpThoughTheCallerHasGone(t *testing.T) {
	for name, prepare := range written {
		for _, done := range []bool{true, false} {
			calm := keytest.MemoryStores(t)
			change := prepare(t, calm)
			before := calm.Dump(t)
			ctx, leave := context.WithCancel(t.Context())
			err := change(ctx, keytest.NewStores(leaving{calm.DB, leave, done}, calm.Tables).Control)
			leave()
			items := keytest.Written(before, calm.Dump(t))
			switch {
			case done && (err != nil || len(items) == 0):
				t.Errorf("%s is written, and the error is %v", name, err)
			case !done && (!errors.Is(err, dynamo.ErrUnknown) || len(items) > 0):
				t.Errorf("%s isn't written, and the error is %v", name, err)
			}
		}
	}
}
