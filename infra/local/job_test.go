package main

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestSlicesOfAJobAddUp: every number of a slice but what is due, which is asked for once. Calls a key are those of all slices by all
// keys.
func TestSlicesOfAJobAddUp(t *testing.T) {
	total := sliceDone{Due: 40}
	for i, s := range []sliceDone{{Calls: 2, SecretCalls: 3}, {Calls: 4, SecretCalls: 1}} {
		v := reflect.ValueOf(&s).Elem()
		for n := range v.NumField() {
			if v.Field(n).Kind() == reflect.Int {
				v.Field(n).SetInt(int64(100*n + i))
			}
		}
		s.Keys = 10 + 20*i
		total.add(s)
	}
	v := reflect.ValueOf(total)
	for n := range v.NumField() {
		want := int64(200*n + 1)
		switch v.Type().Field(n).Name {
		case "Keys", "Due":
			want = 40
		}
		if v.Field(n).Kind() == reflect.Int && v.Field(n).Int() != want {
			t.Errorf("%s: %d, want %d", v.Type().Field(n).Name, v.Field(n).Int(), want)
		}
	}
	if got := finished(total, time.Second); !strings.Contains(got, "40 keys") || !strings.HasSuffix(got, "3.5 store calls and 1.5 Secrets Manager calls a key") {
		t.Error(got)
	}
}
