package main

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"latchkey/functions/internal/apitest"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/dynamo/statements"
	"latchkey/shared/keytest"
	"latchkey/shared/usage"
	"latchkey/shared/usage/statement"
)

func TestEveryHeaderIsInTheContractAndSent(t *testing.T) {
	r := mixed(t)
	hour := fmt.Sprintf("H#%09d#search", usage.HourOf(keytest.Now.Add(-2*time.Hour)))
	for _, pk := range []string{"A#" + string(r.account.ID), "K#" + string(r.account.ID) + "#" + string(r.key.ID)} {
		item := dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(hour), "v": dynamo.S("damaged")} // X-Unreadable
		if _, err := r.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &r.Tables.Counters, Item: item}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{r.path(apikey.Key{}), r.path(r.key)} {
		r.Want(t, 200, apitest.Call{As: "owner", Method: "GET", Path: path + "?format=csv"})
	}
	r.more = true // X-Not-Split
	r.download(t, apikey.Key{}, "")
	s := billed(t)
	s.fill(t)
	damaged := dynamo.Item{"pk": dynamo.S("A#" + string(s.account.ID)), "sk": dynamo.S(fmt.Sprintf("D#%09d#z", usage.HourOf(october.End()))), "v": dynamo.S("damaged")}
	if _, err := s.DB.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &s.Tables.Counters, Item: damaged}); err != nil {
		t.Fatal(err)
	}
	s.crowd = mostOfMonth // X-Not-Split of an open one
	for _, root := range []string{s.root(), "/v1/operator"} {
		s.stated(t, "operator", root, "?format=csv") // of a final one, with a next page
		s.Want(t, 200, apitest.Call{As: "operator", Method: "GET", Path: root + "/statements/" + (october + 1).String() + "?format=csv"})
	}
	left := billed(t) // of a month that was closed without the account
	for _, status := range []statements.Status{statements.Writing, statements.Final} {
		before, err := left.tables.State(t.Context(), october)
		if err != nil {
			t.Fatal(err)
		}
		next := before
		next.Status, next.Columns, next.After, next.Left = status, statement.Columns(), left.account.ID, []account.ID{left.account.ID}
		if _, err := left.tables.Save(t.Context(), before, next); err != nil {
			t.Fatal(err)
		}
	}
	for _, root := range []string{left.root(), "/v1/operator"} {
		left.stated(t, "operator", root, "?format=csv")
	}
	apitest.Headers(t, fixture, served)
}
