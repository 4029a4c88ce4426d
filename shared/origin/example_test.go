package origin_test

import (
	"fmt"

	"latchkey/shared/origin"
)

// A call names its page in the Origin header, or else in the Referer header, and a key lists the pages that may use it.
func ExampleList_Match() {
	allowed := []string{"example.com", "*.example.com", "https://shop.example.org:8443"}
	list, err := origin.Compile(allowed)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, call := range []struct{ origin, referer string }{
		{origin: "https://example.com"},
		{referer: "https://app.example.com/map?center=52.5,13.4"}, // image tiles have no Origin header
		{origin: "https://shop.example.org:8443"},
		{origin: "https://example.com.evil.test"},
		{origin: "https://notexample.com"},
		{},
	} {
		from, presence := origin.FromHeaders(call.origin, call.referer)
		if presence == origin.Missing {
			fmt.Println("no origin: another rule of the key decides")
		} else if i, ok := list.Match(from); ok {
			fmt.Println(from, "is covered by", allowed[i])
		} else {
			fmt.Println(from, "is refused")
		}
	}
	// Output:
	// https://example.com is covered by example.com
	// https://app.example.com is covered by *.example.com
	// https://shop.example.org:8443 is covered by https://shop.example.org:8443
	// https://example.com.evil.test is refused
	// https://notexample.com is refused
	// no origin: another rule of the key decides
}
