package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"regexp"
	"strings"
)

// Bounds of key attributes, in bytes.
const (
	maxHashKey  = 2048
	maxRangeKey = 1024
)

// keyValue is a value of a key attribute: a string, a number or bytes, each as DynamoDB's JSON writes it.
type keyValue struct {
	S, N, B *string
}

// text is the value as bytes, for its size.
func (v keyValue) text() []byte {
	switch {
	case v.S != nil:
		return []byte(*v.S)
	case v.B != nil:
		raw, _ := base64.StdEncoding.DecodeString(*v.B)
		return raw
	case v.N != nil:
		return []byte(*v.N)
	}
	return nil
}

// compare orders two values as a sort key does; values of different types can't be compared.
func (v keyValue) compare(w keyValue) (int, bool) {
	switch {
	case v.N != nil && w.N != nil:
		a, ok1 := new(big.Rat).SetString(*v.N)
		b, ok2 := new(big.Rat).SetString(*w.N)
		if !ok1 || !ok2 {
			return 0, false
		}
		return a.Cmp(b), true
	case v.S != nil && w.S != nil, v.B != nil && w.B != nil:
		return bytes.Compare(v.text(), w.text()), true
	}
	return 0, false
}

type pagedRead struct {
	TableName, IndexName      string
	KeyConditionExpression    string
	ExpressionAttributeNames  map[string]string
	ExpressionAttributeValues map[string]keyValue
	ExclusiveStartKey         map[string]keyValue
}

// refuseStart says why DynamoDB would refuse the starting key of a Query or a Scan; the engine takes a key of any partition,
// outside every condition, empty or too long. What can't be read here passes: the engine has its own word on it.
func (f *front) refuseStart(r *http.Request, body []byte) string {
	if !bytes.Contains(body, []byte(`"ExclusiveStartKey"`)) {
		return ""
	}
	var in pagedRead
	if json.Unmarshal(body, &in) != nil || len(in.ExclusiveStartKey) == 0 {
		return ""
	}
	of, own, ok := f.keysOf(r, in.TableName, in.IndexName)
	if !ok {
		return ""
	}
	for name, limit := range map[string]int{of.Range: maxRangeKey, own.Range: maxRangeKey, of.Hash: maxHashKey, own.Hash: maxHashKey} {
		v, ok := in.ExclusiveStartKey[name]
		if size := len(v.text()); ok && (size == 0 || size > limit) {
			return "The provided starting key is invalid: One or more parameter values were invalid"
		}
	}
	return in.outside(of)
}

var (
	comparison = regexp.MustCompile(`([#\w.-]+)\s*(<=|>=|=|<|>)\s*(:\w+)`)
	between    = regexp.MustCompile(`(?i)([#\w.-]+)\s+BETWEEN\s+(:\w+)\s+AND\s+(:\w+)`)
	beginsWith = regexp.MustCompile(`begins_with\s*\(\s*([#\w.-]+)\s*,\s*(:\w+)\s*\)`)
)

// named is the attribute that a name of an expression stands for.
func (in *pagedRead) named(name string) string {
	if strings.HasPrefix(name, "#") {
		return in.ExpressionAttributeNames[name]
	}
	return name
}

// outside holds the starting key against the query's conditions.
func (in *pagedRead) outside(k keySchemaOf) string {
	matches := func(name, op, value string) bool {
		v, w := in.ExclusiveStartKey[in.named(name)], in.ExpressionAttributeValues[value]
		n, ok := v.compare(w)
		if !ok {
			return true
		}
		switch op {
		case "=":
			return n == 0
		case "<":
			return n < 0
		case "<=":
			return n <= 0
		case ">":
			return n > 0
		default:
			return n >= 0
		}
	}
	rangeFails := false
	for _, m := range comparison.FindAllStringSubmatch(in.KeyConditionExpression, -1) {
		if matches(m[1], m[2], m[3]) {
			continue
		}
		if in.named(m[1]) == k.Hash {
			return "The provided starting key is outside query boundaries based on provided conditions"
		}
		rangeFails = true
	}
	for _, m := range between.FindAllStringSubmatch(in.KeyConditionExpression, -1) {
		rangeFails = rangeFails || !matches(m[1], ">=", m[2]) || !matches(m[1], "<=", m[3])
	}
	for _, m := range beginsWith.FindAllStringSubmatch(in.KeyConditionExpression, -1) {
		v, w := in.ExclusiveStartKey[in.named(m[1])], in.ExpressionAttributeValues[m[2]]
		rangeFails = rangeFails || !bytes.HasPrefix(v.text(), w.text())
	}
	if rangeFails {
		return "The provided starting key does not match the range key predicate"
	}
	return ""
}
