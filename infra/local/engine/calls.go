package engine

import (
	"encoding/json"
	"net/http"
	"strings"

	"latchkey/infra/local/iam"
	"latchkey/infra/local/template"
)

// item is a key, or an item that holds one; its attributes aren't read before somebody asks.
type item map[string]json.RawMessage

// part is one operation, alone or in a transaction.
type part struct {
	TableName, IndexName string
	Key, Item            item
}

// inTransactions are the actions of a transaction's parts, each of which needs its own permission, and none for the whole.
var inTransactions = map[string]string{
	"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem", "Get": "GetItem",
}

// callsOf lists what a request needs permission for. Of a request that can't be read there is nothing, and the engine refuses it.
func (f *front) callsOf(op string, r *http.Request, body []byte) (calls []iam.Call) {
	add := func(action string, p part) {
		calls = append(calls, iam.Call{Action: "dynamodb:" + action, Resource: tableARN(p), Keys: f.keysIn(r, action, body, p)})
	}
	switch op {
	case "TransactWriteItems", "TransactGetItems":
		var in struct{ TransactItems []map[string]part }
		if json.Unmarshal(body, &in) != nil {
			return nil
		}
		for _, one := range in.TransactItems {
			for kind, p := range one {
				add(inTransactions[kind], p)
			}
		}
	case "BatchGetItem", "BatchWriteItem":
		return f.batch(op, r, body)
	default:
		var p part
		if json.Unmarshal(body, &p) != nil {
			return nil
		}
		add(op[strings.LastIndexByte(op, '.')+1:], p)
	}
	return calls
}

// batch lists the tables of a batch, each with all its keys.
func (f *front) batch(op string, r *http.Request, body []byte) (calls []iam.Call) {
	var get struct {
		RequestItems map[string]struct{ Keys []item }
	}
	var write struct {
		RequestItems map[string][]map[string]part
	}
	items := map[string][]item{}
	if op == "BatchGetItem" {
		if json.Unmarshal(body, &get) != nil {
			return nil
		}
		for table, list := range get.RequestItems {
			items[table] = list.Keys
		}
	} else {
		if json.Unmarshal(body, &write) != nil {
			return nil
		}
		for table, list := range write.RequestItems {
			items[table] = nil
			for _, one := range list {
				for _, p := range one {
					items[table] = append(items[table], p.Key, p.Item)
				}
			}
		}
	}
	for table, list := range items {
		calls = append(calls, iam.Call{Action: "dynamodb:" + op, Resource: tableARN(part{TableName: table}), Keys: func() []string {
			return f.partitionKeys(r, table, list...)
		}})
	}
	return calls
}

func tableARN(p part) string {
	switch {
	case p.TableName == "":
		return "*"
	case !strings.HasPrefix(p.TableName, "arn:"):
		p.TableName = "arn:aws:dynamodb:" + template.Region + ":" + template.AccountID + ":table/" + p.TableName
	}
	if p.IndexName != "" {
		return p.TableName + "/index/" + p.IndexName
	}
	return p.TableName
}

// keysIn reads the partition keys that an operation names. A Scan names none, which AWS says too: conditions on all of them let it
// pass. The one of a query is read from its key condition.
func (f *front) keysIn(r *http.Request, action string, body []byte, p part) func() []string {
	if action == "Query" {
		return func() []string { return f.queried(r, body) }
	}
	return func() []string { return f.partitionKeys(r, p.TableName, p.Key, p.Item) }
}

func (f *front) partitionKeys(r *http.Request, table string, items ...item) (keys []string) {
	for _, one := range items {
		if one == nil {
			continue
		}
		own, _, _ := f.keysOf(r, table, "")
		var v keyValue
		_ = json.Unmarshal(one[own.Hash], &v)
		keys = append(keys, string(v.text()))
	}
	return keys
}

// queried is the partition key of a query, or an empty one, which no condition is for, where it can't be found.
func (f *front) queried(r *http.Request, body []byte) []string {
	var in pagedRead
	_ = json.Unmarshal(body, &in)
	of, _, _ := f.keysOf(r, in.TableName, in.IndexName)
	for _, m := range comparison.FindAllStringSubmatch(in.KeyConditionExpression, -1) {
		if m[2] == "=" && in.named(m[1]) == of.Hash {
			return []string{string(in.ExpressionAttributeValues[m[3]].text())}
		}
	}
	return []string{""}
}
