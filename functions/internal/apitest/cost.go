package apitest

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// overAllAccounts are the operators' lists of all accounts: longer if one account has more, and read page by page.
var overAllAccounts = []string{"findAccounts", "listQpsQueue", "getStatements"}

// searchesOfAll look into the records of all accounts, up to a bound of their own.
var searchesOfAll = []string{"searchKeys", "searchMembers"}

// crowd is the number of objects of each kind that another account has.
const crowd = 500

// Costs holds that no account makes another's operations slower: each operation that a function serves makes as many
// calls of the store if another account has hundreds of objects of each kind as if there is none. A page of the
// operators' lists costs the same, too.
func Costs(t *testing.T, fixture func(testing.TB) Fixture, serves func(Operation) bool) {
	keytest.OneAtATime(t)
	for _, op := range Operations(t) {
		if !serves(op) || slices.Contains(op.Roles, "public") || slices.Contains(searchesOfAll, op.ID) {
			continue
		}
		t.Run(op.ID, func(t *testing.T) {
			least := 0
			if slices.Contains(overAllAccounts, op.ID) {
				least = 1 // a page of one has an entry of the other account in both
			}
			few, many := fixture(t).cost(t, op, least), fixture(t).cost(t, op, crowd)
			if few != many || few == 0 && op.ID != "listProducts" {
				t.Errorf("%d calls of the store where another account has %d objects of each kind, %d where it has %d", few, least, many, crowd)
			}
		})
	}
}

// cost is the number of calls of the store that an operation makes, where another account has so many objects of each kind.
func (f Fixture) cost(t testing.TB, op Operation, others int) int {
	t.Helper()
	f.addCrowd(t, others)
	path := fill(op.Path, f.params(op))
	if slices.Contains(overAllAccounts, op.ID) {
		path += "?page_size=1"
	}
	c := Call{As: op.Caller(), Method: op.Method, Path: path, Headers: f.Headers[op.ID]}
	if op.HasBody {
		c.Body = map[string]any{}
		if body, ok := f.Bodies[op.ID]; ok {
			c.Body = body
		}
	}
	before := f.Calls.Calls()
	if got := f.Do(t, c); got.Status >= http.StatusBadRequest {
		t.Fatalf("%d %s", got.Status, got.Body)
	}
	return f.Calls.Calls() - before
}

// addCrowd gives another account n copies of one object of each kind that the fixture's account has, in the partitions of
// the index too.
func (f Fixture) addCrowd(t testing.TB, n int) {
	t.Helper()
	if n == 0 {
		return
	}
	other, kinds := string(keytest.AccountID()), map[string]bool{}
	own := "A#" + string(f.Account)
	for _, item := range f.Items(t, f.Tables.Control) {
		pk, _ := dynamo.GetS(item, "pk")
		sk, _ := dynamo.GetS(item, "sk")
		kind, _, several := strings.Cut(sk, "#")
		if pk != own || kinds[kind] || strings.HasPrefix(sk, "GUARD#") {
			continue
		}
		kinds[kind] = true
		copies := n
		if !several {
			copies = 1 // the account itself
		}
		for i := range copies {
			copied := maps.Clone(item)
			for name, value := range copied {
				if s, ok := value.(*types.AttributeValueMemberS); ok {
					copied[name] = dynamo.S(strings.ReplaceAll(s.Value, string(f.Account), other))
				}
			}
			if several { // a record is read only where it says that it stands
				copied["sk"] = dynamo.S(fmt.Sprint(sk, "~", i))
				for _, name := range []string{"id", "subject"} {
					if own, ok := dynamo.GetS(item, name); ok && strings.HasSuffix(sk, own) {
						copied[name] = dynamo.S(fmt.Sprint(own, "~", i))
					}
				}
			}
			f.Put(t, f.Tables.Control, copied)
		}
	}
	if len(kinds) < 3 {
		t.Fatalf("the account has objects of the kinds %v alone", kinds)
	}
}
