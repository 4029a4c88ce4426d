package policies_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/policies"
	"latchkey/shared/keytest"
)

// TestAValueThatNobodyWroteIsUnreadable: of the right type, on both sides of each bound. Read all the same, a key without its account
// could never be suspended, a time beyond the calendar would let a key live for ever, and a limit of less than nothing none.
func TestAValueThatNobodyWroteIsUnreadable(t *testing.T) {
	limit := func(name string, n int64) types.AttributeValue {
		m := dynamo.Item{"c": dynamo.S("search"), "q": dynamo.N(3)}
		m[name] = dynamo.N(n)
		return &types.AttributeValueMemberL{Value: []types.AttributeValue{&types.AttributeValueMemberM{Value: m}}}
	}
	const lastMilli = 253402300799999 // of the year 9999
	type change struct {
		name  string
		value types.AttributeValue
		good  bool
	}
	changes := []change{
		{"pk", dynamo.S(""), false},
		{"pk", dynamo.S("x"), false},
		{"kid", dynamo.S(""), false},
		{"kid", dynamo.S("key_1"), true},
		{"acct", dynamo.S(""), false},
		{"acct", dynamo.S("acc_1"), true},
		{"v", dynamo.N(0), false},
		{"v", dynamo.N(2), true},
		{"v", dynamo.N(3), false}, // it closes nothing more
		{"v", dynamo.N(4), false},
	}
	for _, name := range []string{"ends", "exp", "del", "rev"} {
		for n, good := range map[int64]bool{-lastMilli - 1: false, -lastMilli: true, lastMilli: true, lastMilli + 1: false, math.MaxInt64: false, math.MinInt64: false} {
			changes = append(changes, change{name, dynamo.N(n), good})
		}
	}
	for n, good := range map[int64]bool{-1: false, 0: true, math.MaxInt32: true, math.MaxInt32 + 1: false, math.MinInt64: false} {
		for _, name := range []string{"q", "t"} {
			changes = append(changes, change{"lims", limit(name, n), good})
		}
	}
	for _, c := range changes {
		item := policies.Encode(keytest.Policy(keytest.Key(keytest.AccountID(), func(k *apikey.Key) { k.ExpiresAt = keytest.Now })))
		item[c.name] = c.value
		p, err := policies.Decode(item)
		if (err == nil) != c.good || err != nil && (!errors.Is(err, dynamo.ErrUnreadable) || !reflect.DeepEqual(p, authz.Policy{})) {
			t.Errorf("%s = %s: %+v, %v", c.name, fmt.Sprintf("%+v", c.value), p, err)
		}
	}
}
