package control_test

import (
	"errors"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

var jane = keytest.Subject("jane")

// erased erases jane to the end, and ends with the first error.
func erased(t *testing.T, s *control.Store) error {
	t.Helper()
	for after := ""; ; {
		done, err := s.Erase(t.Context(), jane, after, rowsOf(""))
		if after = done.Next; err != nil || after == "" {
			return err
		}
	}
}

// suspendedBy suspends an account, or resumes it where there is nobody to have done it.
func suspendedBy(t *testing.T, s keytest.Stores, a account.Account, who string, until time.Time) account.Account {
	t.Helper()
	after, err := a.Resume()
	if who != "" {
		after, err = a.Suspend("abuse", until, who, keytest.Now)
	}
	if err == nil {
		after, err = s.Control.UpdateAccount(t.Context(), a, after, keytest.Row(a.ID, "account.edit", ""))
	}
	if err != nil {
		t.Error(err)
	}
	return after
}

// TestARepairGivesTheGateNoAccountAsItWasBefore: the account is suspended in the moment before its record is written again.
func TestARepairGivesTheGateNoAccountAsItWasBefore(t *testing.T) {
	for name, damage := range map[string]func(keytest.Stores, account.Account) error{
		"another record": func(s keytest.Stores, a account.Account) error {
			wrong := authz.AccountOf(a)
			wrong.Limits = wrong.Limits.With("search", 50)
			return keytest.PutRaw(t.Context(), s.DB, s.Tables.Gate, policies.EncodeAccount(wrong))
		},
		"no record, as a release before left it": func(s keytest.Stores, a account.Account) error {
			_, err := s.DB.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &s.Tables.Gate, Key: policies.AccountKey(a.ID)})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := keytest.MemoryStores(t)
			a := s.NewAccount(t)
			if err := damage(s, a); err != nil {
				t.Fatal(err)
			}
			between := &keytest.Interrupt{DB: s.DB}
			between.Arm(func() { a = suspendedBy(t, s, a, "operator", time.Time{}) })
			keytest.NewStores(between, s.Tables).Drifts(t, true)
			if s.CheckAccount(t, a); a.Suspended.At.IsZero() {
				t.Error("nothing came in between")
			}
		})
	}
}

// TestAnErasureUndoesNothingThatCameMeanwhile: what somebody else writes in the moment before a record is written without the person's name.
func TestAnErasureUndoesNothingThatCameMeanwhile(t *testing.T) {
	t.Run("an account is resumed", func(t *testing.T) {
		s := keytest.MemoryStores(t)
		a := suspendedBy(t, s, s.NewAccount(t), jane.ID, time.Time{})
		between := &keytest.Interrupt{DB: s.DB}
		between.Arm(func() { a = suspendedBy(t, s, a, "", time.Time{}) })
		if err := erased(t, keytest.NewStores(between, s.Tables).Control); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("%v", err)
		}
		if got, err := s.Control.Account(t.Context(), a.ID); err != nil || !got.Same(a) || !got.Suspended.At.IsZero() {
			t.Errorf("%+v, %v", got, err)
		}
		s.CheckAccount(t, a)
	})
	t.Run("a request is rejected", func(t *testing.T) {
		s := keytest.MemoryStores(t)
		r := janesRequest(t, s)
		between := &keytest.Interrupt{DB: s.DB}
		between.Arm(func() {
			if err := s.Control.CloseRequest(t.Context(), rejected(t, r), keytest.Row(r.Account, "qps.reject", r.KeyID)); err != nil {
				t.Error(err)
			}
		})
		if err := erased(t, keytest.NewStores(between, s.Tables).Control); !errors.Is(err, dynamo.ErrStale) {
			t.Errorf("%v", err)
		}
		if got, err := s.Control.Request(t.Context(), r.Account, r.ID); err != nil || got.Status != qps.Rejected {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// TestADecisionBringsNobodyBackWhoWasErased: a request that was read before its person was erased is decided on again.
func TestADecisionBringsNobodyBackWhoWasErased(t *testing.T) {
	s := keytest.MemoryStores(t)
	r := janesRequest(t, s)
	if err := erased(t, s.Control); err != nil {
		t.Fatal(err)
	}
	if err := s.Control.CloseRequest(t.Context(), rejected(t, r), keytest.Row(r.Account, "qps.reject", r.KeyID)); !errors.Is(err, qps.ErrNotPending) {
		t.Errorf("%v", err)
	}
	if got, err := s.Control.Request(t.Context(), r.Account, r.ID); err != nil || got.CreatedBy != (qps.Party{Subject: jane.Pseudonym()}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// TestASuspensionIsOverAtItsEnd, and not a millisecond before, for a write that it would refuse.
func TestASuspensionIsOverAtItsEnd(t *testing.T) {
	end := keytest.Now.Add(time.Hour)
	for at, want := range map[time.Duration]error{-time.Millisecond: account.ErrSuspended, 0: nil} {
		s := keytest.MemoryStores(t)
		a := s.NewAccount(t)
		k := s.NewKey(t, a)
		suspendedBy(t, s, a, "operator", end)
		change := control.Change{Before: &k, After: k, Audit: keytest.Row(a.ID, "key.raise_limit", k.ID), UnlessSuspended: end.Add(at)}
		change.After.Limits = []apikey.Limit{{Class: "search", QPS: 7}}
		if _, err := s.Control.Commit(t.Context(), change); !errors.Is(err, want) {
			t.Errorf("at its end and %v: %v, want %v", at, err, want)
		}
	}
}

// janesRequest is a request of jane's that waits.
func janesRequest(t *testing.T, s keytest.Stores) qps.Request {
	t.Helper()
	r, row := request(t, s)
	r.CreatedBy = qps.Party{Subject: jane, Email: "jane@example.com"}
	if err := s.Control.SubmitRequest(t.Context(), r, nil, row); err != nil {
		t.Fatal(err)
	}
	return r
}

func rejected(t *testing.T, r qps.Request) qps.Request {
	t.Helper()
	why, err := text.Secrets(nil).ParseBlock("No.", 1, 100)
	if err == nil {
		r, err = r.Reject(qps.Party{Subject: keytest.Subject("operator")}, why, keytest.Now)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}
