package audit_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
)

// unaudited is what no audit row shows of a key, with the reason.
var unaudited = map[string]string{
	"ID":                    "never changes",
	"Account":               "never changes; the row has it",
	"Version":               "counts the writes; the row is one",
	"CreatedAt":             "never changes",
	"UpdatedAt":             "the row's own time",
	"Current.Hash":          "nothing of a secret but its preview is ever shown",
	"Current.CreatedAt":     "changes with the preview",
	"Current.Sealed":        "nothing of a secret but its preview is ever shown",
	"Outgoing.Hash":         "nothing of a secret but its preview is ever shown",
	"Outgoing.CreatedAt":    "changes with the preview",
	"Outgoing.Sealed":       "nothing of a secret but its preview is ever shown",
	"Retired.Hash":          "nothing of a secret but its preview is ever shown",
	"Retired.EndedAt":       "the row of the rotation's end has the time",
	"Blocked.By":            "the row's actor; customers don't see it",
	"Rotation.AnnouncedFor": "the job's own note; the row of the announcement has rotation_due",
	"Delivery.Reader":       "the job's own note; the rows of deliveries tell it",
	"Delivery.Due":          "the job's own note; the rows of deliveries tell it",
	"Delivery.Version":      "the job's own note; the rows of deliveries tell it",
	"Delivery.RetryAt":      "the job's own note; the rows of deliveries tell it",
	"Proposed.Since":        "the row's own time",
}

func TestEveryFieldOfAKeyIsAuditedOrExcused(t *testing.T) {
	shows := func(before, after apikey.Key) bool { return len(audit.KeyChanges(&before, after)) > 0 }
	checkFields(t, unaudited, shows)
}

func TestEveryFieldOfAnAccountIsAuditedOrExcused(t *testing.T) {
	excused := map[string]string{
		"ID": "never changes", "CreatedAt": "never changes", "Version": "counts the writes; the row is one",
	}
	checkFields(t, excused, func(before, after account.Account) bool { return len(audit.AccountChanges(&before, after)) > 0 })
}

// checkFields changes each field of a T alone, and asks whether the change shows.
func checkFields[T any](t *testing.T, excused map[string]string, shows func(before, after T) bool) {
	paths := leaves(t, reflect.TypeFor[T](), "", nil)
	for _, path := range paths {
		var before, after T
		fill(reflect.ValueOf(&before).Elem())
		fill(reflect.ValueOf(&after).Elem())
		change(at(reflect.ValueOf(&after).Elem(), path))
		name := strings.Join(path, ".")
		switch reason, ok := excused[name]; {
		case !shows(before, after) && !ok:
			t.Errorf("a change of %s shows in no audit row: add it to the facts in diff.go, or excuse it here", name)
		case shows(before, after) && ok:
			t.Errorf("%s is excused (%q), but its changes show: drop the excuse", name, reason)
		}
	}
	for name := range excused {
		if !strings.Contains("\n"+joined(paths), "\n"+name+"\n") {
			t.Errorf("the excuse for %s is for no field", name)
		}
	}
}

func joined(paths [][]string) string {
	var b strings.Builder
	for _, path := range paths {
		fmt.Fprintln(&b, strings.Join(path, "."))
	}
	return b.String()
}

// leaves lists the paths of all fields that hold a value of their own: lists count as their element's fields.
func leaves(t *testing.T, typ reflect.Type, prefix string, path []string) (all [][]string) {
	for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice && typ.Elem().Kind() == reflect.Struct {
		typ = typ.Elem()
	}
	if typ.Kind() != reflect.Struct || typ == reflect.TypeFor[time.Time]() {
		return [][]string{path}
	}
	for i := range typ.NumField() {
		f := typ.Field(i)
		if !f.IsExported() {
			t.Fatalf("%s%s is not exported: teach this test about it", prefix, f.Name)
		}
		next := append(append([]string(nil), path...), f.Name)
		if f.Anonymous {
			next = path
		}
		all = append(all, leaves(t, f.Type, prefix+f.Name+".", next)...)
	}
	return all
}

// fill sets pointers and gives lists one entry, so that every field is there.
func fill(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i))
		}
	}
}

func at(v reflect.Value, path []string) reflect.Value {
	for _, name := range path {
		v = first(v).FieldByName(name)
	}
	return first(v)
}

func first(v reflect.Value) reflect.Value {
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		} else {
			v = v.Index(0)
		}
	}
	return v
}

func change(v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *time.Time:
		*at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
		return
	case *apikey.Hash:
		at[0] = 1
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(7)
	default:
		panic("teach this test the type " + v.Type().String())
	}
}
