package control

import (
	"cmp"
	"fmt"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/consent"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/rotation"
)

type keyRecord struct {
	ID          string   `dynamodbav:"id"`
	Account     string   `dynamodbav:"account"`
	AccountType string   `dynamodbav:"account_type"`
	Version     int64    `dynamodbav:"version"`
	Name        string   `dynamodbav:"name"`
	Labels      []string `dynamodbav:"labels,omitempty"`
	Usage       string   `dynamodbav:"usage"`
	BillingType string   `dynamodbav:"billing_type"`
	Products    []string `dynamodbav:"products,omitempty"`
	// A release that doesn't know them drops them when it writes the key: then its products are open as they stood at first.
	Consents      []consentRecord `dynamodbav:"product_paths,omitempty"`
	Domains       []string        `dynamodbav:"domains,omitempty"`
	Networks      []string        `dynamodbav:"networks,omitempty"`
	Apps          []string        `dynamodbav:"apps,omitempty"`
	MissingOrigin string          `dynamodbav:"missing_origin"`
	OriginChosen  bool            `dynamodbav:"missing_origin_chosen,omitempty"`
	HeaderOnly    bool            `dynamodbav:"header_only,omitempty"`
	Recoverable   bool            `dynamodbav:"recoverable,omitempty"`

	Current  storedRecord    `dynamodbav:"current_secret"`
	Outgoing *outgoingRecord `dynamodbav:"outgoing_secret,omitempty"`
	Retired  []retiredRecord `dynamodbav:"retired_secrets,omitempty"`

	CreatedAt string         `dynamodbav:"created_at"`
	CreatedBy *subjectRecord `dynamodbav:"created_by,omitempty"`
	UpdatedAt string         `dynamodbav:"updated_at,omitempty"`
	RotatedAt string         `dynamodbav:"rotated_at,omitempty"`
	ExpiresAt string         `dynamodbav:"expires_at,omitempty"`
	Disabled  bool           `dynamodbav:"disabled,omitempty"`
	Blocked   *blockRecord   `dynamodbav:"blocked,omitempty"`
	RevokedAt string         `dynamodbav:"revoked_at,omitempty"`
	DeletedAt string         `dynamodbav:"deleted_at,omitempty"`
	Freed     bool           `dynamodbav:"place_freed,omitempty"`

	Limits   []limitRecord   `dynamodbav:"limits,omitempty"`
	Caps     []capRecord     `dynamodbav:"caps,omitempty"`
	Rotation *policyRecord   `dynamodbav:"rotation_policy,omitempty"`
	Delivery *deliveryRecord `dynamodbav:"handover,omitempty"`
	Proposed *proposedRecord `dynamodbav:"proposed,omitempty"`
}

// storedRecord holds a secret's hash, never the secret; Sealed is its ciphertext.
type storedRecord struct {
	Hash      string `dynamodbav:"hash"`
	Preview   string `dynamodbav:"preview"`
	CreatedAt string `dynamodbav:"created_at"`
	Sealed    []byte `dynamodbav:"sealed,omitempty"`
	// A release that doesn't know it drops it when it writes the key: then the secret works until it is reported again.
	Exposed *exposureRecord `dynamodbav:"exposed,omitempty"`
}

type outgoingRecord struct {
	Stored    storedRecord `dynamodbav:"secret"`
	EndsAt    string       `dynamodbav:"ends_at"`
	Cancelled bool         `dynamodbav:"cancelled,omitempty"`
	Reason    string       `dynamodbav:"reason,omitempty"`
}

type retiredRecord struct {
	Hash    string `dynamodbav:"hash"`
	EndedAt string `dynamodbav:"ended_at"`
}

type blockRecord struct {
	Reason string `dynamodbav:"reason"`
	At     string `dynamodbav:"blocked_at"`
	Until  string `dynamodbav:"blocked_until,omitempty"`
	By     string `dynamodbav:"blocked_by"`
}

type limitRecord struct {
	Class  string `dynamodbav:"class"`
	QPS    int    `dynamodbav:"qps"`
	EndsAt string `dynamodbav:"ends_at,omitempty"`
	Then   int    `dynamodbav:"then,omitempty"`
	// A release that doesn't know these two drops them when it writes the key: no more is lost than the way back up.
	Granted int `dynamodbav:"granted,omitempty"`
	Lent    int `dynamodbav:"lent,omitempty"`
}

type capRecord struct {
	Group string `dynamodbav:"group"`
	Day   int64  `dynamodbav:"day"`
	Since string `dynamodbav:"since,omitempty"`
}

type policyRecord struct {
	EveryDays        int            `dynamodbav:"every_days"`
	NotifyDaysBefore int            `dynamodbav:"notify_days_before"`
	Principal        string         `dynamodbav:"principal,omitempty"`
	SetBy            *subjectRecord `dynamodbav:"principal_set_by,omitempty"`
	AnnouncedFor     string         `dynamodbav:"announced_for,omitempty"`
}

type deliveryRecord struct {
	Reader  string `dynamodbav:"reader,omitempty"`
	Name    string `dynamodbav:"secret_name,omitempty"`
	Due     bool   `dynamodbav:"due,omitempty"`
	Version string `dynamodbav:"version_id,omitempty"`
	RetryAt string `dynamodbav:"retry_at,omitempty"`
}

// proposedRecord tells "not proposed" from "proposed to be empty" by the two flags.
type proposedRecord struct {
	HasDomains  bool            `dynamodbav:"has_domains"`
	Domains     []string        `dynamodbav:"domains,omitempty"`
	HasNetworks bool            `dynamodbav:"has_networks,omitempty"`
	Networks    []string        `dynamodbav:"networks,omitempty"`
	HasApps     bool            `dynamodbav:"has_apps,omitempty"`
	Apps        []string        `dynamodbav:"apps,omitempty"`
	HasProducts bool            `dynamodbav:"has_products"`
	Products    []string        `dynamodbav:"products,omitempty"`
	Consents    []consentRecord `dynamodbav:"product_paths,omitempty"`
	Since       string          `dynamodbav:"since,omitempty"`
}

func encodeKey(k apikey.Key) dynamo.Item {
	r := keyRecord{
		ID: string(k.ID), Account: string(k.Account), AccountType: string(k.AccountType), Version: k.Version,
		Name: k.Name, Labels: k.Labels, Usage: string(k.Usage), BillingType: string(k.BillingType), Products: texts(k.Products),
		Domains: k.Domains, Networks: k.Networks, Apps: k.Apps, MissingOrigin: string(k.MissingOrigin), HeaderOnly: k.HeaderOnly, Recoverable: k.Recoverable,
		Current: recordOfStored(k.Current), CreatedAt: moment.Format(k.CreatedAt), UpdatedAt: moment.Format(k.UpdatedAt),
		CreatedBy: recordOfSubject(k.CreatedBy), RotatedAt: moment.Format(k.RotatedAt), ExpiresAt: moment.Format(k.ExpiresAt), Disabled: k.Disabled,
		RevokedAt: moment.Format(k.RevokedAt), DeletedAt: moment.Format(k.DeletedAt), Freed: k.PlaceFreed, OriginChosen: k.OriginChosen, Consents: recordsOfConsents(k.Consents),
	}
	if o := k.Outgoing; o != nil {
		r.Outgoing = &outgoingRecord{Stored: recordOfStored(o.StoredSecret), EndsAt: moment.Format(o.EndsAt), Cancelled: o.Cancelled, Reason: o.Reason}
	}
	for _, old := range k.Retired {
		r.Retired = append(r.Retired, retiredRecord{Hash: old.Hash.String(), EndedAt: moment.Format(old.EndedAt)})
	}
	if b := k.Blocked; b != nil {
		r.Blocked = &blockRecord{Reason: b.Reason, At: moment.Format(b.At), Until: moment.Format(b.Until), By: b.By}
	}
	for _, l := range k.Limits {
		r.Limits = append(r.Limits, limitRecord{Class: string(l.Class), QPS: l.QPS, EndsAt: moment.Format(l.EndsAt), Then: l.Then, Granted: l.Granted, Lent: l.Lent})
	}
	for _, c := range k.Caps {
		r.Caps = append(r.Caps, capRecord{Group: string(c.Group), Day: c.Day, Since: moment.Format(c.Since)})
	}
	if p := k.Rotation; p != nil {
		r.Rotation = &policyRecord{
			EveryDays: p.EveryDays, NotifyDaysBefore: p.NotifyDaysBefore, Principal: p.Principal, AnnouncedFor: moment.Format(p.AnnouncedFor),
			SetBy: recordOfSubject(p.SetBy),
		}
	}
	if h := k.Delivery; h != (apikey.Delivery{}) {
		r.Delivery = &deliveryRecord{Reader: h.Reader, Name: h.Name, Due: h.Due, Version: h.Version, RetryAt: moment.Format(h.RetryAt)}
	}
	if p := k.Proposed; p != nil {
		r.Proposed = recordOfProposal(*p)
	}
	gpk, gsk := keyIndex(k)
	item := encode(keyKey(k.Account, k.ID), "key", r, gpk, gsk)
	if len(k.Networks) > 0 || len(k.Apps) > 0 || len(k.Caps) > 0 {
		item["v"] = dynamo.N(formatCaller)
	}
	named(item, k)
	return item
}

// keyIndex indexes a key by what is to be done with it next: purged, or looked at by the rotator.
func keyIndex(k apikey.Key) (gpk, gsk string) {
	if !k.DeletedAt.IsZero() {
		return gPurge, moment.Format(k.DeletedAt) + "#" + string(k.ID)
	}
	if task, at := rotation.Next(k); task != rotation.Nothing {
		return gDue, moment.Format(at) + "#" + string(k.ID)
	}
	return "", ""
}

func recordOfProposal(p apikey.Proposal) *proposedRecord {
	r := &proposedRecord{Since: moment.Format(p.Since), Consents: recordsOfConsents(p.Consents)}
	if p.Domains != nil {
		r.HasDomains, r.Domains = true, *p.Domains
	}
	if p.Networks != nil {
		r.HasNetworks, r.Networks = true, *p.Networks
	}
	if p.Apps != nil {
		r.HasApps, r.Apps = true, *p.Apps
	}
	if p.Products != nil {
		r.HasProducts, r.Products = true, texts(*p.Products)
	}
	return r
}

func recordOfStored(s apikey.StoredSecret) storedRecord {
	return storedRecord{
		Hash: s.Hash.String(), Preview: s.Preview, CreatedAt: moment.Format(s.CreatedAt), Sealed: s.Sealed, Exposed: recordOfExposure(s.Exposed),
	}
}

// DecodeKey reads a key as the table and its stream hold it. [dynamo.ErrUnreadable] for anything else.
func DecodeKey(item dynamo.Item) (apikey.Key, error) {
	var r keyRecord
	format := int64(recordFormat)
	if v, _ := dynamo.GetN(item, "v"); v == formatCaller {
		format = formatCaller
	}
	if err := decodeFormat(item, "key", format, &r); err != nil {
		return apikey.Key{}, err
	}
	if format == formatCaller && len(r.Networks) == 0 && len(r.Apps) == 0 && len(r.Caps) == 0 {
		return apikey.Key{}, fmt.Errorf("%w: a key without the lists that its format has", dynamo.ErrUnreadable)
	}
	d := keyDecoder{}
	k := apikey.Key{
		ID: apikey.ID(r.ID), Account: account.ID(r.Account), AccountType: account.Type(r.AccountType), Version: r.Version,
		Name: r.Name, Labels: r.Labels, Usage: apikey.ClientKind(r.Usage), BillingType: apikey.BillingType(r.BillingType),
		Products: fromTexts[product.ID](r.Products), Domains: r.Domains, Networks: r.Networks, Apps: r.Apps, MissingOrigin: apikey.MissingOrigin(r.MissingOrigin),
		HeaderOnly: r.HeaderOnly, Recoverable: r.Recoverable, Current: d.stored(r.Current),
		CreatedAt: d.read(r.CreatedAt), CreatedBy: r.CreatedBy.subject(), UpdatedAt: d.read(r.UpdatedAt), RotatedAt: d.read(r.RotatedAt),
		ExpiresAt: d.read(r.ExpiresAt), Disabled: r.Disabled, RevokedAt: d.read(r.RevokedAt), DeletedAt: d.read(r.DeletedAt),
		PlaceFreed: r.Freed, OriginChosen: r.OriginChosen, Consents: d.consents(r.Consents),
	}
	if o := r.Outgoing; o != nil {
		k.Outgoing = &apikey.Outgoing{StoredSecret: d.stored(o.Stored), EndsAt: d.read(o.EndsAt), Cancelled: o.Cancelled, Reason: o.Reason}
	}
	for _, old := range r.Retired {
		k.Retired = append(k.Retired, apikey.Retired{Hash: d.hash(old.Hash), EndedAt: d.read(old.EndedAt)})
	}
	if b := r.Blocked; b != nil {
		k.Blocked = &apikey.Block{Reason: b.Reason, At: d.read(b.At), Until: d.read(b.Until), By: b.By}
	}
	for _, l := range r.Limits {
		k.Limits = append(k.Limits, apikey.Limit{Class: product.Class(l.Class), QPS: l.QPS, EndsAt: d.read(l.EndsAt), Then: l.Then, Granted: l.Granted, Lent: l.Lent})
	}
	for _, c := range r.Caps {
		k.Caps = append(k.Caps, apikey.Cap{Group: product.Group(c.Group), Day: c.Day, Since: d.read(c.Since)})
	}
	if p := r.Rotation; p != nil {
		k.Rotation = &apikey.RotationPolicy{
			EveryDays: p.EveryDays, NotifyDaysBefore: p.NotifyDaysBefore, Principal: p.Principal, AnnouncedFor: d.read(p.AnnouncedFor),
			SetBy: p.SetBy.subject(),
		}
	}
	if h := r.Delivery; h != nil {
		k.Delivery = apikey.Delivery{Reader: h.Reader, Name: h.Name, Due: h.Due, Version: h.Version, RetryAt: d.read(h.RetryAt)}
	}
	if p := r.Proposed; p != nil {
		k.Proposed = d.proposal(*p)
	}
	return k, cmp.Or(d.err, placed(item, keyKey(k.Account, k.ID), k.Version))
}

type keyDecoder struct{ clock }

func (d *keyDecoder) hash(text string) apikey.Hash {
	h, err := apikey.ParseHash(text)
	if err != nil && d.err == nil {
		d.err = fmt.Errorf("%w: %w", dynamo.ErrUnreadable, err)
	}
	return h
}

func (d *keyDecoder) consents(records []consentRecord) consent.List {
	list, err := consentsOf(records)
	if err != nil && d.err == nil {
		d.err = err
	}
	return list
}

func (d *keyDecoder) stored(r storedRecord) apikey.StoredSecret {
	return apikey.StoredSecret{
		Hash: d.hash(r.Hash), Preview: r.Preview, CreatedAt: d.read(r.CreatedAt), Sealed: r.Sealed, Exposed: d.exposure(r.Exposed),
	}
}

func (d *keyDecoder) proposal(r proposedRecord) *apikey.Proposal {
	p := &apikey.Proposal{Since: d.read(r.Since), Consents: d.consents(r.Consents)}
	if r.HasDomains {
		p.Domains = &r.Domains
	}
	if r.HasNetworks {
		p.Networks = &r.Networks
	}
	if r.HasApps {
		p.Apps = &r.Apps
	}
	if r.HasProducts {
		products := fromTexts[product.ID](r.Products)
		p.Products = &products
	}
	return p
}

func texts[T ~string](list []T) []string {
	if len(list) == 0 {
		return nil
	}
	out := make([]string, len(list))
	for i, t := range list {
		out[i] = string(t)
	}
	return out
}

func fromTexts[T ~string](list []string) []T {
	if len(list) == 0 {
		return nil
	}
	out := make([]T, len(list))
	for i, t := range list {
		out[i] = T(t)
	}
	return out
}

// dueBefore is the upper end of the due list at a time: all that is due then, and nothing later.
func dueBefore(now time.Time) string { return moment.Format(now.Add(time.Millisecond)) }
