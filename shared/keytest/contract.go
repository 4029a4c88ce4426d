package keytest

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// RunControlContract checks the promises that users of the control and gate tables rely on. open gives empty
// stores each time.
func RunControlContract(t *testing.T, open func(testing.TB) Stores) {
	for _, part := range []struct {
		name string
		run  func(*testing.T, Stores)
	}{
		{"Accounts/CreateIsAllOrNothing", accountsCreate},
		{"Accounts/UpdateNeedsTheVersionRead", accountsUpdate},
		{"Accounts/AreFoundByNameAndEmail", accountsFound},
		{"Members/RemovalIsSeenAtOnce", membersRemoval},
		{"Members/LastOwnerStaysUnderRaces", membersLastOwner},
		{"Operators/OnlyOneIsFirst", operatorsFirst},
		{"Operators/OnlyOneIsFirstOfAnIssuer", operatorsFirstOfIssuer},
		{"Invitations/AreUsedOnce", invitationsOnce},
		{"Keys/ReadBackAsWritten", keysReadBack},
		{"Keys/OneOfTwoRacingEditsIsStale", keysStale},
		{"Keys/RevokedIsTerminalInTheCondition", keysRevoked},
		{"Keys/LimitIsExactUnderRaces", keysLimit},
		{"Keys/DeletingMakesRoomAndRestoringTakesIt", keysRoom},
		{"Keys/AreOfOneAccount", keysForeign},
		{"Keys/AreFoundByEachOfTheirSecrets", keysBySecret},
		{"Keys/PagesListAllOnce", keysPages},
		{"Keys/OnePageLooksAtSoMany", keysBounded},
		{"Keys/AreCountedInBrief", keysInBrief},
		{"Names/AreListedBothWays", namesListed},
		{"Names/OnePageLooksAtSoMany", namesBounded},
		{"Names/OfEarlierReleasesAreIndexedByTheComparison", namesOfEarlierReleases},
		{"Names/AKeyIsRenamedMeanwhile", namedMeanwhile},
		{"Names/AListLeavesOutWhatCantBeRead", namesUnreadable},
		{"Keys/GateDropsSecretsOffTheList", keysRetired},
		{"Keys/ASecretBelongsToOneKey", keysCollision},
		{"Idempotency/ReplayNamesTheFirst", idempotencyReplay},
		{"Idempotency/ConcurrentDuplicatesMakeOneKey", idempotencyRace},
		{"Audit/PagesAreNewestFirst", auditPages},
		{"Transactions/ATokenIsOfOneRequest", transactionToken},
		{"LostAnswers/AreLookedUp", lostAnswers},
		{"LostAnswers/NothingIsWrittenWhenNothingArrives", nothingArrives},
		{"Conflicts/AreTriedAgain", conflictsRetried},
		{"Conflicts/AreNoOtherVersion", conflictsAreNotStale},
		{"Type/ChangesAllKeysAndResumes", typeChange},
		{"Type/LetsNothingBeCreatedMeanwhile", typeMeanwhile},
		{"Type/GoesThereAndBackWhateverTheKeysAre", typeThereAndBack},
		{"Type/CanBeOvertakenOrClosed", typeOvertaken},
		{"Requests/EndWithWhatTheyAskFor", requestsEnd},
		{"KeyLimit/CountsNoRevokedKey", revokedFreesAPlace},
		{"Close/RevokesAllKeysAndResumes", closeResumes},
		{"Close/RefusesFromItsFirstStep", closingRefuses},
		{"Close/StopsAllKeysAtTheGateFromItsFirstStep", closingStops},
		{"Jobs/DueListsWhatIsDue", jobsDue},
		{"Jobs/PurgeRemovesAllButTheAuditTrail", jobsPurge},
		{"Drift/IsFoundAndRepaired", driftRepaired},
		{"Drift/AnEditMeanwhileIsNone", driftCalm},
		{"Drift/OfAccountsToo", driftOfAccounts},
		{"Operators/OfALongerIssuerAreAnothers", operatorsOfALongerIssuer},
		{"Waiting/KeysUntilTheyAreSeenTo", waitingKeys},
		{"Waiting/AccountsUntilTheirSuspensionEnds", waitingAccounts},
		{"Waiting/ListsInPages", waitingInPages},
		{"Waiting/ASuspensionEndsBetweenPages", endedBetweenPages},
		{"Waiting/AListLeavesOutWhatCantBeRead", unreadableInPages},
		{"Waiting/OfEarlierReleasesIsIndexedByTheComparison", waitingOfEarlierReleases},
		{"Waiting/WhatEarlierReleasesEndedHidesNothing", endedByEarlierReleases},
		{"Waiting/WhatEarlierReleasesEndedIsTakenOut", takenOutOfTheIndex},
		{"Waiting/WhatWaitsAgainIsNotTakenOut", waitingAgain},
		{"Search/InPages", searchesInPages},
		{"Search/GoesOnWithoutWhatCantBeRead", searchesOnWithoutWhatCantBeRead},
		{"Search/ForMembers", searchesForMembers},
		{"Search/WithinALongAccount", searchesWithinALongAccount},
		{"Requests/OneIsOpenAndDecidedOnce", requestsDecided},
		{"Writes/OfWhatChangedSinceItWasReadAreRefused", writesOfWhatChanged},
	} {
		t.Run(part.name, func(t *testing.T) { part.run(t, open(t)) })
	}
}

func wantErr(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// race runs n calls at once and counts those that succeed; every other one must fail with an allowed error.
func race(t testing.TB, n int, call func(i int) error, allowed ...error) (succeeded int) {
	t.Helper()
	results := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { results[i] = call(i) })
	}
	group.Wait()
	for _, err := range results {
		if err == nil {
			succeeded++
			continue
		}
		ok := false
		for _, a := range allowed {
			ok = ok || errors.Is(err, a)
		}
		if !ok {
			t.Errorf("unexpected error %v", err)
		}
	}
	return succeeded
}

func transactionToken(t *testing.T, s Stores) {
	token := string(KeyID())
	write := func(value string) error {
		_, err := s.DB.TransactWriteItems(t.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: &token, TransactItems: []types.TransactWriteItem{{Put: &types.Put{
				TableName: &s.Tables.Gate, Item: dynamo.Item{"pk": dynamo.S("one"), "value": dynamo.S(value)},
			}}},
		})
		return err
	}
	must(t, write("a"))
	must(t, write("a"))
	var mismatch *types.IdempotentParameterMismatchException
	if err := write("b"); !errors.As(err, &mismatch) {
		t.Fatalf("another request under the token: %v", err)
	}
}

func accountsCreate(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	got, err := s.Control.Account(t.Context(), a.ID)
	must(t, err)
	if !reflect.DeepEqual(got, a) {
		t.Fatalf("got %+v, want %+v", got, a)
	}
	other := Member(a.ID, "somebody", account.Owner)
	_, err = s.Control.CreateAccount(t.Context(), a, other, Row(a.ID, "account.create", ""))
	wantErr(t, err, dynamo.ErrExists)
	_, err = s.Control.Member(t.Context(), a.ID, other.Subject)
	wantErr(t, err, dynamo.ErrNotFound)
	list, err := s.Control.Memberships(t.Context(), Subject("owner"), "", 0)
	must(t, err)
	if m := list.Memberships; len(m) != 1 || m[0].Account.ID != a.ID || m[0].Role != account.Owner {
		t.Fatalf("memberships %+v", list)
	}
	if rows := s.AllAudit(t, a.ID); len(rows) != 1 {
		t.Fatalf("%d audit rows, want 1", len(rows))
	}
}

func accountsUpdate(t *testing.T, s Stores) {
	a := s.NewAccount(t, func(a *account.Account) { a.KeyLimit = 1 })
	s.NewKey(t, a)
	raised := a
	raised.Name, raised.KeyLimit = "Renamed", 2
	b, err := s.Control.UpdateAccount(t.Context(), a, raised, Row(a.ID, "account.edit", ""))
	must(t, err)
	_, err = s.Control.UpdateAccount(t.Context(), a, raised, Row(a.ID, "account.edit", ""))
	wantErr(t, err, dynamo.ErrStale)
	got, err := s.Control.Account(t.Context(), a.ID)
	must(t, err)
	if !got.Same(b) || got.Version != 2 || got.KeyLimit != 2 {
		t.Fatalf("got %+v", got)
	}
	s.NewKey(t, a) // the raised limit holds
	unknown := Account()
	_, err = s.Control.UpdateAccount(t.Context(), unknown, unknown, Row(unknown.ID, "account.edit", ""))
	wantErr(t, err, dynamo.ErrNotFound)
	if rows := s.AllAudit(t, unknown.ID); len(rows) != 0 {
		t.Fatal("a refused write left an audit row")
	}
}

func accountsFound(t *testing.T, s Stores) {
	named := map[string]account.ID{}
	for _, name := range []string{"Alpha Maps", "alpine", "Beta", "Alps # One", "ALPHABET", "Straße", "ＡＬＰＨＡ ２", strings.Repeat("\ufdfa", 64)} {
		named[name] = s.NewAccount(t, func(a *account.Account) { a.Name = name }).ID
	}
	var got []string
	for after := ""; ; {
		page, err := s.Control.Accounts(t.Context(), "aLp", after, 2)
		must(t, err)
		for _, a := range page.Accounts {
			got = append(got, a.Name)
		}
		if after = page.Next; after == "" {
			break
		}
	}
	if want := []string{"ＡＬＰＨＡ ２", "Alpha Maps", "ALPHABET", "alpine", "Alps # One"}; !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	accountsFoundByWords(t, s)
	// However a text is typed, and however large the pages are, it finds the same accounts.
	for _, typed := range []string{"alp", "ALP", "ａＬｐ", "ＡＬＰ", "aLph", "ＡＬＰＨＡ", "zeta", "ＺＥＴＡ", ""} {
		walk := func(size int) (ids []account.ID) {
			for after := ""; ; {
				page, err := s.Control.Accounts(t.Context(), typed, after, size)
				must(t, err)
				for _, a := range page.Accounts {
					ids = append(ids, a.ID)
				}
				if after = page.Next; after == "" {
					return ids
				}
			}
		}
		whole := walk(100)
		for size := 1; size <= 3; size++ {
			if paged := walk(size); !reflect.DeepEqual(paged, whole) {
				t.Errorf("%q finds %d accounts, and %d by pages of %d", typed, len(whole), len(paged), size)
			}
		}
	}
	for _, typed := range []string{"Straße", "STRASSE", "ｓtraß", strings.Repeat("\ufdfa", 3), strings.Repeat("\ufdfa", 64)} {
		page, err := s.Control.Accounts(t.Context(), typed, "", 2)
		must(t, err)
		if len(page.Accounts) != 1 {
			t.Errorf("%q finds %d accounts", typed, len(page.Accounts))
		}
	}
	_, err := s.Control.PutMember(t.Context(), nil, Member(named["Beta"], "Dev.One", account.Developer), Subject("owner"), Row(named["Beta"], "member.add", ""))
	must(t, err)
	found, err := s.Control.AccountsByEmail(t.Context(), "dev.one@EXAMPLE.com", "", 5)
	must(t, err)
	if len(found.Accounts) != 1 || found.Accounts[0].ID != named["Beta"] {
		t.Fatalf("found %+v", found)
	}
}

// accountsFoundByWords finds names by words, or parts of them, in any order and anywhere: those that begin with the whole text come first, and
// none comes twice, however large the pages are.
func accountsFoundByWords(t *testing.T, s Stores) {
	for _, name := range []string{"Zug Mobility GmbH", "Mobility Zug", "Automobility # 2", "Mobil"} {
		s.NewAccount(t, func(a *account.Account) { a.Name = name })
	}
	for typed, want := range map[string][]string{
		"mobility":      {"Mobility Zug", "Automobility # 2", "Zug Mobility GmbH"},
		"ＺＵＧ  mobility": {"Zug Mobility GmbH", "Mobility Zug"},
		"gmbh":          {"Zug Mobility GmbH"},
		"mobil tomob":   {"Automobility # 2"},
		"mobil":         {"Mobil", "Mobility Zug", "Automobility # 2", "Zug Mobility GmbH"},
		"zug nobody":    nil,
	} {
		for size := 1; size <= 5; size++ {
			var got []string
			for after := ""; ; {
				page, err := s.Control.Accounts(t.Context(), typed, after, size)
				must(t, err)
				for _, a := range page.Accounts {
					got = append(got, a.Name)
				}
				if len(page.Accounts) > size {
					t.Errorf("%q: %d accounts in a page of %d", typed, len(page.Accounts), size)
				}
				if after = page.Next; after == "" {
					break
				}
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%q in pages of %d finds %q, want %q", typed, size, got, want)
			}
		}
	}
}

func membersRemoval(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	m, err := s.Control.PutMember(t.Context(), nil, Member(a.ID, "dev", account.Developer), Subject("owner"), Row(a.ID, "member.add", ""))
	must(t, err)
	_, err = s.Control.PutMember(t.Context(), nil, m, Subject("owner"), Row(a.ID, "member.add", ""))
	wantErr(t, err, dynamo.ErrExists)
	after := m
	after.Role = account.Viewer
	changed, err := s.Control.PutMember(t.Context(), &m, after, Subject("owner"), Row(a.ID, "member.change", ""))
	must(t, err)
	wantErr(t, s.Control.RemoveMember(t.Context(), m, Row(a.ID, "member.remove", "")), dynamo.ErrStale)
	must(t, s.Control.RemoveMember(t.Context(), changed, Row(a.ID, "member.remove", "")))
	_, err = s.Control.Member(t.Context(), a.ID, m.Subject)
	wantErr(t, err, dynamo.ErrNotFound)
	list, err := s.Control.Memberships(t.Context(), m.Subject, "", 0)
	must(t, err)
	members, err := s.Control.Members(t.Context(), a.ID, "", 0)
	must(t, err)
	if len(list.Memberships) != 0 || len(members.Members) != 1 {
		t.Fatalf("memberships %+v, members %+v", list, members)
	}
	wantErr(t, s.Control.RemoveMember(t.Context(), changed, Row(a.ID, "member.remove", "")), dynamo.ErrNotFound)
	if rows := s.AllAudit(t, a.ID); len(rows) != 4 {
		t.Fatalf("%d audit rows, want 4", len(rows))
	}
}

func membersLastOwner(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	_, err := s.Control.PutMember(t.Context(), nil, Member(a.ID, "owner2", account.Owner), Subject("owner"), Row(a.ID, "member.add", ""))
	must(t, err)
	leave := func(i int) error {
		m := Member(a.ID, []string{"owner", "owner2"}[i], account.Owner)
		if i == 0 {
			return s.Control.RemoveMember(context.Background(), m, Row(a.ID, "member.remove", ""))
		}
		after := m
		after.Role = account.Viewer
		_, err := s.Control.PutMember(context.Background(), &m, after, m.Subject, Row(a.ID, "member.change", ""))
		return err
	}
	if n := race(t, 2, leave, account.ErrLastOwner); n != 1 {
		t.Fatalf("%d owners left, want 1", n)
	}
}

// operatorsFirstOfIssuer: operators of an issuer before don't keep the first one of the next from coming, who then is an operator as any.
func operatorsFirstOfIssuer(t *testing.T, s Stores) {
	next := func(name string) account.Subject { return account.Subject{Issuer: Issuer + "/next", ID: name} }
	first := func(who account.Subject) error {
		o := control.Operator{Subject: who, Rank: account.Admin, AddedAt: Now.Format(time.RFC3339)}
		return s.Control.AddFirstOperatorOfIssuer(t.Context(), o, Row("", "operator.add", ""))
	}
	must(t, s.Control.AddFirstOperator(t.Context(), control.Operator{Subject: Subject("op"), Rank: account.Admin}, Row("", "operator.add", "")))
	wantErr(t, first(Subject("op2")), dynamo.ErrExists)
	must(t, first(next("op")))
	for _, who := range []account.Subject{next("op"), next("op2"), Subject("op2")} {
		wantErr(t, first(who), dynamo.ErrExists)
	}
	must(t, s.Control.AddOperator(t.Context(), control.Operator{Subject: next("op2"), Rank: account.Admin}, next("op"), Row("", "operator.add", "")))
	must(t, s.Control.RemoveOperator(t.Context(), next("op"), next("op2"), Row("", "operator.remove", "")))
	wantErr(t, first(next("op")), dynamo.ErrExists)
	list, err := s.Control.Operators(t.Context(), "", 0)
	must(t, err)
	if len(list.Operators) != 2 || list.Operators[0].Subject != next("op2") || list.Operators[1].Subject != Subject("op") {
		t.Fatalf("operators %+v", list)
	}
	must(t, s.Control.AddOperator(t.Context(), control.Operator{Subject: Subject("op2")}, Subject("op"), Row("", "operator.add", "")))
}

// operatorsOfALongerIssuer: an issuer whose address begins with the next one's is another.
func operatorsOfALongerIssuer(t *testing.T, s Stores) {
	longer := control.Operator{Subject: account.Subject{Issuer: Issuer + "/before", ID: "op"}, Rank: account.Admin}
	must(t, s.Control.AddFirstOperator(t.Context(), longer, Row("", "operator.add", "")))
	must(t, s.Control.AddFirstOperatorOfIssuer(t.Context(), control.Operator{Subject: Subject("op"), Rank: account.Admin}, Row("", "operator.add", "")))
}

func operatorsFirst(t *testing.T, s Stores) {
	add := func(i int) error {
		o := control.Operator{Subject: Subject([]string{"op0", "op1", "op2"}[i]), Email: "op@example.com", AddedAt: Now.Format(time.RFC3339)}
		return s.Control.AddFirstOperator(context.Background(), o, Row("", "operator.add", ""))
	}
	if n := race(t, 3, add, dynamo.ErrExists); n != 1 {
		t.Fatalf("%d first operators", n)
	}
	list, err := s.Control.Operators(t.Context(), "", 0)
	must(t, err)
	if len(list.Operators) != 1 {
		t.Fatalf("operators %+v", list)
	}
	first := list.Operators[0].Subject
	must(t, s.Control.AddOperator(t.Context(), control.Operator{Subject: Subject("op9")}, first, Row("", "operator.add", "")))
	is, err := s.Control.Rank(t.Context(), Subject("op9"))
	must(t, err)
	if is != account.Admin { // as of a time without ranks
		t.Fatal("op9 isn't an operator")
	}
	must(t, s.Control.RemoveOperator(t.Context(), Subject("op9"), first, Row("", "operator.remove", "")))
	wantErr(t, s.Control.RemoveOperator(t.Context(), Subject("op9"), first, Row("", "operator.remove", "")), dynamo.ErrNotFound)
	wantErr(t, s.Control.RemoveOperator(t.Context(), first, Subject("op9"), Row("", "operator.remove", "")), account.ErrNotAdmin)
	for _, who := range []string{"op8", "op9"} { // who was removed names nobody, nor themselves
		o := control.Operator{Subject: Subject(who), Rank: account.Admin}
		wantErr(t, s.Control.AddOperator(t.Context(), o, Subject("op9"), Row("", "operator.add", "")), account.ErrNotAdmin)
	}
	is, err = s.Control.Rank(t.Context(), Subject("op9"))
	must(t, err)
	if rows := s.AllAudit(t, control.Operators); is != "" || len(rows) != 3 {
		t.Fatalf("rank %q, %d audit rows, want 3", is, len(rows))
	}
}

func invitationsOnce(t *testing.T, s Stores) {
	a := s.NewAccount(t)
	i := control.Invitation{
		ID: "inv_1", Account: a.ID, Role: account.Developer, Email: "new@example.com", TokenHash: apikey.Hash{1},
		By: Subject("owner"), CreatedAt: Now, ExpiresAt: Now.Add(time.Hour),
	}
	must(t, s.Control.Invite(t.Context(), i, nil, Row(a.ID, "invitation.create", "")))
	got, err := s.Control.FindInvitation(t.Context(), i.TokenHash, Now)
	must(t, err)
	if got != i {
		t.Fatalf("got %+v, want %+v", got, i)
	}
	_, err = s.Control.FindInvitation(t.Context(), i.TokenHash, i.ExpiresAt)
	wantErr(t, err, dynamo.ErrNotFound)
	_, err = s.Control.AcceptInvitation(t.Context(), i, account.Person{Subject: Subject("owner")}, Now, Row(a.ID, "invitation.accept", ""))
	wantErr(t, err, dynamo.ErrExists)
	accept := func(n int) error {
		who := account.Person{Subject: Subject([]string{"p0", "p1", "p2"}[n]), Email: "New@Example.com"}
		_, err := s.Control.AcceptInvitation(context.Background(), i, who, Now, Row(a.ID, "invitation.accept", ""))
		return err
	}
	if n := race(t, 3, accept, dynamo.ErrNotFound); n != 1 {
		t.Fatalf("accepted %d times", n)
	}
	members, err := s.Control.Members(t.Context(), a.ID, "", 0)
	must(t, err)
	open, err := s.Control.Invitations(t.Context(), a.ID, Now, "", 0)
	must(t, err)
	if len(members.Members) != 2 || len(open.Invitations) != 0 {
		t.Fatalf("members %+v, open %+v", members, open)
	}
}
