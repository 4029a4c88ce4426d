package keytest

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/apikey"
)

// CheckFields changes each field of a T alone, nested ones too, and asks whether the change shows. It must, or the field
// is excused with a reason; an excuse that no field needs is an error.
func CheckFields[T any](t *testing.T, excused map[string]string, shows func(before, after T) bool) {
	t.Helper()
	paths := leaves(t, reflect.TypeFor[T](), "", nil)
	for _, path := range paths {
		var before, after T
		occupy(reflect.ValueOf(&before).Elem())
		occupy(reflect.ValueOf(&after).Elem())
		change(at(reflect.ValueOf(&after).Elem(), path))
		name := strings.Join(path, ".")
		switch reason, ok := excused[name]; {
		case !shows(before, after) && !ok:
			t.Errorf("a change of %s shows nowhere: add it, or excuse it in this test", name)
		case shows(before, after) && ok:
			t.Errorf("%s is excused (%q), but its changes show: drop the excuse", name, reason)
		}
	}
	for name := range excused {
		if !slices.ContainsFunc(paths, func(path []string) bool { return strings.Join(path, ".") == name }) {
			t.Errorf("the excuse for %s is for no field", name)
		}
	}
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

// occupy sets pointers and gives lists one entry, so that every field is there.
func occupy(v reflect.Value) {
	switch {
	case v.Type() == reflect.TypeFor[time.Time]():
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		occupy(v.Elem())
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		occupy(v.Index(0))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			occupy(v.Field(i))
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
