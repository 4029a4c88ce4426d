package apigw

import (
	"os"
	"regexp"
	"testing"
)

// TestEachHeaderThatIsReadPassesTheLookAtItsFirstLetter, by which most names are passed over.
func TestEachHeaderThatIsReadPassesTheLookAtItsFirstLetter(t *testing.T) {
	source, err := os.ReadFile("decode.go")
	if err != nil {
		t.Fatal(err)
	}
	names := regexp.MustCompile(`ascii\.EqualFold\(name, "([^"]+)"\)`).FindAllSubmatch(source, -1)
	for _, name := range names {
		if (&decoder{out: &Event{}}).headerSource(string(name[1])) == nil {
			t.Errorf("%s isn't read", name[1])
		}
	}
	if len(names) < 6 {
		t.Errorf("%d names", len(names))
	}
}
