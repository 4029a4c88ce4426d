// Package strictjson checks JSON before encoding/json reads it. That one takes invalid UTF-8, half surrogates and members
// that are there twice, and matches names without regard to case; where identity or a write is decided, two readers of one
// document must see the same.
package strictjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// What a document can be refused for.
var (
	ErrSyntax    = errors.New("strictjson: not one JSON document")
	ErrUTF8      = errors.New("strictjson: not valid UTF-8")
	ErrDuplicate = errors.New("strictjson: a member is there twice")
	ErrObject    = errors.New("strictjson: not an object")
	ErrName      = errors.New("strictjson: a member's name differs from a known one by case alone")
)

// maxDepth is the greatest depth of nested objects and lists.
const maxDepth = 16

// Check reads a whole document: ErrUTF8 for invalid UTF-8 and half surrogates, ErrDuplicate for a member that is there
// twice at any depth, ErrSyntax for everything else that isn't one JSON document of at most maxDepth.
func Check(raw []byte) error {
	if !utf8.Valid(raw) {
		return ErrUTF8
	}
	if !json.Valid(raw) {
		return ErrSyntax
	}
	if halfSurrogate(raw) {
		return ErrUTF8
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	return walk(d, 0)
}

// Object is Check for an object, and returns its members. A name that folds to one of known (as encoding/json folds: ASCII
// and Unicode) without being it is ErrName: a reader that folds would take it for the known one.
func Object(raw []byte, known ...string) (map[string]json.RawMessage, error) {
	if err := Check(raw); err != nil {
		return nil, err
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return nil, ErrObject
	}
	for name := range members {
		for _, k := range known {
			if name != k && strings.EqualFold(name, k) {
				return nil, fmt.Errorf("%w: %s", ErrName, k)
			}
		}
	}
	return members, nil
}

// Decode reads an object into a struct, whose exported fields name in their json tags all that it may have, and so do the structs in
// it. Nothing else is taken, and no name in another case: a misspelt setting must not do something else than what was meant.
func Decode(raw []byte, into any) error {
	if _, err := Object(raw); err != nil {
		return err
	}
	if err := exact(raw, reflect.TypeOf(into).Elem()); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	return d.Decode(into)
}

// exact looks for names that the decoder would take for a field's, at every depth. What has another form than its type says is the
// decoder's to refuse. encoding/json folds no keys of maps, and what types read by themselves is theirs.
func exact(raw json.RawMessage, of reflect.Type) error {
	if reflect.PointerTo(of).Implements(reflect.TypeFor[json.Unmarshaler]()) {
		return nil
	}
	switch of.Kind() {
	case reflect.Pointer:
		return exact(raw, of.Elem())
	case reflect.Struct:
		return exactMembers(raw, of)
	case reflect.Map:
		var members map[string]json.RawMessage
		_ = json.Unmarshal(raw, &members)
		for _, member := range members {
			if err := exact(member, of.Elem()); err != nil {
				return err
			}
		}
	case reflect.Slice, reflect.Array:
		var items []json.RawMessage
		_ = json.Unmarshal(raw, &items)
		for _, item := range items {
			if err := exact(item, of.Elem()); err != nil {
				return err
			}
		}
	default:
	}
	return nil
}

func exactMembers(raw json.RawMessage, of reflect.Type) error {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(raw, &members)
	for i := range of.NumField() {
		field := of.Field(i)
		known, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		for name, member := range members {
			if name != known && strings.EqualFold(name, known) {
				return fmt.Errorf("%w: %s", ErrName, known)
			}
			if name == known {
				if err := exact(member, field.Type); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func walk(d *json.Decoder, depth int) error {
	token, err := d.Token()
	if err != nil || depth > maxDepth {
		return ErrSyntax
	}
	switch token {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			name, err := d.Token()
			text, ok := name.(string)
			if err != nil || !ok {
				return ErrSyntax
			}
			if seen[text] {
				return ErrDuplicate
			}
			seen[text] = true
			if err := walk(d, depth+1); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for d.More() {
			if err := walk(d, depth+1); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, _ = d.Token() // the closing delimiter: the document is valid
	return nil
}

// halfSurrogate finds a \uD800–\uDFFF that isn't half of a pair; raw is valid JSON.
func halfSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		if raw[i] != 'u' {
			continue
		}
		unit := hex4(raw[i+1:])
		i += 4
		switch {
		case unit >= 0xdc00 && unit <= 0xdfff:
			return true
		case unit >= 0xd800 && unit <= 0xdbff:
			if i+6 >= len(raw) || raw[i+1] != '\\' || raw[i+2] != 'u' {
				return true
			}
			if low := hex4(raw[i+3:]); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 6
		}
	}
	return false
}

func hex4(raw []byte) uint64 {
	n, _ := strconv.ParseUint(string(raw[:4]), 16, 32)
	return n
}
