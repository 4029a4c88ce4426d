package leases_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/leases"
	"latchkey/shared/keytest"
	"latchkey/shared/limiter"
)

// TestALeaseIsStoredAsItAlwaysWas: environments of two releases share the items while one replaces the other, and DynamoDB
// deletes by ttl, which counts seconds.
func TestALeaseIsStoredAsItAlwaysWas(t *testing.T) {
	memory, names := keytest.NewMemory()
	s := leases.New(memory, names.Leases)
	stored := dynamo.Item{
		"pk": dynamo.S("key_1#search"), "sk": dynamo.N(0), "w": dynamo.N(7), "age": dynamo.N(-100_000),
		"u7": dynamo.N(3), "c7": dynamo.N(9), "ttl": dynamo.N(keytest.Now.Unix()),
	}
	if err := keytest.PutRaw(t.Context(), memory, names.Leases, stored); err != nil {
		t.Fatal(err)
	}
	ask := limiter.Ask{Limit: "key_1#search", Window: 8, N: 2, Capacity: 5, Age: 40 * time.Millisecond, Expires: keytest.Now.Add(time.Hour)}
	seen, err := s.Take(t.Context(), ask)
	want := limiter.Seen{Applied: true, Window: 7, Used: 3, Capacity: 9, Age: -100 * time.Millisecond, Expires: keytest.Now}
	if err != nil || seen != want {
		t.Fatalf("read as %+v, %v, want %+v", seen, err, want)
	}
	got, err := memory.GetItem(t.Context(), &dynamodb.GetItemInput{
		TableName: &names.Leases, ConsistentRead: aws.Bool(true), Key: dynamo.Item{"pk": stored["pk"], "sk": stored["sk"]},
	})
	if err != nil || len(got.Item) != 7 {
		t.Fatalf("%v, %v", got, err)
	}
	for name, want := range map[string]int64{"w": 8, "age": 40_000, "u8": 2, "c8": 5, "ttl": keytest.Now.Add(time.Hour).Unix()} {
		if n, ok := dynamo.GetN(got.Item, name); !ok || n != want {
			t.Errorf("%s is %d, want %d", name, n, want)
		}
	}
}
