package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// namesAreIndexed gives an account more keys of the last release than one call looks at: they are listed by name once the comparison has
// gone by all of them, both ways.
func namesAreIndexed(t *testing.T, s *stack, r *records) {
	const many = 1001
	k := r.Keys["disabled"]
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	db, table := storeClient(s.DynamoDB), "ControlTable"
	place := item{"pk": text("A#" + strings.TrimPrefix(k.Account, "/v1/accounts/")), "sk": text("KEY#" + k.ID)}
	found, err := db.GetItem(t.Context(), &dynamodb.GetItemInput{TableName: &table, Key: place})
	if err != nil || len(found.Item) == 0 {
		t.Fatal(found, err)
	}
	for i := range many {
		copied := maps.Clone(found.Item)
		id := fmt.Sprintf("key_01%024d", i)
		delete(copied, "npk")
		delete(copied, "nsk")
		copied["sk"], copied["id"], copied["name"] = text("KEY#"+id), text(id), text(fmt.Sprintf("Many %04d", many-i))
		if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &table, Item: copied}); err != nil {
			t.Fatal(err)
		}
		defer func() {
			_, _ = db.DeleteItem(t.Context(), &dynamodb.DeleteItemInput{TableName: &table, Key: item{"pk": copied["pk"], "sk": copied["sk"]}})
		}()
	}
	list := k.Account + "/keys?page_size=100&q=many&sort="
	for more := range 20 {
		event := `{"job":"resume"}`
		if more == 0 {
			event = `{"job":"drift"}`
			refused(t, "before the comparison", s.manage(t, "owner", "GET", list+"name", ""), 422, "keys_not_sortable")
		}
		if s.job(t, event)["more"] == false {
			break
		}
	}
	for _, order := range []string{"name", "-name"} {
		var names []string
		for token := ""; ; {
			doc := s.must(t, 200, "owner", "GET", list+order+token, "").json(t)
			for _, k := range doc["keys"].([]any) {
				names = append(names, k.(map[string]any)["name"].(string))
			}
			next, more := doc["next_page_token"].(string)
			if !more {
				break
			}
			token = "&page_token=" + url.QueryEscape(next)
		}
		if order == "-name" {
			slices.Reverse(names)
		}
		if len(names) != many || !slices.IsSorted(names) {
			t.Errorf("by %s: %d keys, in order %v", order, len(names), slices.IsSorted(names))
		}
	}
}
