package control_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/account"
	"latchkey/shared/keytest"
)

// between reads pages of one item, and does something behind each of the first.
type between struct {
	keytest.DB
	then []func()
}

func (b *between) Query(ctx context.Context, in *dynamodb.QueryInput, o ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	in.Limit = aws.Int32(1)
	out, err := b.DB.Query(ctx, in, o...)
	if len(b.then) > 0 {
		b.then[0]()
		b.then = b.then[1:]
	}
	return out, err
}

// TestAnAccountThatIsRenamedWhileAllAreListedIsListed, whichever it is and whenever it gets a name that the list has passed: its statement would be
// without rows. An account is listed once.
func TestAnAccountThatIsRenamedWhileAllAreListedIsListed(t *testing.T) {
	for moved := range 4 {
		for page := range 4 {
			s := keytest.MemoryStores(t)
			var accounts []account.Account
			var want []account.ID
			for n := range 4 {
				accounts = append(accounts, renamed(t, s, s.NewAccount(t), fmt.Sprint("m", n)))
				want = append(want, accounts[n].ID)
			}
			db := &between{DB: s.DB, then: slices.Repeat([]func(){func() {}}, page)}
			db.then = append(db.then, func() { renamed(t, s, accounts[moved], "a") })
			ids, err := keytest.NewStores(db, s.Tables).Control.AccountIDs(t.Context())
			slices.Sort(want)
			if err != nil || !slices.Equal(ids, want) {
				t.Errorf("account %d, renamed behind page %d: %v of %v, %v", moved, page, ids, want, err)
			}
		}
	}
}
