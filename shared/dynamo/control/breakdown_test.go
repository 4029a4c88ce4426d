package control_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/smithy-go"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/qps"
)

// failing lets the n-th call go wrong before it is done: a read once, a transaction as often as it is tried. 0 lets all
// of them pass.
func failing(n int, calls *int) func(string, int) keytest.Fault {
	broken := false
	return func(name string, call int) keytest.Fault {
		*calls = call
		broken = broken || name == "TransactWriteItems" && call == n
		if call == n || broken && name == "TransactWriteItems" {
			return keytest.Before
		}
		return keytest.NoFault
	}
}

// TestAFailedReadIsAnErrorOfItsList: a list that lacks what couldn't be read looks whole.
func TestAFailedReadIsAnErrorOfItsList(t *testing.T) {
	for name, l := range lists {
		t.Run(name, func(t *testing.T) {
			c := newCrowd(t)
			calls := 0
			c.store = c.With(failing(0, &calls)).Control
			if _, err := l.walk(t.Context(), c, 4); err != nil || calls == 0 {
				t.Fatalf("%d calls, %v", calls, err)
			}
			for n := range calls {
				c.store = c.With(failing(n+1, new(int))).Control
				if names, err := l.walk(t.Context(), c, 4); !errors.Is(err, keytest.ErrInjected) {
					t.Errorf("call %d fails: %q, %v", n+1, names, err)
				}
			}
		})
	}
}

func rowsOf(id account.ID) control.RowMaker {
	return func(action string, key apikey.ID) audit.Row { return keytest.Row(id, action, key) }
}

// jobs read and write step by step: each is prepared on a calm store.
var jobs = map[string]func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error{
	"finding differences": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		drifted(t, calm)
		return func(ctx context.Context, s *control.Store) error {
			return s.Reconcile(ctx, quietly(false))
		}
	},
	"repairing differences": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		drifted(t, calm)
		return func(ctx context.Context, s *control.Store) error {
			return s.Reconcile(ctx, quietly(true))
		}
	},
	"closing an account": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		a := calm.NewAccount(t)
		calm.NewKey(t, a)
		calm.NewKey(t, a)
		return func(ctx context.Context, s *control.Store) error {
			now, err := s.Account(ctx, a.ID)
			if err == nil {
				_, err = s.Close(ctx, now, keytest.Now, rowsOf(a.ID))
			}
			return err
		}
	},
	"changing an account's type": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		a := calm.NewAccount(t)
		calm.NewKey(t, a)
		o := keytest.Operation(t, a.ID, account.Enterprise, nil)
		return func(ctx context.Context, s *control.Store) error {
			o, _, err := keytest.BeginType(ctx, s, o, keytest.Row(a.ID, "account.type.begin", ""))
			if err != nil || o.ID == "" {
				return err
			}
			_, err = s.ContinueType(ctx, o, keytest.Now, func() bool { return false }, rowsOf(a.ID))
			return err
		}
	},
	"withdrawing invitations": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		a := calm.NewAccount(t)
		invite(t, calm, a.ID, "gone", 1)
		invite(t, calm, a.ID, "gone", 2)
		return func(ctx context.Context, s *control.Store) error {
			row := func(string) audit.Row { return keytest.Row(a.ID, "invitation.withdraw", "") }
			_, err := s.WithdrawInvitationsOf(ctx, a.ID, keytest.Subject("gone"), keytest.Now, row)
			if left, _ := calm.Control.Invitations(ctx, a.ID, keytest.Now, "", 0); err == nil && len(left.Invitations) != 0 {
				t.Errorf("left: %+v", left)
			}
			return err
		}
	},
	"inviting": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		a := calm.NewAccount(t)
		return func(ctx context.Context, s *control.Store) error {
			return s.Invite(ctx, invitation(a.ID, "owner", 1), nil, keytest.Row(a.ID, "invitation.create", ""))
		}
	},
	"ending a request whose key is gone": func(t *testing.T, calm keytest.Stores) func(context.Context, *control.Store) error {
		r, row := request(t, calm)
		if err := calm.Control.SubmitRequest(t.Context(), r, nil, row); err != nil {
			t.Fatal(err)
		}
		r.KeyID = keytest.KeyID()
		row = keytest.Row(r.Account, "qps.withdraw", "")
		return func(ctx context.Context, s *control.Store) error {
			ok, err := s.EndObsolete(ctx, r, false, keytest.Now, row)
			if err == nil && !ok {
				t.Error("it stands")
			}
			return err
		}
	},
}

// reads are the reads of one thing.
var reads = map[string]func(ctx context.Context, s *control.Store, c *crowd) error{
	"Account": func(ctx context.Context, s *control.Store, c *crowd) error {
		_, err := s.Account(ctx, c.account.ID)
		return err
	},
	"Member": func(ctx context.Context, s *control.Store, c *crowd) error {
		_, err := s.Member(ctx, c.account.ID, keytest.Subject("m1"))
		return err
	},
	"Operator": func(ctx context.Context, s *control.Store, _ *crowd) error {
		_, err := s.Operator(ctx, keytest.Subject("op1"))
		return err
	},
	"Rank": func(ctx context.Context, s *control.Store, _ *crowd) error {
		_, err := s.Rank(ctx, keytest.Subject("op1"))
		return err
	},
	"Key": func(ctx context.Context, s *control.Store, c *crowd) error {
		_, err := s.Key(ctx, c.account.ID, c.key.ID)
		return err
	},
	"FindKey": func(ctx context.Context, s *control.Store, c *crowd) error {
		_, err := s.FindKey(ctx, c.key.ID)
		return err
	},
	"Invitation": func(ctx context.Context, s *control.Store, c *crowd) error {
		_, err := s.Invitation(ctx, c.account.ID, "inv_1")
		return err
	},
	"FindInvitation": func(ctx context.Context, s *control.Store, _ *crowd) error {
		_, err := s.FindInvitation(ctx, apikey.Hash{1}, keytest.Now)
		return err
	},
	"Request": func(ctx context.Context, s *control.Store, c *crowd) error {
		_, err := s.Request(ctx, c.account.ID, qps.RequestID("qps_1"))
		return err
	},
	"Due": func(ctx context.Context, s *control.Store, _ *crowd) error {
		_, err := s.Due(ctx, keytest.Now, "", 10)
		return err
	},
	"Purgeable": func(ctx context.Context, s *control.Store, _ *crowd) error {
		_, err := s.Purgeable(ctx, keytest.Now, "", 10)
		return err
	},
	"EachKey": func(ctx context.Context, s *control.Store, _ *crowd) error {
		return s.EachKey(ctx, func(apikey.Key, error) error { return nil })
	},
	"Pass": func(ctx context.Context, s *control.Store, _ *crowd) error {
		_, err := s.Pass(ctx, "drift")
		return err
	},
}

// TestAFailedReadIsAnError, and not a thing that isn't there, which a caller would act on.
func TestAFailedReadIsAnError(t *testing.T) {
	c := newCrowd(t)
	for name, read := range reads {
		calls := 0
		if err := read(t.Context(), c.With(failing(0, &calls)).Control, c); err != nil || calls == 0 {
			t.Errorf("%s: %d calls, %v", name, calls, err)
		}
		for n := range calls {
			err := read(t.Context(), c.With(failing(n+1, new(int))).Control, c)
			if !errors.Is(err, keytest.ErrInjected) || errors.Is(err, dynamo.ErrNotFound) {
				t.Errorf("%s, call %d fails: %v", name, n+1, err)
			}
		}
	}
}

// passedOver are the calls of a job of which none is an error: reading the QPS requests that end with each key. Those that
// couldn't be read are ended later.
var passedOver = map[string]int{"closing an account": 2, "changing an account's type": 1}

// TestAStepThatFailsIsAnErrorOfItsJob: whichever call fails, the job says so, and the same job can be done again.
func TestAStepThatFailsIsAnErrorOfItsJob(t *testing.T) {
	for name, prepare := range jobs {
		t.Run(name, func(t *testing.T) {
			calls, unsaid := 0, 0
			for n := 0; n <= calls; n++ {
				synctest.Test(t, func(t *testing.T) {
					calm := keytest.MemoryStores(t)
					do := prepare(t, calm)
					made := 0
					err := do(t.Context(), calm.With(failing(n, &made)).Control)
					switch {
					case n == 0:
						if calls = made; err != nil || calls == 0 {
							t.Fatalf("%d calls, %v", calls, err)
						}
						return
					case err == nil:
						unsaid++
					case !errors.Is(err, keytest.ErrInjected) && !errors.Is(err, dynamo.ErrUnknown):
						t.Errorf("call %d of %d fails: %v", n, calls, err)
					}
					if err := do(t.Context(), calm.Control); err != nil {
						t.Errorf("again, after call %d failed: %v", n, err)
					}
				})
			}
			if unsaid != passedOver[name] {
				t.Errorf("%d of %d calls fail without a word, want %d", unsaid, calls, passedOver[name])
			}
		})
	}
}

// quietly is a whole comparison of which nobody hears.
func quietly(repair bool) control.Reconciliation {
	return control.Reconciliation{Repair: repair, Row: rowOf, Report: func(control.Drift) {}, Done: func(control.Place) error { return nil }}
}

func rowOf(id account.ID, key apikey.ID) audit.Row { return keytest.Row(id, "gate.repair", key) }

// drifted makes one difference of each kind between keys and gate.
func drifted(t *testing.T, calm keytest.Stores) {
	t.Helper()
	a := calm.NewAccount(t)
	missing, different := calm.NewKey(t, a), calm.NewKey(t, a)
	changed := keytest.Policy(different)
	changed.Disabled = true
	orphan := keytest.Policy(keytest.Key(a.ID))
	_, err := calm.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &calm.Tables.Gate, Key: policies.Key(keytest.Policy(missing).Hash)})
	err = errors.Join(
		err, keytest.PutRaw(t.Context(), calm.DB, calm.Tables.Gate, policies.Encode(changed)),
		keytest.PutRaw(t.Context(), calm.DB, calm.Tables.Gate, policies.Encode(orphan)),
	)
	if err != nil {
		t.Fatal(err)
	}
}

func invitation(id account.ID, by string, n byte) control.Invitation {
	return control.Invitation{
		ID: "inv_" + strings.Repeat("x", int(n)), Account: id, Role: account.Viewer, TokenHash: apikey.Hash{n}, By: keytest.Subject(by),
		CreatedAt: keytest.Now, ExpiresAt: keytest.Now.Add(time.Hour), Email: "guest@example.com",
	}
}

func invite(t *testing.T, calm keytest.Stores, id account.ID, by string, n byte) {
	t.Helper()
	if err := calm.Control.Invite(t.Context(), invitation(id, by, n), nil, keytest.Row(id, "invitation.create", "")); err != nil {
		t.Fatal(err)
	}
}

// refusing answers each query with an error.
type refusing struct {
	keytest.DB
	err error
}

func (r refusing) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, r.err
}

// TestAPlaceThatDynamoDBRefusesIsTheCallersMistake: any other error, and a refusal where no place was given, is a breakdown.
func TestAPlaceThatDynamoDBRefusesIsTheCallersMistake(t *testing.T) {
	for code, after := range map[string]map[string]bool{
		"ValidationException": {"": false, "place": true}, "ThrottlingException": {"": false, "place": false},
	} {
		for place, mistake := range after {
			s := keytest.MemoryStores(t)
			store := keytest.NewStores(refusing{s.DB, &smithy.GenericAPIError{Code: code}}, s.Tables).Control
			if _, err := store.Members(t.Context(), "acc_1", place, 10); err == nil || errors.Is(err, dynamo.ErrCursor) != mistake {
				t.Errorf("%s after %q: %v", code, place, err)
			}
		}
	}
}
