package dynamo

import (
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/moment"
)

// Item is a DynamoDB item, or a part of one.
type Item = map[string]types.AttributeValue

// S makes a string attribute.
func S(text string) types.AttributeValue { return &types.AttributeValueMemberS{Value: text} }

// N makes a number attribute.
func N(number int64) types.AttributeValue {
	return &types.AttributeValueMemberN{Value: strconv.FormatInt(number, 10)}
}

// Bool makes a boolean attribute.
func Bool(b bool) types.AttributeValue { return &types.AttributeValueMemberBOOL{Value: b} }

// GetS reads a string attribute; ok is false where there is none or it is something else.
func GetS(item Item, name string) (text string, ok bool) {
	if s, is := item[name].(*types.AttributeValueMemberS); is && s != nil {
		return s.Value, true
	}
	return "", false
}

// GetN reads an integer attribute; ok is false where there is none or it is something else.
func GetN(item Item, name string) (number int64, ok bool) {
	n, is := item[name].(*types.AttributeValueMemberN)
	if !is || n == nil {
		return 0, false
	}
	number, err := strconv.ParseInt(n.Value, 10, 64)
	return number, err == nil
}

// ParseTime reads what [moment.Format] wrote.
func ParseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	return time.Parse(moment.Layout, text)
}
