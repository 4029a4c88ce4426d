package keyring

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func random(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func ring(t *testing.T) Ring {
	t.Helper()
	r, err := Ring{}.Grow(random(1), "k1")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSealedOpensForItsOwnKeyAlone(t *testing.T) {
	r := ring(t)
	sealed, err := r.Seal(random(2), "ak_secret", "key_1")
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(sealed, []byte("secret")) {
		t.Error("the text is readable")
	}
	if text, err := r.Open(sealed, "key_1"); text != "ak_secret" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := r.Open(sealed, "key_2"); !errors.Is(err, ErrSealed) {
		t.Errorf("another key's secret opened: %v", err)
	}
	for i := range sealed {
		broken := bytes.Clone(sealed)
		broken[i] ^= 1
		if _, err := r.Open(broken, "key_1"); !errors.Is(err, ErrSealed) {
			t.Errorf("a flipped bit in byte %d went unnoticed: %v", i, err)
		}
		if _, err := r.Open(sealed[:i], "key_1"); !errors.Is(err, ErrSealed) {
			t.Errorf("%d bytes of %d opened: %v", i, len(sealed), err)
		}
	}
}

func TestGrownRingSealsWithTheNewKeyAndOpensWithTheOld(t *testing.T) {
	old := ring(t)
	sealed, _ := old.Seal(random(2), "text", "key_1")
	grown, err := old.Grow(random(3), "k2")
	if err != nil {
		t.Fatal(err)
	}
	if text, err := grown.Open(sealed, "key_1"); text != "text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	again, _ := grown.Seal(random(4), "text", "key_1")
	if SealedBy(sealed) != "k1" || SealedBy(again) != "k2" || grown.Current() != "k2" {
		t.Errorf("%s, %s", SealedBy(sealed), SealedBy(again))
	}
	if _, err := grown.Grow(random(5), "k1"); err == nil {
		t.Error("a name was used twice")
	}
	if _, err := grown.Drop("k2"); err == nil {
		t.Error("the current key was dropped")
	}
	dropped, err := grown.Drop("k1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dropped.Open(sealed, "key_1"); !errors.Is(err, ErrSealed) {
		t.Errorf("a dropped key opens: %v", err)
	}
	if text, err := dropped.Open(again, "key_1"); text != "text" || err != nil || dropped.Current() != "k2" || !slices.Equal(dropped.Names(), []string{"k2"}) {
		t.Errorf("what is left opens %q, %v, and seals by %s of %v", text, err, dropped.Current(), dropped.Names())
	}
	if stored, err := Parse(dropped.Document()); err != nil || stored.Current() != "k2" || len(stored.Names()) != 1 {
		t.Errorf("as a document: %v, %v", stored.Names(), err)
	}
	if _, err := grown.Drop("k3"); !errors.Is(err, ErrRing) {
		t.Errorf("a key that isn't there was dropped: %v", err)
	}
	if names := grown.Names(); len(names) != 2 || grown.Current() != "k2" {
		t.Errorf("the ring that a key was dropped from is another now: %v", names)
	}
}

func TestDocumentRoundTripsAndNothingElsePrintsTheRing(t *testing.T) {
	r := ring(t)
	sealed, _ := r.Seal(random(2), "text", "key_1")
	again, err := Parse(r.Document())
	if err != nil {
		t.Fatal(err)
	}
	if text, err := again.Open(sealed, "key_1"); text != "text" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	var doc struct{ Keys map[string]string }
	if err := json.Unmarshal(r.Document(), &doc); err != nil {
		t.Fatal(err)
	}
	raw, _ := json.Marshal(r)
	for _, printed := range []string{fmt.Sprint(r), fmt.Sprintf("%+v", r), fmt.Sprintf("%#v", r), string(raw)} {
		if strings.Contains(printed, doc.Keys["k1"]) || !strings.Contains(printed, "[redacted]") {
			t.Errorf("the ring prints as %s", printed)
		}
	}
}

func TestParseRefusesWhatIsNoRing(t *testing.T) {
	key := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for name, text := range map[string]string{
		"nothing": ``, "no keys": `{"current":"k1"}`, "current missing": `{"current":"k2","keys":{"k1":"` + key + `"}}`,
		"short key": `{"current":"k1","keys":{"k1":"AAAA"}}`, "not base64": `{"current":"k1","keys":{"k1":"%%"}}`,
		"no name":             `{"current":"","keys":{"":"` + key + `"}}`,
		"two current keys":    `{"current":"k1","current":"k1","keys":{"k1":"` + key + `"}}`,
		"Current beside it":   `{"current":"k1","Current":"k1","keys":{"k1":"` + key + `"}}`,
		"Current alone":       `{"Current":"k1","keys":{"k1":"` + key + `"}}`,
		"keys by another k":   "{\"current\":\"k1\",\"\u212aeys\":{\"k1\":\"" + key + `"}}`,
		"one name, two keys":  `{"current":"k1","keys":{"k1":"` + key + `","k1":"` + key + `"}}`,
		"more than one value": `{"current":"k1","keys":{"k1":"` + key + `"}} {}`,
	} {
		if _, err := Parse([]byte(text)); !errors.Is(err, ErrRing) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for length, good := range map[int]bool{31: false, 32: true, 33: false} {
		for name, named := range map[string]bool{"k": true, strings.Repeat("k", 32): true, strings.Repeat("k", 33): false} {
			text := fmt.Sprintf(`{"current":%q,"keys":{%q:%q}}`, name, name, base64.StdEncoding.EncodeToString(make([]byte, length)))
			if got, err := Parse([]byte(text)); good && named && (err != nil || got.Current() != name) || !(good && named) && !errors.Is(err, ErrRing) {
				t.Errorf("a key of %d bytes with a name of %d: %v", length, len(name), err)
			}
			old := fmt.Sprintf(`{"current":"c","keys":{"c":%q,%q:%q}}`, key, name, base64.StdEncoding.EncodeToString(make([]byte, length)))
			if _, err := Parse([]byte(old)); (err == nil) != (good && named) {
				t.Errorf("an old key of %d bytes with a name of %d: %v", length, len(name), err)
			}
		}
	}
	r := ring(t)
	for _, name := range []string{"", strings.Repeat("k", 33)} {
		if _, err := r.Grow(random(2), name); !errors.Is(err, ErrRing) {
			t.Errorf("a key of the name %q was added: %v", name, err)
		}
	}
	if got, err := r.Grow(bytes.NewReader(make([]byte, 31)), "k2"); err == nil {
		t.Errorf("a key of half the randomness was added: %v", got.Names())
	}
	if _, err := r.Seal(bytes.NewReader(make([]byte, 11)), "text", "key_1"); err == nil {
		t.Error("sealed by half a nonce")
	}
	if _, err := (Ring{}).Seal(random(1), "text", "key_1"); !errors.Is(err, ErrRing) {
		t.Errorf("the zero ring seals: %v", err)
	}
}
