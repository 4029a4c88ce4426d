package rotation_test

import (
	"errors"
	"testing"
	"time"

	"latchkey/shared/apikey"
	"latchkey/shared/rotation"
)

// TestNoStepOfARotationLeavesARefusedSecretAlone: neither a cancel nor an end leaves a key whose lasting secret the gate
// refuses as exposed. A rotation for the reason leaked is let through in each of these states, and so is the step once an
// owner let the secret work again.
func TestNoStepOfARotationLeavesARefusedSecretAlone(t *testing.T) {
	refused := apikey.Exposure{At: noon, By: apikey.ReportedByGitHub, RefusedAt: noon}
	lifted := refused
	lifted.LiftedAt = noon
	for name, c := range map[string]struct {
		old, young  apikey.Exposure
		cancel, end error
	}{
		"neither is refused":  {},
		"both work again":     {old: lifted, young: lifted},
		"the old one is":      {old: refused, cancel: rotation.ErrRefused},
		"the new one is":      {young: refused, end: rotation.ErrRefused},
		"both are":            {old: refused, young: refused, cancel: rotation.ErrRefused, end: rotation.ErrRefused},
		"the old one is only": {old: refused, young: lifted, cancel: rotation.ErrRefused},
	} {
		k := fresh()
		k.Current.Exposed = c.young
		k.Outgoing = &apikey.Outgoing{StoredSecret: stored(2), EndsAt: noon.Add(time.Hour)}
		k.Outgoing.Exposed = c.old
		if _, err := rotation.Cancel(k, noon); !errors.Is(err, c.cancel) {
			t.Errorf("%s: cancel: %v, want %v", name, err, c.cancel)
		}
		if _, err := rotation.End(k, noon); !errors.Is(err, c.end) {
			t.Errorf("%s: end: %v, want %v", name, err, c.end)
		}
		if after, err := rotation.Rotate(k, stored(3), grace(t, 0), rotation.Leaked, noon); err != nil || after.Current.Exposed.Refused() {
			t.Errorf("%s: rotate: %v", name, err)
		}
	}
}
