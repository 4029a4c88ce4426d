package figures

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/keytest"
)

// weighing counts the write units of transactions: two for each KB of each item, and of an indexed item's copy one. The place of a key by
// name is written where it is new, and where its name has changed the old one is removed too, one unit each.
type weighing struct {
	keytest.DB
	partition        string
	places           map[string]string // by name, of each key
	units, inAccount int
}

func (w *weighing) reset(id account.ID) {
	*w = weighing{DB: w.DB, partition: "A#" + string(id), places: w.places}
}

// TransactWriteItems is DynamoDB's, weighed.
func (w *weighing) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, o ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	out, err := w.DB.TransactWriteItems(ctx, in, o...)
	if err != nil {
		return out, err
	}
	for _, item := range in.TransactItems {
		if err := w.weigh(ctx, item); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// weigh reads what stands after the write; a removed or missing item counts as the smallest.
func (w *weighing) weigh(ctx context.Context, t types.TransactWriteItem) error {
	var table *string
	var key dynamo.Item
	written := true
	switch {
	case t.Put != nil:
		w.add(t.Put.Item, true)
		return nil
	case t.Update != nil:
		table, key = t.Update.TableName, t.Update.Key
	case t.Delete != nil:
		table, key = t.Delete.TableName, t.Delete.Key
	default:
		table, key, written = t.ConditionCheck.TableName, t.ConditionCheck.Key, false
	}
	strong := true
	out, err := w.DB.GetItem(ctx, &dynamodb.GetItemInput{TableName: table, Key: key, ConsistentRead: &strong})
	if err != nil {
		return err
	}
	item := out.Item
	if len(item) == 0 {
		item = key
	}
	w.add(item, written)
	return nil
}

func (w *weighing) add(item dynamo.Item, written bool) {
	n := WriteUnits(ItemSize(item))
	w.units += 2 * n
	if pk, _ := dynamo.GetS(item, "pk"); pk == w.partition {
		w.inAccount += 2 * n
	}
	if _, indexed := item["gpk"]; indexed && written {
		w.units += n
	}
	if place, indexed := dynamo.GetS(item, "nsk"); indexed && written {
		sk, _ := dynamo.GetS(item, "sk")
		switch w.places[sk] {
		case place:
		case "":
			w.units++
		default:
			w.units += 2
		}
		w.places[sk] = place
	}
}

// placeByName is a key's item in the index of names, none of anything else.
func placeByName(item dynamo.Item) dynamo.Item {
	if item["nsk"] == nil {
		return nil
	}
	return dynamo.Item{"pk": item["pk"], "sk": item["sk"], "npk": item["npk"], "nsk": item["nsk"]}
}

// overhead are the bytes that DynamoDB bills for the storage of each item beside its own.
const overhead = 100

// bytesOf gives the bytes in the tables control and gate, the copies in the index included.
func bytesOf(ctx context.Context, db keytest.DB, tables dynamo.Tables) (sums [2]int, err error) {
	for i, table := range []string{tables.Control, tables.Gate} {
		items, err := scan(ctx, db, table)
		if err != nil {
			return sums, err
		}
		for _, item := range items {
			n := ItemSize(item) + overhead
			sums[i] += n
			if _, indexed := item["gpk"]; indexed {
				sums[i] += n
			}
			if place := placeByName(item); len(place) > 0 {
				sums[i] += ItemSize(place) + overhead
			}
		}
	}
	return sums, nil
}
