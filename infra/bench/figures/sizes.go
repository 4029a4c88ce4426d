package figures

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/dynamo/reports"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// WriteUnits and ReadUnits are what an item of so many bytes takes, outside of a transaction.
func WriteUnits(size int) int { return max(1, (size+1023)/1024) }

// ReadUnits is strongly consistent.
func ReadUnits(size int) int { return max(1, (size+4095)/4096) }

// ItemSize is the size that DynamoDB bills: names and values, and three bytes and one for each member of maps and lists.
func ItemSize(item dynamo.Item) (n int) {
	for name, v := range item {
		n += len(name) + valueSize(v)
	}
	return n
}

func valueSize(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return (len(v.Value)+1)/2 + 1
	case *types.AttributeValueMemberM:
		return 3 + len(v.Value) + ItemSize(v.Value)
	case *types.AttributeValueMemberL:
		n := 3 + len(v.Value)
		for _, member := range v.Value {
			n += valueSize(member)
		}
		return n
	default:
		return 1
	}
}

// Sizes are bytes of items as the code's own encoders make them.
type Sizes struct {
	Policy       int // of a key with two products and three domains
	PolicyMany   int // with 100 domains of 30 characters
	PolicyMost   int // as long as a change of a key may make it
	PolicyMemory int // bytes that an environment holds of a key with two products and three domains
	Account      int // the account record of the gate
	Lease        int
	Report       int // of 50 calls of 50 keys
	KeyControl   int // all items of a key in control, its first audit row too, the copies in the index included
	KeyGate      int // all items of a key in gate
	CreateUnits  int // write units of creating a key, all tables and the index
	AccountUnits int // of them in the account's partition
	ChangeUnits  int // write units of changing a key
}

// Measure encodes.
func Measure(ctx context.Context) (Sizes, error) {
	a := keytest.Account()
	usual, many := keytest.Key(a.ID), keytest.Key(a.ID)
	usual.Domains, many.Domains = names(3, 20), names(apikey.MaxDomains, 30)
	held, err := authz.Compile(authz.PoliciesOf(usual)[0])
	if err != nil {
		return Sizes{}, err
	}
	s := Sizes{
		Policy: recordSize(usual), PolicyMany: recordSize(many), PolicyMost: recordSize(largestKey(a.ID)), PolicyMemory: held.MemoryCost(),
		Account: ItemSize(policies.EncodeAccount(authz.AccountOf(a))), Report: reportSize(50),
	}
	db, tables := keytest.NewMemory()
	if s.Lease, err = leaseSize(ctx, db, tables.Leases); err != nil {
		return s, err
	}
	return s, s.key(ctx, db, tables, a)
}

// recordSize is that of the policy record of a key's secret.
func recordSize(k apikey.Key) int { return ItemSize(policies.Encode(authz.PoliciesOf(k)[0])) }

// largestKey has as many domains of the greatest length as a change of a key may leave in one record.
func largestKey(id account.ID) apikey.Key {
	k := keytest.Key(id)
	for n := 1; ; n++ {
		next := k
		next.Domains = names(n, int(Code["shared/origin.maxName"]))
		if authz.RecordSize(next) > authz.MaxRecord {
			return k
		}
		k = next
	}
}

func names(n, length int) []string {
	out := make([]string, n)
	for i := range out {
		end := fmt.Sprintf("%03d.example.com", i)
		out[i] = strings.Repeat("a", length-len(end)) + end
	}
	return out
}

// reportSize is that of an environment's report of n calls, each of another key.
func reportSize(n int) int {
	tally := usage.NewTally(strings.Repeat("0", 32))
	for i := range n {
		tally.Count(&usage.Call{At: keytest.Now, Code: authz.Allowed, Host: "www.example.com", Class: "map-display.tiles", Billing: "freemium", Subject: usage.Subject{
			Account: account.ID(fmt.Sprintf("acc_01HZY3M7Q8R9S0T1V2W%07d", i)), Key: apikey.ID(fmt.Sprintf("key_01HZY3M7Q8R9S0T1V2W%07d", i)),
			Product: "map-display",
		}})
	}
	size := 0
	for _, part := range tally.Report(keytest.Now.Add(time.Duration(reportEvery) * time.Second)) {
		size += ItemSize(reports.Encode(part))
	}
	return size
}

func leaseSize(ctx context.Context, db keytest.DB, table string) (int, error) {
	_, err := leases.New(db, table).Take(ctx, limiter.Ask{
		Limit: string(keytest.KeyID()) + "#" + string(product.Class("map-display.tiles")), Window: keytest.Now.Unix(), N: 1, Capacity: 1000,
		Create: true, Expires: keytest.Now.Add(24 * time.Hour),
	})
	if err != nil {
		return 0, err
	}
	items, err := scan(ctx, db, table)
	if err != nil || len(items) != 1 {
		return 0, fmt.Errorf("figures: %d lease items: %w", len(items), err)
	}
	return ItemSize(items[0]), nil
}

func scan(ctx context.Context, db keytest.DB, table string) (items []dynamo.Item, err error) {
	strong := true
	out, err := db.Scan(ctx, &dynamodb.ScanInput{TableName: &table, ConsistentRead: &strong})
	if err != nil {
		return nil, err
	}
	return out.Items, nil
}

// key creates an account and a key in it and changes the key once, and sizes what that writes.
func (s *Sizes) key(ctx context.Context, db keytest.DB, tables dynamo.Tables, a account.Account) error {
	w := &weighing{DB: db, places: map[string]string{}}
	store := control.New(w, tables.Control, tables.Gate)
	if _, err := store.CreateAccount(ctx, a, keytest.Member(a.ID, "owner", account.Owner), keytest.Row(a.ID, "account.create", "")); err != nil {
		return err
	}
	before, err := bytesOf(ctx, db, tables)
	if err != nil {
		return err
	}
	k := keytest.Key(a.ID)
	k.Domains = names(3, 20)
	w.reset(a.ID)
	row := keytest.Row(a.ID, "key.create", k.ID)
	row.Actor.Role = string(account.Owner) // whose right is checked in the write
	made, err := store.Commit(ctx, control.Change{After: k, Audit: row})
	if err != nil {
		return err
	}
	s.CreateUnits, s.AccountUnits = w.units, w.inAccount
	after, err := bytesOf(ctx, db, tables)
	if err != nil {
		return err
	}
	s.KeyControl, s.KeyGate = after[0]-before[0], after[1]-before[1]
	changed := made
	changed.Name = "My second API key"
	w.reset(a.ID)
	row = keytest.RowIn(a.ID, "key.update", k.ID, "name", made.Name, changed.Name)
	row.Actor.Role = string(account.Owner)
	_, err = store.Commit(ctx, control.Change{Before: &made, After: changed, Audit: row})
	s.ChangeUnits = w.units
	return err
}
