package main

import (
	"strings"
	"testing"

	"latchkey/shared/apikey"
)

func TestAPathInTheLogHidesWhatMayBeASecret(t *testing.T) {
	good := secret(t, 1).Reveal()
	const prefix = string(apikey.DefaultPrefix) + "_"
	every := func(text string) (out string) {
		for i := range len(text) {
			out += "%" + string("0123456789abcdef"[text[i]>>4]) + string("0123456789ABCDEF"[text[i]&15])
		}
		return out
	}
	for _, hidden := range []string{
		good, good[:20], good[3:], strings.ToUpper(good), "x" + good + "y", every(good), strings.ReplaceAll(every(good), "%", "%25"),
		strings.ReplaceAll(every(good), "%", "%2525"), strings.ReplaceAll(every(good), "%", "%25252525252525"), "a%5f" + good[3:], "ak%5F" + good[3:9],
		"AK_abc", "%61k_", "q=" + good, good[3:] + ".json", "zz_" + good[3:],
	} {
		for _, path := range []string{"/map/" + hidden, "/map/1/" + hidden + "/x.png", "/" + hidden + "/map/"} {
			line := string(appendPath(nil, "", path, prefix))
			if !strings.Contains(line, "[masked]") || strings.Contains(line, hidden) || strings.Contains(line, good[3:23]) {
				t.Errorf("%q is logged as %q", path, line)
			}
		}
	}
	for _, shown := range []string{
		tile, "/", "/search/2/search/new%20york.json", "/routing/1/calculateRoute/52.50931,13.42936:52.50274,13.43872/json", "/map//x/", "/a/b%", "/map/ak",
	} {
		if line := string(appendPath(nil, "", shown, prefix)); line != shown {
			t.Errorf("%q is logged as %q", shown, line)
		}
	}
	if line := string(appendPath([]byte("before"), ":", "/"+strings.Repeat("ab/", 4000), prefix)); len(line) != len("before:")+maxField {
		t.Errorf("%d bytes", len(line))
	}
	if line := string(appendPath(nil, "", "/a\"b\\c\nd?e", prefix)); line != "/a_b_c_d_e" {
		t.Errorf("%q", line)
	}
}
