package control_test

import (
	"context"
	"errors"
	"fmt"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
	"latchkey/shared/keytest"
)

// Each change of a key names the key as it was read, the key as it is to be, and the audit row that tells of it. All are
// written together with what the gate reads, or none is.
func ExampleStore_Commit() {
	ctx, stores := context.Background(), keytest.MemoryStores(nil)
	owned := keytest.Account()
	owner := keytest.Member(owned.ID, "owner", account.Owner)
	owned, err := stores.Control.CreateAccount(ctx, owned, owner, keytest.Row(owned.ID, "account.create", ""))
	if err != nil {
		fmt.Println(err)
		return
	}
	key := keytest.Key(owned.ID)
	key, err = stores.Control.Commit(ctx, control.Change{After: key, Audit: keytest.Row(owned.ID, "key.create", key.ID)})
	fmt.Println("created as version", key.Version, err)

	after := key
	after.Disabled = true
	written, err := stores.Control.Commit(ctx, control.Change{
		Before: &key, After: after, Audit: keytest.Row(owned.ID, "key.disable", key.ID),
	})
	fmt.Println("written as version", written.Version, err)

	policy, found, err := stores.Gate.Policy(ctx, key.Current.Hash)
	fmt.Println("the gate finds it disabled:", found && policy.Disabled, err)

	// Somebody else who had read version 1 as well is told, and nothing is overwritten.
	after.Name = "Renamed"
	_, err = stores.Control.Commit(ctx, control.Change{Before: &key, After: after, Audit: keytest.Row(owned.ID, "key.edit", key.ID)})
	fmt.Println("a second change of version 1 is stale:", errors.Is(err, dynamo.ErrStale))
	// Output:
	// created as version 1 <nil>
	// written as version 2 <nil>
	// the gate finds it disabled: true <nil>
	// a second change of version 1 is stale: true
}
