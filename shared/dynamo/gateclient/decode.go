package gateclient

import (
	"encoding/base64"
	"errors"
	"hash/crc32"
	"io"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
	"latchkey/shared/jsonscan"
)

const (
	// maxAnswer bounds an answer: as JSON an item, which has 400 KB at most, is ten times as large at most.
	maxAnswer = 4 << 20
	// maxDepth bounds nesting: an attribute has 32 levels at most, each of which is two in JSON.
	maxDepth = 80
)

// Answers that aren't taken. None quotes the answer.
var (
	errLarge    = errors.New("the answer is too large")
	errChecksum = errors.New("the answer isn't the one of its checksum")
	errAnswer   = errors.New("the answer isn't one of DynamoDB's")
)

// read reads an answer to its end, so that its connection can be used again, and holds it against its checksum.
func read(r *http.Response) (string, error) {
	defer func() { _ = r.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxAnswer+1))
	if err != nil {
		return "", err
	}
	if len(raw) > maxAnswer {
		return "", errLarge
	}
	if sum := r.Header.Get("X-Amz-Crc32"); sum != "" {
		if want, err := strconv.ParseUint(sum, 10, 32); err != nil || uint32(want) != crc32.ChecksumIEEE(raw) {
			return "", errChecksum
		}
	}
	if !utf8.Valid(raw) {
		return "", errAnswer
	}
	return string(raw), nil
}

// itemOf reads the item that an answer has under a name; nil if it has none.
func itemOf(text, name string) (item dynamo.Item, err error) {
	a := answer{jsonscan.New(text, maxDepth)}
	seen := false
	ok := a.Object(func(member string) (ok bool) {
		if member != name {
			return a.Skip()
		}
		if seen {
			return false
		}
		if seen = true; a.Null() {
			return true
		}
		item, ok = a.item()
		return ok
	})
	if !ok || !a.End() {
		return nil, errAnswer
	}
	return item, nil
}

// answer reads an answer. Its methods report whether that was well formed.
type answer struct{ jsonscan.Scanner }

// text reads a string, which keeps nothing else of the answer in memory.
func (a *answer) text() (string, bool) {
	text, ok := a.Text()
	return strings.Clone(text), ok
}

func (a *answer) item() (dynamo.Item, bool) {
	item := dynamo.Item{}
	ok := a.Object(func(name string) bool {
		if _, twice := item[name]; twice {
			return false
		}
		v, ok := a.value()
		item[strings.Clone(name)] = v
		return ok
	})
	return item, ok
}

// value reads an attribute's value: an object with one member, the name of its type.
func (a *answer) value() (v types.AttributeValue, ok bool) {
	members := 0
	ok = a.Object(func(tag string) (ok bool) {
		if members++; members > 1 {
			return false
		}
		v, ok = a.tagged(tag)
		return ok
	})
	return v, ok && members == 1
}

func (a *answer) tagged(tag string) (types.AttributeValue, bool) {
	switch tag {
	case "S":
		text, ok := a.text()
		return &types.AttributeValueMemberS{Value: text}, ok
	case "N":
		text, ok := a.text()
		return &types.AttributeValueMemberN{Value: text}, ok
	case "B":
		raw, ok := a.bytes()
		return &types.AttributeValueMemberB{Value: raw}, ok
	case "BOOL":
		b, ok := a.boolean()
		return &types.AttributeValueMemberBOOL{Value: b}, ok
	case "NULL":
		b, ok := a.boolean()
		return &types.AttributeValueMemberNULL{Value: b}, ok
	case "M":
		item, ok := a.item()
		return &types.AttributeValueMemberM{Value: item}, ok
	case "L":
		list, ok := listOf(a, a.value)
		return &types.AttributeValueMemberL{Value: list}, ok
	case "SS":
		list, ok := listOf(a, a.text)
		return &types.AttributeValueMemberSS{Value: list}, ok
	case "NS":
		list, ok := listOf(a, a.text)
		return &types.AttributeValueMemberNS{Value: list}, ok
	case "BS":
		list, ok := listOf(a, a.bytes)
		return &types.AttributeValueMemberBS{Value: list}, ok
	default:
		return nil, false
	}
}

func listOf[T any](a *answer, element func() (T, bool)) ([]T, bool) {
	list := []T{}
	ok := a.Array(func() bool {
		e, ok := element()
		list = append(list, e)
		return ok
	})
	return list, ok
}

func (a *answer) boolean() (value, ok bool) {
	if a.Literal("true") {
		return true, true
	}
	return false, a.Literal("false")
}

func (a *answer) bytes() ([]byte, bool) {
	text, ok := a.Text()
	raw, err := base64.StdEncoding.DecodeString(text)
	return raw, ok && err == nil
}
