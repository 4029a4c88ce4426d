package apikey_test

import (
	"strings"
	"testing"

	"latchkey/shared/apikey"
)

// TestWhatIsLeftOfASecretInAHostIsSeen: in any case of letters, with another separator, with more around it; one letter less is no secret.
func TestWhatIsLeftOfASecretInAHostIsSeen(t *testing.T) {
	const prefix = apikey.Prefix("ak")
	body := strings.Repeat("aZ09z", 7)[:prefix.SecretLength()-len("ak_")]
	if len(body) != 33 {
		t.Fatalf("a secret has %d letters and digits behind its prefix", len(body))
	}
	for text, want := range map[string]bool{
		"ak_" + body: true, "ak-" + body: true, "ak." + body: true, "AK-" + strings.ToUpper(body): true, "www.ak-" + body + ".example": true, "ak_" + body + "x": true,
		"ak_" + body[1:]: false, "ak" + body: false, "ak~" + body: false, "bk_" + body: false, "ak_" + body[:32] + "-": false, "ak_" + body[:20] + "." + body[20:]: false, "": false,
	} {
		if got := prefix.Resembles(text); got != want {
			t.Errorf("%q resembles a secret: %v", text, got)
		}
	}
	for text, want := range map[string]bool{
		body: true, "a." + body: true, body + ".example": true, "x-" + body + "-y": true, "a..b." + body: true,
		body[1:]: false, body + "x": false, "": false, body[:16] + "." + body[16:]: false, "x" + body + ".a": false,
		strings.Repeat("{", 33): false, strings.Repeat("@", 33): false, strings.Repeat("/", 33): false, strings.Repeat(":", 33): false, strings.Repeat("`", 33): false,
	} {
		if got := apikey.HoldsBody(text); got != want {
			t.Errorf("%q holds a body: %v", text, got)
		}
	}
	for _, c := range "azAZ09" {
		if !apikey.HoldsBody(strings.Repeat(string(c), 33)) {
			t.Errorf("%q is no letter or digit", c)
		}
	}
}
