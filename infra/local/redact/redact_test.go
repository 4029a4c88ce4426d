package redact

import (
	"strings"
	"testing"
)

func TestSecretsNeverPass(t *testing.T) {
	secret := "ak_" + strings.Repeat("aB3", 11)
	for name, c := range map[string]struct{ in, want string }{
		"alone":           {secret, mark},
		"in JSON":         {`{"secret":"` + secret + `","n":1}`, `{"secret":"` + mark + `","n":1}`},
		"twice":           {secret + " " + secret, mark + " " + mark},
		"joined":          {"x" + secret + "y", mark},
		"encoded":         {"/map/ak%5f" + secret[3:], "/map/" + mark},
		"other prefix":    {"live2_" + secret[3:], mark},
		"preview stays":   {"ak_7Kf2…x9Qd key_01M8035AJY2NZVQBAY28BG6PH3", "ak_7Kf2…x9Qd key_01M8035AJY2NZVQBAY28BG6PH3"},
		"query":           {`GET http://h/p?key=a&b=c done`, `GET http://h/p?` + mark + ` done`},
		"path query":      {`"/v1/x?code=abc"`, `"/v1/x?` + mark + `"`},
		"question stays":  {"what? yes", "what? yes"},
		"bearer":          {"Authorization: Bearer abcdefgh.ijk", "Authorization: Bearer " + mark},
		"token":           {"t=eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.sig_-x", "t=" + mark},
		"terminal escape": {"a\x1b[31mb", "a·[31mb"},
	} {
		if got := Line(c.in); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func FuzzLineHidesASecretAnywhere(f *testing.F) {
	f.Add("", "")
	f.Add("x_y?", "_z")
	f.Fuzz(func(t *testing.T, before, after string) {
		secret := "ak_Q9zQ9zQ9zQ9zQ9zQ9zQ9zQ9zQ9zQ9zQ9z"
		if got := Line(before + secret + after); strings.Contains(got, secret) {
			t.Fatalf("%q", got)
		}
	})
}
