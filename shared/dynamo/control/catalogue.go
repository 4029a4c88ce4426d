package control

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/audit"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/product"
)

// Announced is the catalogue that was last announced.
type Announced struct {
	Version  consent.Version   // "" if none ever was
	Deployed []consent.Version // those that the job has run with, or an owner has accepted, the oldest first
	Products []product.Outline
	Revision int64 // grows with each announcement; 0 if there was none
	// Quotas holds the quotas of the catalogue that the job last ran with, and QuotaTimes when it noticed that their numbers were set. Where
	// they aren't known, the record is of a release that didn't keep them.
	Quotas      account.Quotas
	QuotaTimes  account.QuotaTimes
	QuotasKnown bool
}

// WithQuotas returns the record with the quotas of the catalogue that is deployed, of which the numbers that it doesn't have are set now. Where it has
// none yet, all were always there. known says that it has them already.
func (a Announced) WithQuotas(deployed account.Quotas, now time.Time) (after Announced, known bool) {
	if known = a.QuotasKnown && slices.Equal(a.Quotas, deployed); known {
		return a, true
	}
	if a.QuotasKnown {
		for _, q := range slices.Concat(a.Quotas, deployed) { // the times of one that is in both change once
			a.QuotaTimes = a.QuotaTimes.Changed(a.Quotas.Of(q.Billing, q.Group), deployed.Of(q.Billing, q.Group), now)
		}
	}
	a.Quotas, a.QuotasKnown = deployed, true
	return a, false
}

// With returns the record with a version that is deployed. known says that it has it already.
func (a Announced) With(v consent.Version) (after Announced, known bool) {
	if slices.Contains(a.Deployed, v) {
		return a, true
	}
	a.Deployed = append(slices.Clone(a.Deployed), v)
	return a, false
}

type announcedRecord struct {
	Catalogue string          `dynamodbav:"catalogue"`
	Products  []outlineRecord `dynamodbav:"products"`
	Version   int64           `dynamodbav:"version"`
	// A release that doesn't know it drops it, with the next change of the catalogue.
	Deployed []string `dynamodbav:"deployed,omitempty"`
	// So does it with these.
	Quotas      []accountQuotaRecord `dynamodbav:"quotas,omitempty"`
	QuotaTimes  []quotaTimeRecord    `dynamodbav:"quota_times,omitempty"`
	QuotasKnown bool                 `dynamodbav:"quotas_known,omitempty"`
}

type outlineRecord struct {
	ID       string   `dynamodbav:"id"`
	Name     string   `dynamodbav:"name"`
	Prefixes []string `dynamodbav:"prefixes,omitempty"`
}

// maxDeployed bounds the versions that are remembered.
const maxDeployed = 1000

func encodeAnnounced(a Announced) dynamo.Item {
	r := announcedRecord{
		Catalogue: string(a.Version), Version: a.Revision,
		Quotas: recordsOfAccountQuotas(a.Quotas), QuotaTimes: recordsOfQuotaTimes(a.QuotaTimes), QuotasKnown: a.QuotasKnown,
	}
	for _, p := range a.Products {
		r.Products = append(r.Products, outlineRecord{string(p.ID), p.Name, p.Prefixes})
	}
	for _, v := range a.Deployed[max(0, len(a.Deployed)-maxDeployed):] {
		r.Deployed = append(r.Deployed, string(v))
	}
	return encode(catalogueKey(), "catalogue", r, "", "")
}

func decodeAnnounced(item dynamo.Item) (Announced, error) {
	var r announcedRecord
	if err := decode(item, "catalogue", &r); err != nil {
		return Announced{}, err
	}
	var c clock
	a := Announced{
		Version: consent.Version(r.Catalogue), Revision: r.Version,
		Quotas: accountQuotasOf(r.Quotas), QuotaTimes: c.quotaTimes(r.QuotaTimes), QuotasKnown: r.QuotasKnown,
	}
	for _, p := range r.Products {
		a.Products = append(a.Products, product.Outline{ID: product.ID(p.ID), Name: p.Name, Prefixes: p.Prefixes})
	}
	for _, v := range r.Deployed {
		a.Deployed = append(a.Deployed, consent.Version(v))
	}
	if len(a.Deployed) == 0 && a.Version != "" { // of a release that kept the last one alone
		a.Deployed = []consent.Version{a.Version}
	}
	return a, cmp.Or(c.err, placed(item, catalogueKey(), r.Version))
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
	return s.write(ctx, row, s.announce(before, after))
}

// Deployed is Announce where nothing is told: of a catalogue in which customers notice no change, or that is announced later.
func (s *Store) Deployed(ctx context.Context, before, after Announced) error {
	return s.unaudited(ctx, "recording the catalogue that is deployed", s.announce(before, after))
}

func (s *Store) announce(before, after Announced) op {
	after.Revision = before.Revision + 1
	still := isNew
	if before.Revision > 0 {
		still = cond{text: "version = :ver", values: dynamo.Item{":ver": dynamo.N(before.Revision)}}
	}
	return put(s.control, encodeAnnounced(after), still, always(dynamo.ErrStale))
}
