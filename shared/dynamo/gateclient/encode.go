package gateclient

import (
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/dynamo"
)

// errInput means that a call is none that this client can make.
var errInput = errors.New("the input isn't supported")

func unsupported(operation string) error {
	return fmt.Errorf("gateclient: %s: %w: it has options or a field that this client would leave out, or it is nil", operation, errInput)
}

// document is the JSON of a request while it is written. Its first error stays.
type document struct {
	text []byte
	err  error
}

func newDocument() *document { return &document{text: append(make([]byte, 0, 512), '{')} }

// end closes the document.
func (d *document) end() ([]byte, error) {
	d.add("}")
	return d.text, d.err
}

func (d *document) add(text string) { d.text = append(d.text, text...) }

// fail notes that there is no value where one has to be.
func (d *document) fail(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%w: %s", errInput, what)
	}
}

// member begins a member of the object that is open.
func (d *document) member(name string) {
	if d.text[len(d.text)-1] != '{' {
		d.add(",")
	}
	d.string(name)
	d.add(":")
}

func (d *document) optional(name string, value *string) {
	if value != nil {
		d.member(name)
		d.string(*value)
	}
}

func (d *document) required(name string, value *string) {
	if value == nil {
		d.fail("no " + name)
	}
	d.optional(name, value)
}

// choice writes a member that is one of some words; "" is none of them.
func (d *document) choice(name, value string) {
	if value != "" {
		d.optional(name, &value)
	}
}

func (d *document) names(name string, names map[string]string) {
	d.member(name)
	d.add("{")
	for _, short := range slices.Sorted(maps.Keys(names)) {
		d.member(short)
		d.string(names[short])
	}
	d.add("}")
}

func (d *document) item(name string, item dynamo.Item) {
	if item == nil {
		d.fail("no " + name)
	}
	d.member(name)
	d.attributes(item)
}

func (d *document) attributes(item dynamo.Item) {
	d.add("{")
	for _, name := range slices.Sorted(maps.Keys(item)) {
		d.member(name)
		d.value(item[name])
	}
	d.add("}")
}

// value writes an attribute's value, an object with the name of its type.
func (d *document) value(v types.AttributeValue) {
	d.add("{")
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		if d.tag("S", v != nil) {
			d.string(v.Value)
		}
	case *types.AttributeValueMemberN:
		if d.tag("N", v != nil) {
			d.string(v.Value)
		}
	case *types.AttributeValueMemberB:
		if d.tag("B", v != nil) {
			d.bytes(v.Value)
		}
	case *types.AttributeValueMemberBOOL:
		if d.tag("BOOL", v != nil) {
			d.boolean(v.Value)
		}
	case *types.AttributeValueMemberNULL:
		if d.tag("NULL", v != nil) {
			d.boolean(v.Value)
		}
	case *types.AttributeValueMemberM:
		if d.tag("M", v != nil) {
			d.attributes(v.Value)
		}
	case *types.AttributeValueMemberL:
		if d.tag("L", v != nil) {
			array(d, v.Value, d.value)
		}
	case *types.AttributeValueMemberSS:
		if d.tag("SS", v != nil) {
			array(d, v.Value, d.string)
		}
	case *types.AttributeValueMemberNS:
		if d.tag("NS", v != nil) {
			array(d, v.Value, d.string)
		}
	case *types.AttributeValueMemberBS:
		if d.tag("BS", v != nil) {
			array(d, v.Value, d.bytes)
		}
	default:
		d.fail("an attribute without a value")
	}
	d.add("}")
}

// tag begins the one member of a value, if there is a value.
func (d *document) tag(name string, there bool) bool {
	if !there {
		d.fail("an attribute without a value")
		return false
	}
	d.member(name)
	return true
}

func array[T any](d *document, list []T, element func(T)) {
	d.add("[")
	for i, e := range list {
		if i > 0 {
			d.add(",")
		}
		element(e)
	}
	d.add("]")
}

func (d *document) boolean(b bool) {
	if b {
		d.add("true")
	} else {
		d.add("false")
	}
}

func (d *document) bytes(b []byte) {
	d.add(`"`)
	d.text = base64.StdEncoding.AppendEncode(d.text, b)
	d.add(`"`)
}

// string writes a string. A byte that is no UTF-8 becomes U+FFFD, as the SDK's client writes it.
func (d *document) string(text string) {
	const hexadecimal = "0123456789abcdef"
	b := append(d.text, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ':
			b = append(b, '\\', 'u', '0', '0', hexadecimal[r>>4], hexadecimal[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	d.text = append(b, '"')
}
