package control

import (
	"cmp"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
)

// recordFormat is the version of the records of the control table.
const recordFormat = 1

// formatCaller is that of keys with networks, apps or caps. A release that doesn't know them would drop them when it writes the key,
// and so open it to everybody, or without a bound: this way it can't read such keys.
const formatCaller = 2

// encode writes a record's fields, its kind and the item's key into one item. A gpk of "" keeps it out of the index.
func encode(key dynamo.Item, kind string, record any, gpk, gsk string) dynamo.Item {
	item, err := attributevalue.MarshalMap(record)
	if err != nil {
		panic("control: a record type that can't be marshalled: " + err.Error()) // a mistake in this package, found by any test
	}
	item["pk"], item["sk"] = key["pk"], key["sk"]
	item["kind"], item["v"] = dynamo.S(kind), dynamo.N(recordFormat)
	if gpk != "" {
		item["gpk"], item["gsk"] = dynamo.S(gpk), dynamo.S(gsk)
	}
	return item
}

// decode reads a record of a kind and refuses any other.
func decode(item dynamo.Item, kind string, record any) error {
	return decodeFormat(item, kind, recordFormat, record)
}

func decodeFormat(item dynamo.Item, kind string, format int64, record any) error {
	v, _ := dynamo.GetN(item, "v")
	if text(item, "kind") != kind || v != format {
		return fmt.Errorf("%w: not a record of kind %s", dynamo.ErrUnreadable, kind)
	}
	if err := attributevalue.UnmarshalMap(item, record); err != nil {
		return fmt.Errorf("%w: %s: %w", dynamo.ErrUnreadable, kind, err)
	}
	return nil
}

// placed checks that a record is the one that stands where it was read, and has a version, without which nothing that is decided
// on it can be written: each try would find that it has changed, also one that ends something.
func placed(item, place dynamo.Item, version int64) error {
	if text(item, "pk") != text(place, "pk") || text(item, "sk") != text(place, "sk") {
		return fmt.Errorf("%w: a record of another place", dynamo.ErrUnreadable)
	}
	if version < 1 {
		return fmt.Errorf("%w: a record without a version", dynamo.ErrUnreadable)
	}
	return nil
}

// unversioned is for records that have none.
const unversioned = 1

// clock reads texts of times and remembers the first that is none.
type clock struct{ err error }

func (c *clock) read(text string) time.Time {
	t, err := dynamo.ParseTime(text)
	if err != nil && c.err == nil {
		c.err = fmt.Errorf("%w: %w", dynamo.ErrUnreadable, err)
	}
	return t
}

type accountRecord struct {
	ID          string `dynamodbav:"id"`
	Name        string `dynamodbav:"name"`
	Type        string `dynamodbav:"account_type"`
	KeyLimit    int    `dynamodbav:"key_limit"`
	CreatedAt   string `dynamodbav:"created_at"`
	ClosedAt    string `dynamodbav:"closed_at,omitempty"`
	Version     int64  `dynamodbav:"version"`
	PendingType string `dynamodbav:"pending_type,omitempty"`
	Closing     bool   `dynamodbav:"closing,omitempty"`
	Unreadable  int    `dynamodbav:"unreadable_keys,omitempty"`
	Operation   string `dynamodbav:"operation,omitempty"`

	OpenedBy *subjectRecord `dynamodbav:"opened_by,omitempty"`

	Accepted []consentRecord `dynamodbav:"accepted_paths,omitempty"`

	Limits []accountLimitRecord `dynamodbav:"account_limits,omitempty"`
	Quotas []accountQuotaRecord `dynamodbav:"account_quotas,omitempty"`
	// A release that doesn't know it drops it when it writes the account: the numbers were then always there.
	QuotaTimes []quotaTimeRecord `dynamodbav:"account_quota_times,omitempty"`

	Leaks *leakRecord `dynamodbav:"leak_policy,omitempty"`

	// What the account asks of its keys. A release that doesn't know it drops it when it writes the account.
	FrontendRestricted bool `dynamodbav:"frontend_restricted,omitempty"`
	LifetimeDays       int  `dynamodbav:"max_lifetime_days,omitempty"`

	SuspendedAt     string `dynamodbav:"suspended_at,omitempty"`
	SuspendedUntil  string `dynamodbav:"suspended_until,omitempty"`
	SuspendedReason string `dynamodbav:"suspended_reason,omitempty"`
	SuspendedBy     string `dynamodbav:"suspended_by,omitempty"`
}

type accountLimitRecord struct {
	Class string `dynamodbav:"class"`
	QPS   int    `dynamodbav:"qps"`
}

func recordsOfAccountLimits(limits account.Limits) []accountLimitRecord {
	records := make([]accountLimitRecord, len(limits))
	for i, l := range limits {
		records[i] = accountLimitRecord(l)
	}
	return records
}

func accountLimitsOf(records []accountLimitRecord) (limits account.Limits) {
	for _, r := range records {
		limits = append(limits, account.Limit(r))
	}
	return limits
}

type accountQuotaRecord struct {
	Billing string `dynamodbav:"billing_type"`
	Group   string `dynamodbav:"group"`
	Day     int64  `dynamodbav:"day,omitempty"`
	Month   int64  `dynamodbav:"month,omitempty"`
}

func recordsOfAccountQuotas(quotas account.Quotas) []accountQuotaRecord {
	records := make([]accountQuotaRecord, len(quotas))
	for i, q := range quotas {
		records[i] = accountQuotaRecord(q)
	}
	return records
}

func accountQuotasOf(records []accountQuotaRecord) (quotas account.Quotas) {
	for _, r := range records {
		quotas = append(quotas, account.Quota(r))
	}
	return quotas
}

type quotaTimeRecord struct {
	Billing string `dynamodbav:"billing_type"`
	Group   string `dynamodbav:"group"`
	Since   string `dynamodbav:"since,omitempty"`
	Day     string `dynamodbav:"day_set,omitempty"`
	Month   string `dynamodbav:"month_set,omitempty"`
}

func recordsOfQuotaTimes(times account.QuotaTimes) []quotaTimeRecord {
	records := make([]quotaTimeRecord, len(times))
	for i, t := range times {
		records[i] = quotaTimeRecord{t.Billing, t.Group, moment.Format(t.Since), moment.Format(t.Day), moment.Format(t.Month)}
	}
	return records
}

func (c *clock) quotaTimes(records []quotaTimeRecord) (times account.QuotaTimes) {
	for _, r := range records {
		times = append(times, account.QuotaTime{Billing: r.Billing, Group: r.Group, Since: c.read(r.Since), Day: c.read(r.Day), Month: c.read(r.Month)})
	}
	return times
}

type subjectRecord struct {
	Issuer string `dynamodbav:"issuer"`
	ID     string `dynamodbav:"subject"`
}

func recordOfSubject(s account.Subject) *subjectRecord {
	if s == (account.Subject{}) {
		return nil
	}
	return &subjectRecord{Issuer: s.Issuer, ID: s.ID}
}

func (r *subjectRecord) subject() account.Subject {
	if r == nil {
		return account.Subject{}
	}
	return account.Subject{Issuer: r.Issuer, ID: r.ID}
}

func encodeAccount(a account.Account) dynamo.Item {
	return encode(accountKey(a.ID), "account", accountRecord{
		ID: string(a.ID), Name: a.Name, Type: string(a.Type), KeyLimit: a.KeyLimit, CreatedAt: moment.Format(a.CreatedAt),
		ClosedAt: moment.Format(a.ClosedAt), Version: a.Version, PendingType: string(a.PendingType), Closing: a.Closing,
		Unreadable: a.UnreadableKeys,
		Operation:  a.Operation,
		OpenedBy:   recordOfSubject(a.OpenedBy),
		Accepted:   recordsOfConsents(a.Accepted),
		Limits:     recordsOfAccountLimits(a.Limits),
		Quotas:     recordsOfAccountQuotas(a.Quotas),
		QuotaTimes: recordsOfQuotaTimes(a.QuotaTimes),
		Leaks:      recordOfLeaks(a.Leaks),

		FrontendRestricted: a.Rules.FrontendRestricted, LifetimeDays: a.Rules.LifetimeDays,

		SuspendedAt: moment.Format(a.Suspended.At), SuspendedUntil: moment.Format(a.Suspended.Until),
		SuspendedReason: a.Suspended.Reason, SuspendedBy: a.Suspended.By,
	}, gAccounts, PlaceByName(a))
}

func decodeAccount(item dynamo.Item) (account.Account, error) {
	var r accountRecord
	if err := decode(item, "account", &r); err != nil {
		return account.Account{}, err
	}
	var c clock
	a := account.Account{
		ID: account.ID(r.ID), Name: r.Name, Type: account.Type(r.Type), KeyLimit: r.KeyLimit,
		CreatedAt: c.read(r.CreatedAt), ClosedAt: c.read(r.ClosedAt), Version: r.Version,
		PendingType: account.Type(r.PendingType), Closing: r.Closing, UnreadableKeys: r.Unreadable,
		Operation: r.Operation, OpenedBy: r.OpenedBy.subject(), Limits: accountLimitsOf(r.Limits), Quotas: accountQuotasOf(r.Quotas), QuotaTimes: c.quotaTimes(r.QuotaTimes), Leaks: r.Leaks.policy(),
		Rules: account.Rules{FrontendRestricted: r.FrontendRestricted, LifetimeDays: r.LifetimeDays},
		Suspended: account.Suspension{
			Reason: r.SuspendedReason, By: r.SuspendedBy, At: c.read(r.SuspendedAt), Until: c.read(r.SuspendedUntil),
		},
	}
	var err error
	if a.Accepted, err = consentsOf(r.Accepted); err != nil {
		return a, err
	}
	return a, cmp.Or(c.err, placed(item, accountKey(a.ID), a.Version))
}

type memberRecord struct {
	Account string `dynamodbav:"account"`
	Issuer  string `dynamodbav:"issuer"`
	Subject string `dynamodbav:"subject"`
	Email   string `dynamodbav:"email"`
	Label   string `dynamodbav:"label,omitempty"`
	Role    string `dynamodbav:"member_role"`
	AddedAt string `dynamodbav:"added_at"`
	RoleAt  string `dynamodbav:"role_at,omitempty"`
	Version int64  `dynamodbav:"version"`
}

func recordOfMember(m account.Member) memberRecord {
	return memberRecord{
		Account: string(m.Account), Issuer: m.Subject.Issuer, Subject: m.Subject.ID, Email: m.Email, Label: m.Label,
		Role: string(m.Role), AddedAt: moment.Format(m.AddedAt), RoleAt: moment.Format(m.RoleAt), Version: m.Version,
	}
}

func encodeMember(m account.Member) dynamo.Item {
	gpk, gsk := "", ""
	if m.Email != "" {
		gpk, gsk = gEmail(m.Email), string(m.Account)+"#"+subjectText(m.Subject)
	}
	return encode(memberKey(m.Account, m.Subject), "member", recordOfMember(m), gpk, gsk)
}

// encodeMirror is the membership as its person's partition holds it.
func encodeMirror(m account.Member) dynamo.Item {
	return encode(mirrorKey(m.Account, m.Subject), "membership", recordOfMember(m), "", "")
}

func decodeMember(item dynamo.Item, kind string) (account.Member, error) {
	var r memberRecord
	if err := decode(item, kind, &r); err != nil {
		return account.Member{}, err
	}
	var c clock
	m := account.Member{
		Account: account.ID(r.Account), Subject: account.Subject{Issuer: r.Issuer, ID: r.Subject}, Email: r.Email, Label: r.Label,
		Role: account.Role(r.Role), AddedAt: c.read(r.AddedAt), RoleAt: c.read(r.RoleAt), Version: r.Version,
	}
	place := memberKey(m.Account, m.Subject)
	if kind == "membership" {
		place = mirrorKey(m.Account, m.Subject)
	}
	return m, cmp.Or(c.err, placed(item, place, m.Version))
}
