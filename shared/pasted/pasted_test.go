package pasted_test

import (
	"testing"

	"latchkey/shared/pasted"
)

// unseen has every character that is left out.
const unseen = "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"

func TestAValueIsReadWithoutWhatNobodySees(t *testing.T) {
	for _, r := range unseen {
		one := string(r)
		for _, typed := range []string{one + "a.example", "a.example" + one, "a." + one + "example", "\u00a0" + one + " a.example\u202f" + one + "\r\n"} {
			if got := pasted.Value(typed); got != "a.example" {
				t.Errorf("%+q is read as %+q", typed, got)
			}
		}
	}
	for typed, want := range map[string]string{
		"": "", unseen: "", " \u00a0\u2007\u202f\u3000": "", "a b": "a b", "a\u00a0b": "a\u00a0b", "نامه\u200cای.example": "نامه\u200cای.example", "\u200d": "\u200d",
		"a\u200e\xff": "a\xff", "\"a\"": "\"a\"",
	} {
		if got := pasted.Value(typed); got != want {
			t.Errorf("%+q is read as %+q, want %+q", typed, got, want)
		}
	}
}

func TestAValueIsReadWithoutItsQuotationMarks(t *testing.T) {
	for _, typed := range []string{`"a"`, `'a'`, `"a",`, `'a' ; `, `<a>`, "“a”", "«\u00a0a\u00a0»", "„a“", "`a`", "\u200e\"\u200fa\u200e\",\u200e", "a,", "a;"} {
		if got := pasted.Unquoted(typed); got != "a" {
			t.Errorf("%+q is read as %+q", typed, got)
		}
	}
	for typed, want := range map[string]string{"": "", `""`: "", "a'b": "a'b", `"a b"`: "a b", ",a": ",a"} {
		if got := pasted.Unquoted(typed); got != want {
			t.Errorf("%+q is read as %+q, want %+q", typed, got, want)
		}
	}
}
