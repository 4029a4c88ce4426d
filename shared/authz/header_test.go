package authz_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/authz"
)

func TestAHeaderThatAnUpstreamMayTakeForTheGatesOwnImitatesIt(t *testing.T) {
	for name, want := range map[string]bool{
		"X_Latchkey_Account_Id": true, "X-Latchkey_Account-Id": true, "x.latchkey.key.id": true, "XLatchkeyProduct": true, "X-Latchkey-Extra": true,
		"X-Latchkey": true, "X--Latchkey-Key-Id": true, "X-Latchkey-Key-Id ": true, "-X-Latchkey-Key-Id": true, "X-Latch-Key-Id": true,
		"X_Api_Key": true, "XApiKey": true, "x-apikey": true, "X-Api-Key_": true, "x_api-key": true, "X-Latchkeyé": true, "X-L\u00e9atchkey": true,

		"X-Api-Key": false, "x-aPI-key": false, "X-Latchkey-Account-Id": false, "x-latchkey-account-id": false, "X-LATCHKEY-GATEWAY-SECRET": false,
		"X-Api-Keys": false, "X-Api": false, "My-X-Latchkey-Key-Id": false, "X-Latch": false, "Origin": false, "X-Amzn-Trace-Id": false, "": false, "-": false,
		"Latchkey-Key-Id": false, "X-Api-Version": false, "api_key": false,
	} {
		if got := authz.Imitates(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

// TestTheGatewaysHeadersAreTheGatesOwn: what the routes set may be sent, since it is overwritten; and nothing else may be.
func TestTheGatewaysHeadersAreTheGatesOwn(t *testing.T) {
	route, err := os.ReadFile("../product/gen/route.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var set []string
	for _, found := range regexp.MustCompile(`integration\.request\.header\.([A-Za-z-]+):`).FindAllStringSubmatch(string(route), -1) {
		set = append(set, found[1])
		if authz.Imitates(found[1]) || authz.Imitates(strings.ToLower(found[1])) {
			t.Errorf("%s, which the gateway sets, is refused", found[1])
		}
		if !authz.Imitates(strings.ReplaceAll(found[1], "-", "_")) {
			t.Errorf("%s with underscores passes", found[1])
		}
	}
	slices.Sort(set)
	if want := []string{"X-Api-Key", "X-Latchkey-Account-Id", "X-Latchkey-Gateway-Secret", "X-Latchkey-Key-Id", "X-Latchkey-Product"}; !slices.Equal(set, want) {
		t.Errorf("the gateway sets %v: ownHeaders of this package must say the same", set)
	}
}

func TestLookingAtANameDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { authz.Imitates("X-Latchkey-Account-Id"); authz.Imitates("X_Latchkey_Account_Id") }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
