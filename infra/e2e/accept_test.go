package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// acceptPaths: a key as an earlier deployment left it, whose product covers all of its paths since, is closed until the owner
// accepts them by the catalogue's version.
func acceptPaths(t *testing.T, k key) {
	db := storeClient(shared.DynamoDB)
	text := func(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
	list := func(of ...types.AttributeValue) types.AttributeValue { return &types.AttributeValueMemberL{Value: of} }
	put := func(table string, one item) {
		t.Helper()
		name := tableNames[table]
		if _, err := db.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &name, Item: one}); err != nil {
			t.Fatal(err)
		}
	}
	found := 0
	for table, members := range map[string]struct{ id, consents, product, paths string }{
		"control": {"id", "product_paths", "product", "paths"}, "gate": {"kid", "con", "p", "c"},
	} {
		all, err := itemsOf(t.Context(), db, tableNames[table])
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if id, ok := one[members.id].(*types.AttributeValueMemberS); !ok || id.Value != k.id || table == "control" && one["current_secret"] == nil {
				continue
			}
			found++
			one[members.consents] = list(&types.AttributeValueMemberM{Value: item{members.product: text("map-display"), members.paths: list()}})
			put(table, one)
		}
	}
	if found != 2 {
		t.Fatalf("%d records of the key", found)
	}
	shared.obeyed(t, "a key of before", tile+k.secret, nil, 403, "path_not_granted")
	pending := shared.must(t, 200, "owner", "GET", k.path, "").json(t)["pending_paths"].([]any)
	if len(pending) != 1 {
		t.Fatalf("pending: %v", pending)
	}
	version, _ := pending[0].(map[string]any)["version"].(string)
	account, _, _ := strings.Cut(k.path, "/keys/")
	accept := account + "/products/map-display/accept"
	refused(t, "another catalogue", shared.manage(t, "owner", "POST", accept, `{"version":"7-0123456789"}`), 409, "catalogue_changed")
	shared.must(t, 200, "owner", "POST", accept, `{"version":"`+version+`"}`)
	shared.obeyed(t, "accepted", tile+k.secret, nil, 200, "")
	if again := shared.must(t, 200, "owner", "GET", k.path, "").json(t)["pending_paths"].([]any); len(again) != 0 {
		t.Errorf("accepted, and pending: %v", again)
	}
}

// catalogueVersion is the newest one of the lock, as clients read it in pending_paths.
func catalogueVersion(t testing.TB) string {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(root, "shared/product/catalogue.lock"))
	if err != nil {
		t.Fatal(err)
	}
	text := string(lock)
	return strings.Fields(text[strings.LastIndex(text, "\nversion "):])[1]
}
