package control

import (
	"fmt"

	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
)

// consentRecord is the consent for one product, each coverage as one text.
type consentRecord struct {
	Product string   `dynamodbav:"product"`
	Paths   []string `dynamodbav:"paths"`
	Narrow  bool     `dynamodbav:"narrow,omitempty"`
}

func recordsOfConsents(list consent.List) (records []consentRecord) {
	for _, g := range list {
		r := consentRecord{Product: g.Product, Paths: make([]string, len(g.Paths)), Narrow: g.Narrow}
		for i, p := range g.Paths {
			r.Paths[i] = p.Text()
		}
		records = append(records, r)
	}
	return records
}

// consentsOf reads consents. One that can't be read makes the record unreadable: to leave it out would open the product as
// it stood at first.
func consentsOf(records []consentRecord) (list consent.List, err error) {
	for _, r := range records {
		g := consent.Given{Product: r.Product, Narrow: r.Narrow}
		for _, text := range r.Paths {
			p, ok := consent.ParsePath(text)
			if !ok {
				return nil, fmt.Errorf("%w: consent for a path", dynamo.ErrUnreadable)
			}
			g.Paths = append(g.Paths, p)
		}
		if g.Product == "" {
			return nil, fmt.Errorf("%w: consent for no product", dynamo.ErrUnreadable)
		}
		list = append(list, g)
	}
	return list, nil
}
