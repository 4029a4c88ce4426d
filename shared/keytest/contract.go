package keytest

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
)

// controlContract has the parts of [RunControlContract].
var controlContract = []struct {
	name string
	run  func(*testing.T, Stores)
}{
	{"Accounts/CreateIsAllOrNothing", accountsCreate},
	{"Accounts/UpdateNeedsTheVersionRead", accountsUpdate},
	{"Accounts/AreFoundByNameAndEmail", accountsFound},
	{"Members/RemovalIsSeenAtOnce", membersRemoval},
	{"Members/LastOwnerStaysUnderRaces", membersLastOwner},
	{"Members/LastOwnerOfTheIssuerStaysUnderRaces", membersLastOwnerOfIssuer},
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
}

// RunControlContract checks the promises that users of the control and gate tables rely on. open gives empty
// stores each time.
func RunControlContract(t *testing.T, open func(testing.TB) Stores) {
	for _, part := range controlContract {
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
