package keytest

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// EachText calls yield for every text in the two tables, names of attributes included.
func (s Stores) EachText(t testing.TB, yield func(string)) {
	t.Helper()
	for _, table := range []string{s.Tables.Control, s.Tables.Gate} {
		in := &dynamodb.ScanInput{TableName: &table}
		for {
			out, err := s.DB.Scan(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			for _, item := range out.Items {
				eachText(&types.AttributeValueMemberM{Value: item}, yield)
			}
			if in.ExclusiveStartKey = out.LastEvaluatedKey; in.ExclusiveStartKey == nil {
				break
			}
		}
	}
}

func eachText(v types.AttributeValue, yield func(string)) {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		yield(v.Value)
	case *types.AttributeValueMemberB:
		yield(string(v.Value))
	case *types.AttributeValueMemberSS:
		for _, s := range v.Value {
			yield(s)
		}
	case *types.AttributeValueMemberL:
		for _, item := range v.Value {
			eachText(item, yield)
		}
	case *types.AttributeValueMemberM:
		for name, item := range v.Value {
			yield(name)
			eachText(item, yield)
		}
	}
}
