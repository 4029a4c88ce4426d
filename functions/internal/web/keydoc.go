package web

import (
	"cmp"
	"time"

	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/appid"
	"latchkey/shared/consent"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/rotation"
	"latchkey/shared/text"
)

// Used holds the times at which a key's secrets last made a call, to the minute; zero for never.
type Used struct {
	Previous time.Time // the last call that was allowed with the outgoing secret
	Refused  time.Time // the last call that was refused, with any secret of the key
	Allowed  time.Time // the last call that was allowed, also with a secret that has ended since
	Known    bool      // false where the counters can't be read: then the times say nothing
}

// View holds the inputs of a key's document beside the key.
type View struct {
	Now      time.Time
	Used     Used
	Operator bool // shows what only operators see
	Products product.Catalogue
	// Suspended says that the key's account is, Accepted what it has accepted for its keys.
	Suspended bool
	Accepted  consent.List
}

// In returns the view with what it needs to know of the key's account.
func (v View) In(a account.Account) View {
	v.Suspended, v.Accepted = a.Suspended.Holds(v.Now), a.Accepted
	return v
}

// MissingOrigin is the contract's word of a rule: the zero value denies, and is shown so.
func MissingOrigin(rule apikey.MissingOrigin) api.MissingOrigin {
	return cmp.Or(api.MissingOrigin(rule), api.Deny)
}

// KeyDoc renders a key. It can hold no secret: the type has no place for one.
func KeyDoc(k apikey.Key, v View) api.Key {
	doc := api.Key{
		Id: string(k.ID), AccountId: string(k.Account), Name: text.Shown(k.Name), Labels: texts(k.Labels), Usage: api.UsageKind(k.Usage),
		BillingType: api.BillingType(k.BillingType), Products: texts(k.Products), Domains: texts(k.Domains),
		Networks: texts(k.Networks), Apps: appDocs(k.Apps), Warnings: texts(k.Warned()), MissingOrigin: MissingOrigin(k.MissingOrigin), HeaderOnly: k.HeaderOnly, Recoverable: k.Recoverable,
		Preview: k.Current.Preview, Status: api.Status(k.StatusIn(v.Suspended, v.Now)), CreatedAt: moment.Of(k.CreatedAt), CreatedBy: StringPtr(k.CreatedBy.ID), UpdatedAt: moment.Of(k.UpdatedAt),
		ExpiresAt: TimePtr(k.ExpiresAt), Disabled: k.Disabled, RevokedAt: TimePtr(k.RevokedAt), DeletedAt: TimePtr(k.DeletedAt),
		RotatedAt: TimePtr(k.RotatedAt), Exposures: exposureDocs(k, v.Now), LastUsedAt: TimePtr(v.Used.Allowed), LastRefusedAt: TimePtr(v.Used.Refused), Limits: limitDocs(k, v), Quotas: capDocs(k), PendingPaths: pendingDocs(k, v), Version: k.Version,
	}
	if b := k.Blocked; b != nil {
		doc.Blocked = &api.Block{Reason: text.Shown(b.Reason), At: moment.Of(b.At), Until: TimePtr(b.Until)}
		if v.Operator && b.By != "" {
			doc.Blocked.By = ShownPtr(b.By)
		}
	}
	if rotation.Running(k, v.Now) {
		doc.PreviousPreview = &k.Outgoing.Preview
		doc.PreviousSecretExpiresAt = TimePtr(k.Outgoing.EndsAt)
		doc.PreviousSecretLastUsedAt = TimePtr(v.Used.Previous)
		doc.RotationCancelled = k.Outgoing.Cancelled
	}
	if len(doc.Exposures) > 0 {
		doc.ExposedAt = TimePtr(doc.Exposures[0].ExposedAt.Time)
	}
	if last := v.Used.Allowed; !last.IsZero() {
		age := max(int64(v.Now.Sub(last)/time.Second), 0)
		doc.LastUsedAgeSeconds = &age
	}
	if p := k.Rotation; p != nil {
		doc.RotationPolicy = &api.RotationPolicy{
			EveryDays: p.EveryDays, NotifyDaysBefore: p.NotifyDaysBefore, Principal: StringPtr(p.Principal), DeliveredAs: StringPtr(k.DeliveredAs()), NextDueAt: TimePtr(rotation.Due(k)),
		}
	}
	if p := k.Proposed; p != nil {
		doc.Proposed = &api.Proposal{Since: moment.Of(p.Since)}
		if p.Domains != nil {
			domains := texts(*p.Domains)
			doc.Proposed.Domains = &domains
		}
		if p.Networks != nil {
			networks := texts(*p.Networks)
			doc.Proposed.Networks = &networks
		}
		if p.Apps != nil {
			apps := appDocs(*p.Apps)
			doc.Proposed.Apps = &apps
		}
		if p.Products != nil {
			products := texts(*p.Products)
			doc.Proposed.Products = &products
		}
	}
	return doc
}

// appDocs lists apps. One that can't be read is left out: no release has written one, and the gate refuses such a key.
func appDocs(list []string) []api.App {
	docs := []api.App{}
	for _, text := range list {
		a, err := appid.ParseApp(text)
		if err != nil {
			continue
		}
		doc, name := api.App{Platform: string(a.Platform())}, a.Name()
		if a.Platform() == appid.Android {
			sha1 := a.SHA1()
			doc.Package, doc.Sha1 = &name, &sha1
		} else {
			doc.BundleId = &name
		}
		docs = append(docs, doc)
	}
	return docs
}

// exposureDocs lists the secrets of a key that are known to others and could still open something.
func exposureDocs(k apikey.Key, now time.Time) []api.Exposure {
	docs := []api.Exposure{}
	if !k.RevokedAt.IsZero() {
		return docs
	}
	add := func(role apikey.SecretRole, s apikey.StoredSecret) {
		if e := s.Exposed; !e.At.IsZero() {
			docs = append(docs, api.Exposure{
				Secret: string(role), Preview: s.Preview, ExposedAt: moment.Of(e.At), Source: string(e.By), Place: ShownPtr(e.Place),
				Refused: e.Refused(), RefusedAt: TimePtr(e.RefusedAt), Replaces: e.Replace, LiftedAt: TimePtr(e.LiftedAt), LiftReason: ShownPtr(e.LiftReason),
			})
		}
	}
	add(apikey.CurrentSecret, k.Current)
	if rotation.Running(k, now) {
		add(apikey.OutgoingSecret, k.Outgoing.StoredSecret)
	}
	return docs
}

// limitDocs lists what holds for each limit class of the key's products.
func limitDocs(k apikey.Key, v View) []api.Limit {
	docs := []api.Limit{}
	for _, id := range k.Products {
		p, ok := v.Products.Product(id)
		if !ok {
			continue // the catalogue dropped it
		}
		for _, class := range p.Classes {
			docs = append(docs, limitDoc(k, p.ID, class, v.Now))
		}
	}
	return docs
}

// capDocs lists the caps that the key's owner has set.
func capDocs(k apikey.Key) []api.KeyQuota {
	docs := make([]api.KeyQuota, len(k.Caps))
	for i, c := range k.Caps {
		docs[i] = api.KeyQuota{Group: string(c.Group), Day: c.Day}
	}
	return docs
}

// pendingDocs lists what the key's products have come to cover, and neither the key nor its account has agreed to. A key that is
// over opens nothing in any case.
func pendingDocs(k apikey.Key, v View) []api.PendingPaths {
	docs := []api.PendingPaths{}
	if k.Editable() != nil {
		return docs
	}
	for _, id := range k.Products {
		if paths := v.Products.Pending(id, k.Consents, v.Accepted); len(paths) > 0 {
			docs = append(docs, api.PendingPaths{Product: string(id), Version: string(v.Products.Version()), Paths: paths})
		}
	}
	return docs
}

func limitDoc(k apikey.Key, id product.ID, class product.LimitClass, now time.Time) api.Limit {
	own, standard := apikey.OwnLimit(k.Limits, class.ID), class.QPS[k.AccountType]
	doc := api.Limit{
		Class: string(class.ID), Product: string(id), Name: class.Name,
		Qps: cmp.Or(own.At(now), standard), DefaultQps: standard, FreeQps: own.Free(standard, now), MaxQps: class.MaxQPS,
	}
	if !own.EndsAt.IsZero() && !own.Ended(now) {
		then := cmp.Or(own.At(own.EndsAt), standard)
		doc.EndsAt, doc.ThenQps = TimePtr(own.EndsAt), &then
	}
	return doc
}

// KeyWithSecret renders a key with its secret, for the one answer that shows it; secret "" is a replay.
func KeyWithSecret(k apikey.Key, v View, secret apikey.Secret) api.KeyWithSecret {
	doc := api.KeyWithSecret{Key: KeyDoc(k, v)}
	if secret.IsZero() {
		unavailable := true
		doc.SecretUnavailable = &unavailable
		return doc
	}
	text := secret.Reveal()
	doc.Secret = &text
	return doc
}

// AccountDoc renders an account as one of its members, or an operator (role ""), sees it. A suspension that is over isn't
// shown.
func AccountDoc(a account.Account, role account.Role, now time.Time, products product.Catalogue) api.Account {
	doc := api.Account{
		Id: string(a.ID), Name: text.Shown(a.Name), Type: api.AccountType(a.Type), PendingType: StringPtr(string(a.PendingType)), KeyLimit: a.KeyLimit,
		Limits:    accountLimits(a, products),
		Quotas:    accountQuotas(a),
		CreatedAt: moment.Of(a.CreatedAt), Closing: a.Closing && a.ClosedAt.IsZero(), ClosedAt: TimePtr(a.ClosedAt),
		Role: StringPtr(string(role)), Version: a.Version,
	}
	if a.UnreadableKeys > 0 {
		doc.UnreadableKeys = &a.UnreadableKeys
	}
	if doc.Suspended = SuspensionDoc(a, now); doc.Suspended != nil && role == "" {
		doc.Suspended.By = ShownPtr(a.Suspended.By)
	}
	return doc
}

// accountLimits lists the limits over all keys of an account, in the catalogue's order, and behind them the numbers of classes that the catalogue has no more: these
// limit nothing until it has them again.
func accountLimits(a account.Account, products product.Catalogue) []api.AccountLimit {
	docs := []api.AccountLimit{}
	for _, p := range products.Products() {
		for _, class := range p.Classes {
			doc := api.AccountLimit{
				Class: string(class.ID), Product: string(p.ID), Name: class.Name, Qps: a.Limits.Of(string(class.ID)), SetBy: "operator", Enforced: new(true),
			}
			if standard := class.AccountQPS[a.Type]; standard != 0 {
				doc.DefaultQps = &standard
			}
			if doc.Qps == 0 && doc.DefaultQps != nil {
				doc.Qps, doc.SetBy = *doc.DefaultQps, "catalogue"
			}
			if doc.Qps != 0 {
				docs = append(docs, doc)
			}
		}
	}
	for _, own := range a.Limits {
		if _, _, known := products.Class(product.Class(own.Class)); !known {
			docs = append(docs, api.AccountLimit{Class: own.Class, Name: own.Class, Qps: own.QPS, SetBy: "operator", Enforced: new(false)})
		}
	}
	return docs
}

// accountQuotas lists the numbers that operators have set.
func accountQuotas(a account.Account) []api.AccountQuota {
	docs := make([]api.AccountQuota, len(a.Quotas))
	for i, q := range a.Quotas {
		docs[i] = api.AccountQuota{BillingType: q.Billing, Group: q.Group, Day: Calls(q.Day), Month: Calls(q.Month)}
	}
	return docs
}

// Calls renders a number of calls, nil for 0.
func Calls(n int64) *int64 {
	if n == 0 {
		return nil
	}
	return &n
}

// SuspensionDoc renders the suspension of an account as its members see it; nil if there is none.
func SuspensionDoc(a account.Account, now time.Time) *api.Suspension {
	s := a.Suspended
	if !s.Holds(now) {
		return nil
	}
	return &api.Suspension{Reason: text.Shown(s.Reason), At: moment.Of(s.At), Until: TimePtr(s.Until)}
}

// TimePtr renders a time, nil for the zero time.
func TimePtr(t time.Time) *api.MaybeTime {
	if t.IsZero() {
		return nil
	}
	at := moment.Of(t)
	return &at
}

// StringPtr renders a text, nil for "".
func StringPtr(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// ShownPtr returns a stored text that somebody typed, or that the issuer gave, as it is shown; "" as nil.
func ShownPtr(stored string) *string { return StringPtr(text.Shown(stored)) }

func texts[T ~string](list []T) []string {
	out := make([]string, len(list))
	for i, item := range list {
		out[i] = string(item)
	}
	return out
}
