package control

import (
	"context"
	"errors"

	"latchkey/shared/audit"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
)

// Announced is the catalogue that was last announced.
type Announced struct {
	Version  consent.Version // "" if none ever was
	Products []product.Outline
	Revision int64 // grows with each announcement; 0 if there was none
}

type announcedRecord struct {
	Catalogue string          `dynamodbav:"catalogue"`
	Products  []outlineRecord `dynamodbav:"products"`
	Version   int64           `dynamodbav:"version"`
}

type outlineRecord struct {
	ID       string   `dynamodbav:"id"`
	Name     string   `dynamodbav:"name"`
	Prefixes []string `dynamodbav:"prefixes,omitempty"`
}

func encodeAnnounced(a Announced) dynamo.Item {
	r := announcedRecord{Catalogue: string(a.Version), Version: a.Revision}
	for _, p := range a.Products {
		r.Products = append(r.Products, outlineRecord{string(p.ID), p.Name, p.Prefixes})
	}
	return encode(catalogueKey(), "catalogue", r, "", "")
}

func decodeAnnounced(item dynamo.Item) (Announced, error) {
	var r announcedRecord
	if err := decode(item, "catalogue", &r); err != nil {
		return Announced{}, err
	}
	a := Announced{Version: consent.Version(r.Catalogue), Revision: r.Version}
	for _, p := range r.Products {
		a.Products = append(a.Products, product.Outline{ID: product.ID(p.ID), Name: p.Name, Prefixes: p.Prefixes})
	}
	return a, placed(item, catalogueKey(), r.Version)
}

// Announced reads the catalogue that was last announced; the zero value if none ever was.
func (s *Store) Announced(ctx context.Context) (Announced, error) {
	a, err := one(ctx, s, catalogueKey(), decodeAnnounced)
	if errors.Is(err, dynamo.ErrNotFound) {
		return Announced{}, nil
	}
	return a, err
}

// Announce records a catalogue and writes the row that tells of it, in one transaction. dynamo.ErrStale when another one was
// announced since before was read.
func (s *Store) Announce(ctx context.Context, before, after Announced, row audit.Row) error {
	row.Account = Operators
	after.Revision = before.Revision + 1
	still := isNew
	if before.Revision > 0 {
		still = cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(before.Revision)}}
	}
	return s.write(ctx, row, put(s.control, encodeAnnounced(after), still, always(dynamo.ErrStale)))
}
