package product_test

import (
	"fmt"
	"strings"
	"testing"

	"latchkey/shared/product"
)

// TestEachEscapeIsReadAsAnUpstreamMayReadIt: of the 256 escapes in both cases, those of unreserved characters are the character,
// that of ";" begins what is cut, and all others match nothing.
func TestEachEscapeIsReadAsAnUpstreamMayReadIt(t *testing.T) {
	const unreserved = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~"
	tiles := product.Match{Product: "map-display", Class: "map-display.tiles"}
	for c := range 256 {
		for _, escape := range []string{fmt.Sprintf("%%%02x", c), fmt.Sprintf("%%%02X", c)} {
			inside, _ := product.Default().Match("/map/1/til" + escape + "/0")
			if want := c == 'e' || c == 'E'; (inside == tiles) != want {
				t.Errorf("til%s is %v", escape, inside)
			}
			cut, _ := product.Default().Match("/map/1/tile" + escape + "x/0")
			if want := c == ';'; (cut == tiles) != want {
				t.Errorf("tile%sx is %v", escape, cut)
			}
			name := product.Name("tile" + escape + "x")
			if want := "tile" + escape + "x"; c == ';' {
				if name != "tile" {
					t.Errorf("the name of tile%sx is %q", escape, name)
				}
			} else if strings.IndexByte(unreserved, byte(c)) < 0 && name != want {
				t.Errorf("the name of %s is %q", want, name)
			}
		}
	}
}
