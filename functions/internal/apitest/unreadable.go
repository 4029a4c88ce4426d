package apitest

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/control"
)

// Waiting is the account of a fixture that is suspended and has an exposed key.
const Waiting account.ID = "acc_01HZY3M7Q8R9S0T1V2W3X4Y5SP"

// badRecords are the items of the control table that stop being readable, one for each list that operators read: the
// first whose sort key begins so, and whose partition contains the text after a blank.
var badRecords = map[string]string{
	"listKeys": "KEY#", "listDomains": "KEY#", "listFindings": "KEY#", "listMembers": "MEMBER#", "listInvitations": "INVITE#", "listAudit": "AUDIT#", "listKeyAudit": "AUDIT#",
	"listQpsRequests": "QPS#", "listQpsQueue": "QPS#", "listOperators": "OPERATOR support", "listOperatorsAudit": "AUDIT# " + string(control.Operators),
	"findAccounts": "ACCOUNT other", "searchKeys": "KEY#", "searchMembers": "MEMBER#", "listBlockedKeys": "KEY# " + string(Waiting), "listExposedKeys": "KEY# " + string(Waiting), "listSuspendedAccounts": "ACCOUNT " + string(Waiting),
	"getStatements": "", "getStatement": "", // rows are made of counters
}

// leavesOutBadRecords spoils one record of each list that operators read: the list goes on without it, and says to
// operators, and to nobody else, that one is missing.
func leavesOutBadRecords(t *testing.T, fixture func(testing.TB) Fixture, op Operation) {
	t.Helper()
	list := listOf(t, op)
	if list == "" || !slices.Contains(op.Roles, "operator") {
		return
	}
	where, ok := badRecords[op.ID]
	if ok && where == "" {
		return
	}
	if !ok {
		t.Errorf("%s is a list: which of its records does a test spoil?", op.ID)
		return
	}
	f := fixture(t)
	read := func(as string) (entries int, unreadable any) {
		t.Helper()
		answer := f.call(t, op, as, f.params(op))
		if answer.Status != http.StatusOK {
			t.Fatalf("%d %s", answer.Status, answer.Body)
		}
		doc := answer.JSON(t)
		return len(doc[list].([]any)), doc["unreadable"]
	}
	if _, unreadable := read("operator"); unreadable != nil {
		t.Errorf("%v records are unreadable before one was spoiled", unreadable)
	}
	before, _ := read("operator")
	f.spoil(t, op, where)
	after, unreadable := read("operator")
	if after != before-1 || unreadable != 1.0 {
		t.Errorf("%d entries of %d in %s, unreadable %v; want one less, and 1", after, before, list, unreadable)
	}
	if slices.Contains(op.Roles, "owner") {
		if n, unreadable := read("owner"); n != after || unreadable != nil {
			t.Errorf("an owner reads %d entries of %d, and unreadable %v", n, after, unreadable)
		}
	}
}

// survivesAnUnreadableAccount makes the account's own record unreadable: an operator's lists of what belongs to it go on and say that a
// record is missing, and whatever needs the account itself is answered by a problem of its own, never as a breakdown.
func survivesAnUnreadableAccount(t *testing.T, fixture func(testing.TB) Fixture, op Operation) {
	t.Helper()
	if !strings.Contains(op.Path, "{account}") {
		return
	}
	f := fixture(t)
	for _, item := range f.Items(t, f.Tables.Control) {
		if pk, _ := dynamo.GetS(item, "pk"); pk == "A#"+string(f.Account) {
			if sk, _ := dynamo.GetS(item, "sk"); sk == "ACCOUNT" {
				item["created_at"] = dynamo.S("soon")
				f.Put(t, f.Tables.Control, item)
			}
		}
	}
	if _, err := f.Control.Account(t.Context(), f.Account); !errors.Is(err, dynamo.ErrUnreadable) {
		t.Fatalf("the account can be read: %v", err)
	}
	as := op.Caller()
	if slices.Contains(op.Roles, "operator") {
		as = "operator"
	}
	answer := f.call(t, op, as, f.params(op))
	switch {
	case listOf(t, op) != "" && op.ID != "exportAccount": // which is of the account itself
		if answer.Status != http.StatusOK || answer.JSON(t)["unreadable"] == nil {
			t.Errorf("of an account that can't be read: %d %s", answer.Status, answer.Body)
		}
	case answer.Status >= http.StatusInternalServerError, answer.Status >= http.StatusBadRequest && answer.Code() != "record_unreadable":
		t.Errorf("of an account that can't be read: %d %s", answer.Status, answer.Body)
	}
}

// listOf is the list of an operation's answer that comes in pages, "" for none.
func listOf(t testing.TB, op Operation) string {
	t.Helper()
	answer := operation(t, op).Responses.Status(http.StatusOK)
	if answer == nil || op.Method != http.MethodGet || answer.Value.Content.Get("application/json") == nil {
		return ""
	}
	schema := answer.Value.Content.Get("application/json").Schema.Value
	if schema.Properties["next_page_token"] == nil {
		return ""
	}
	for name, member := range schema.Properties {
		if member.Value.Type.Includes("array") && slices.Contains(schema.Required, name) { // what is added to some pages isn't the list
			return name
		}
	}
	return ""
}

// spoil makes an item unreadable: its times are none.
func (f Fixture) spoil(t testing.TB, op Operation, where string) {
	t.Helper()
	prefix, partition, elsewhere := strings.Cut(where, " ")
	for _, item := range f.Items(t, f.Tables.Control) {
		pk, _ := dynamo.GetS(item, "pk")
		sk, _ := dynamo.GetS(item, "sk")
		own := strings.Contains(pk, string(f.Account))
		switch {
		case !strings.HasPrefix(sk, prefix), elsewhere && partition == "other" && own, elsewhere && partition != "other" && !strings.Contains(pk, partition), !elsewhere && !own:
			continue
		case op.ID == "listMembers" && strings.HasSuffix(sk, "owner"), op.ID == "listKeyAudit" && !f.about(item, op), item["deleted_at"] != nil: // in no list
			continue
		}
		for name, bad := range map[string]types.AttributeValue{
			"created_at": &types.AttributeValueMemberBOOL{}, "added_at": &types.AttributeValueMemberBOOL{}, "happened_at": dynamo.S("soon"),
		} {
			if item[name] != nil {
				item[name] = bad
			}
		}
		f.Put(t, f.Tables.Control, item)
		return
	}
	t.Fatalf("there is no item %q", where)
}

// about reports whether an audit row is about the key of the path.
func (f Fixture) about(item dynamo.Item, op Operation) bool {
	key, _ := dynamo.GetS(item, "key_id")
	return key == f.params(op)["key"]
}
