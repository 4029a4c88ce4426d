package qps_test

import (
	"errors"
	"fmt"
	"time"

	"latchkey/shared/product"
	"latchkey/shared/qps"
	"latchkey/shared/text"
)

// A customer asks for a higher limit, an operator answers. The catalogue says how much may be asked for.
func ExampleSubmit() {
	now := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	search, _, _ := product.Default().Class("search")
	draft := qps.Request{
		ID: "qps_01JD0000000000000000000000", KeyID: "key_1", Product: "search", Class: search.ID,
		Current: 5, Requested: 50,
	}
	secrets := text.Secrets{"ak"} // no text may hold a secret
	why, _ := secrets.ParseBlock("We launch in May.", 1, qps.MaxJustification)
	request, err := qps.Submit(draft, why, draft.Current, search.MaxQPS, now)
	fmt.Println(request.Status, err)

	comment, _ := secrets.ParseBlock("Half of it to begin with.", 0, qps.MaxComment)
	approved, err := request.Approve(qps.Party{Email: "operator@example.com"}, comment, 25, search.MaxQPS, now)
	fmt.Println(approved.Status, approved.Decision.QPS, err)

	draft.Requested = search.MaxQPS + 1
	_, err = qps.Submit(draft, why, draft.Current, search.MaxQPS, now)
	fmt.Println("more than the product allows is refused:", errors.Is(err, qps.ErrAboveMax))
	// Output:
	// pending <nil>
	// approved 25 <nil>
	// more than the product allows is refused: true
}
