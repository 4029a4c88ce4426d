package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
	"latchkey/shared/strictjson"
)

// MaxBody is the size of the largest body that is read, in bytes.
const MaxBody = 64 << 10

var (
	errTooLarge = NewProblem(http.StatusRequestEntityTooLarge, "body_too_large", "The body is larger than 64 KiB.")
	errMedia    = NewProblem(http.StatusUnsupportedMediaType, "content_type_unsupported", "The body's content type isn't supported.").
			WithDetail("Send application/json; charset utf-8.")
	errCoding = NewProblem(http.StatusUnsupportedMediaType, "content_encoding_unsupported", "The body's content encoding isn't supported.").
			WithDetail("Send the body as it is, without Content-Encoding.").withHeader("Accept-Encoding", "identity")
	// ErrNotJSON refuses a body that isn't one JSON document.
	ErrNotJSON   = NewProblem(http.StatusBadRequest, "body_not_json", "The body isn't a single JSON document.")
	errNotObject = NewProblem(http.StatusBadRequest, "body_not_object", "The body isn't a JSON object.")
	errDuplicate = NewProblem(http.StatusBadRequest, "body_duplicate_member", "The body repeats a member.")
	errNotUTF8   = NewProblem(http.StatusBadRequest, "body_not_utf8", "The body isn't valid UTF-8.")
	errEmpty     = NewProblem(http.StatusBadRequest, "body_missing", "A body is required.").WithDetail("Send a JSON object.")
)

// BodyOptions refines what Body takes beyond what the type says.
type BodyOptions struct {
	Optional bool     // no body at all is an empty object
	Nullable []string // members that may be null
	Makes    bool     // makes what isn't there, so that If-Match would hold back nothing as "*" either
	Query    bool     // there are parameters in the query too, which the endpoint checks
	ReadOnly any      // a value of the type whose other members are told from unknown ones
}

// Members are the members that a body had, as they were sent.
type Members map[string]json.RawMessage

// Has reports whether a member was sent, null included.
func (m Members) Has(name string) bool { _, ok := m[name]; return ok }

// Null reports whether a member was sent as null.
func (m Members) Null(name string) bool { return bytes.Equal(m[name], []byte("null")) }

// Body reads a strict JSON object into a generated type: 413, 415 and 400 for what can't be read, 422 with pointers
// for unknown, read-only, missing and mistyped members. Members match by their exact names. What takes a body takes no
// parameters in the query, unless shape says so: one that is there was meant to do something. So was a condition that would
// hold back nothing here, and it is refused for that: If-None-Match always, a version in If-Match unless [TakesIfMatch] says
// otherwise.
func Body[T any](r *http.Request, shape BodyOptions) (T, Members, error) {
	var into T
	if !shape.Query {
		if err := KnownQuery(r); err != nil {
			return into, nil, err
		}
	}
	if len(r.Header.Values("If-None-Match")) > 0 {
		return into, nil, errNoneMatch
	}
	if m := OptionalIfMatch(r); (m.names() || shape.Makes && m.sent) && !takesIfMatch(r) {
		return into, nil, errNoVersion
	}
	raw, err := read(r, shape.Optional)
	if err != nil {
		return into, nil, err
	}
	members := Members{}
	if err := json.Unmarshal(raw, &members); err != nil {
		return into, nil, errNotObject
	}
	if members == nil { // the document was null
		return into, nil, errNotObject
	}
	if fields := fill(reflect.ValueOf(&into).Elem(), members, shape); len(fields) > 0 {
		sort.Slice(fields, func(i, j int) bool { return fields[i].Pointer < fields[j].Pointer })
		return into, members, Invalid(fields...)
	}
	return into, members, nil
}

// NoBody wraps the endpoint of an operation that takes no members: a body is refused unless it is an empty object.
func NoBody(e Endpoint) Endpoint {
	return func(w http.ResponseWriter, r *http.Request, c Principal) error {
		if err := Empty(r); err != nil {
			return err
		}
		return e(w, r, c)
	}
}

// Empty reads the body of an operation that takes no members, for endpoints that have more to authorise first.
func Empty(r *http.Request) error {
	_, _, err := Body[struct{}](r, BodyOptions{Optional: true})
	return err
}

func read(r *http.Request, optional bool) ([]byte, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case err != nil:
		return nil, ErrNotJSON
	case len(raw) > MaxBody:
		return nil, errTooLarge
	case len(raw) == 0 && optional:
		return []byte("{}"), nil
	}
	if err := checkMedia(r); err != nil {
		return nil, err
	}
	if raw = bytes.TrimPrefix(raw, byteOrderMark); len(raw) == 0 {
		return nil, errEmpty
	}
	return raw, check(raw)
}

// byteOrderMark is ignored at the beginning of a body (RFC 8259, section 8.1).
var byteOrderMark = []byte("\xef\xbb\xbf")

const (
	mediaJSON  = "application/json"
	mediaPatch = "application/merge-patch+json" // of PATCH alone
)

func checkMedia(r *http.Request) error {
	for _, coding := range r.Header.Values("Content-Encoding") {
		for _, one := range elements(coding) {
			if !strings.EqualFold(one, "identity") {
				return errCoding
			}
		}
	}
	refused, patch := errMedia, r.Method == http.MethodPatch
	switch r.Method { // PUT has no such header
	case http.MethodPost:
		refused = errMedia.withHeader("Accept-Post", mediaJSON)
	case http.MethodPatch:
		refused = errMedia.withHeader("Accept-Patch", mediaPatch+", "+mediaJSON)
	}
	values := r.Header.Values("Content-Type")
	if len(values) != 1 {
		return refused
	}
	kind, params, err := mime.ParseMediaType(values[0])
	if err != nil || kind != mediaJSON && !(patch && kind == mediaPatch) {
		return refused
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return refused
		}
	}
	return nil
}

// check refuses what encoding/json would take without a word.
func check(raw []byte) error {
	switch err := strictjson.Check(raw); {
	case err == nil:
		return nil
	case errors.Is(err, strictjson.ErrDuplicate):
		return errDuplicate
	case errors.Is(err, strictjson.ErrUTF8):
		return errNotUTF8
	default:
		return ErrNotJSON
	}
}

// fill sets the fields of a generated struct from members, by their JSON names.
func fill(into reflect.Value, members Members, shape BodyOptions) (bad []api.FieldError) {
	known := map[string]int{}
	for i := range into.NumField() {
		name, _, _ := strings.Cut(into.Type().Field(i).Tag.Get("json"), ",")
		known[name] = i
	}
	readOnly := memberNames(shape.ReadOnly)
	for name, raw := range members {
		i, ok := known[name]
		switch {
		case !ok && readOnly[name]:
			bad = append(bad, Field(name, "read_only", "The member is read-only."))
		case !ok:
			bad = append(bad, Field(name, "unknown", "There is no such member."))
		case members.Null(name):
			if !slices.Contains(shape.Nullable, name) {
				bad = append(bad, Field(name, "not_null", "The member can't be null."))
			}
		default:
			bad = append(bad, set(into.Field(i), name, raw)...)
		}
	}
	for name, i := range known {
		if kind := into.Field(i).Kind(); kind != reflect.Pointer && !members.Has(name) {
			bad = append(bad, Field(name, "required", "The member is required."))
		}
	}
	return bad
}

func set(field reflect.Value, name string, raw json.RawMessage) []api.FieldError {
	if field.Kind() == reflect.Pointer {
		field.Set(reflect.New(field.Type().Elem()))
		field = field.Elem()
	}
	if field.Kind() == reflect.Slice {
		return setList(field, name, raw)
	}
	switch field.Interface().(type) {
	case time.Time, moment.Time:
		return setTime(field, name, raw)
	}
	if field.Kind() == reflect.Struct {
		return setObject(field, name, raw)
	}
	if field.CanInt() {
		raw = wholeNumber(raw)
	}
	if err := json.Unmarshal(raw, field.Addr().Interface()); err != nil {
		return []api.FieldError{Field(name, "wrong_type", "It must be "+kindName(field)+".")}
	}
	if e, ok := field.Interface().(interface{ Valid() bool }); ok && !e.Valid() {
		return []api.FieldError{Field(name, "not_a_choice", "The value isn't one of those allowed.")}
	}
	return nil
}

// setObject sets a member that is an object, as strictly as the body.
func setObject(field reflect.Value, name string, raw json.RawMessage) (bad []api.FieldError) {
	var members Members
	if err := json.Unmarshal(raw, &members); err != nil || members == nil {
		return []api.FieldError{Field(name, "wrong_type", "It must be an object.")}
	}
	for _, one := range fill(field, members, BodyOptions{}) {
		one.Pointer = "/" + escapePointer(name) + one.Pointer
		bad = append(bad, one)
	}
	return bad
}

// wholeNumber writes a whole number that has a point or an exponent (45.0, 1e3) without: both are integers to JSON Schema.
func wholeNumber(raw json.RawMessage) json.RawMessage {
	if !bytes.ContainsAny(raw, ".eE") {
		return raw
	}
	n, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || n != math.Trunc(n) || math.Abs(n) >= 1<<53 {
		return raw
	}
	return strconv.AppendInt(nil, int64(n), 10)
}

// setTime sets a time, in UTC and whole milliseconds.
func setTime(field reflect.Value, name string, raw json.RawMessage) []api.FieldError {
	var text string
	if err := json.Unmarshal(raw, &text); err != nil {
		return []api.FieldError{Field(name, "wrong_type", "It must be "+aTime+".")}
	}
	at, err := moment.Parse(text)
	switch {
	case errors.Is(err, moment.ErrRange):
		return []api.FieldError{Field(name, "out_of_range", timeRange)}
	case err != nil:
		return []api.FieldError{Field(name, "wrong_type", "It must be "+aTime+".")}
	}
	if _, is := field.Interface().(moment.Time); is {
		field.Set(reflect.ValueOf(moment.Of(at)))
	} else {
		field.Set(reflect.ValueOf(at))
	}
	return nil
}

const (
	aTime     = "a time such as 2026-01-31T00:00:00Z"
	timeRange = "It must be a time in the years 2000 to 9999 of UTC."
)

func setList(field reflect.Value, name string, raw json.RawMessage) (bad []api.FieldError) {
	var items []json.RawMessage
	if err := json.Unmarshal(raw, &items); err != nil {
		return []api.FieldError{Field(name, "wrong_type", "It must be a list.")}
	}
	list := reflect.MakeSlice(field.Type(), len(items), len(items))
	for i, item := range items {
		if err := json.Unmarshal(item, list.Index(i).Addr().Interface()); err != nil || bytes.Equal(item, []byte("null")) {
			bad = append(bad, Item(name, i, "wrong_type", "It must be "+kindName(list.Index(i))+"."))
		}
	}
	field.Set(list)
	return bad
}

// Item makes one entry of Invalid for an element of a list.
func Item(member string, index int, code, detail string) api.FieldError {
	return api.FieldError{Pointer: "/" + escapePointer(member) + "/" + strconv.Itoa(index), Code: code, Detail: detail}
}

func kindName(field reflect.Value) string {
	switch field.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		return "a whole number"
	case reflect.Struct:
		return "an object with the members that the contract lists"
	default:
		return "of another type"
	}
}

func memberNames(v any) map[string]bool {
	names := map[string]bool{}
	if v == nil {
		return names
	}
	for _, f := range reflect.VisibleFields(reflect.TypeOf(v)) {
		if !f.Anonymous {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names[name] = true
		}
	}
	return names
}

func escapePointer(name string) string {
	return strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
}
