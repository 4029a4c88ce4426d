package apigw

import (
	"errors"
	"net/http"
	"strconv"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
	"latchkey/shared/product"
)

// The errors that an authorizer returns in place of an answer.
var (
	// ErrUnauthorized makes API Gateway answer 401, for exactly this message.
	ErrUnauthorized = errors.New("Unauthorized") //nolint:staticcheck,revive // API Gateway's word
	// ErrUnavailable makes it answer 503, as every other error does.
	ErrUnavailable = errors.New("Unavailable") //nolint:staticcheck,revive // in its sibling's style
)

// overLimitKey is a usage identifier that no API key has, so that the gateway answers INVALID_API_KEY: 429.
const overLimitKey = "over-limit"

// Status is the status that the gateway sends for a code. A code that is unknown here is a breakdown.
func Status(code authz.Code) int {
	switch code.Class() {
	case authz.ClassPass:
		return http.StatusOK
	case authz.ClassCredential:
		return http.StatusUnauthorized
	case authz.ClassPermission:
		return http.StatusForbidden
	case authz.ClassLimit:
		return http.StatusTooManyRequests
	default:
		return http.StatusServiceUnavailable
	}
}

// Grant names the key, account and product of an allowed call.
type Grant struct {
	Key     apikey.ID
	Account account.ID
	Product product.ID
}

// Allow appends the answer that lets a call through to every method of the stage: the ARN of one method may be too long for
// a policy. That is safe only while the gateway caches no answers. usageKey is the value of the stack's one API key.
func Allow(b []byte, stage, usageKey string, caller Grant) []byte {
	b = policy(b, "Allow", stage, string(caller.Key))
	b = appendMember(b, `,"usageIdentifierKey":`, usageKey)
	b = appendMember(b, `,"context":{"keyId":`, string(caller.Key))
	b = appendMember(b, `,"accountId":`, string(caller.Account))
	b = appendMember(b, `,"product":`, string(caller.Product))
	return append(b, "}}"...)
}

// Deny appends the answer that refuses a call with 403, its code and what helps.
func Deny(b []byte, stage string, key apikey.ID, code authz.Code) []byte {
	b = policy(b, "Deny", stage, string(key))
	b = appendMember(b, `,"context":{"code":`, string(code))
	b = appendDetail(b, code)
	return append(b, "}}"...)
}

// appendDetail writes the context's detail, a sentence of our own that a JSON body can hold as it is.
func appendDetail(b []byte, code authz.Code) []byte {
	b = append(b, `,"detail":"`...)
	b = append(b, Detail(code)...)
	return append(b, '"')
}

// Limited holds the details of a 429 beside its code.
type Limited struct {
	Class      product.Class
	Account    bool // the limit is the account's, over all its keys
	QPS        int
	RetryAfter int // whole seconds
	Quota      Quota
}

// Quota is one that is used up. The zero Quota is none: the limit of calls a second refuses.
type Quota struct {
	Key     bool // it is the key's cap
	Group   product.Group
	Calls   int64
	Period  string // day or month
	Seconds int    // of the period
}

func (l Limited) code() authz.Code {
	if l.Quota != (Quota{}) {
		return authz.QuotaExceeded
	}
	return authz.QPSExceeded
}

// OverLimit appends the answer that refuses a call with 429: it is allowed under a usage identifier that no API key has.
// rateLimit and rateLimitPolicy are values of the RateLimit and RateLimit-Policy headers; they go into headers alone. The
// limit has the name of its class there, with "account." before it where it is the account's.
func OverLimit(b []byte, stage string, key apikey.ID, l Limited) []byte {
	b = policy(b, "Allow", stage, string(key))
	b = appendMember(b, `,"usageIdentifierKey":`, overLimitKey)
	b = appendMember(b, `,"context":{"code":`, string(l.code()))
	b = appendDetail(b, l.code())
	b = append(b, `,"retryAfter":"`...)
	b = strconv.AppendInt(b, int64(l.RetryAfter), 10)
	b = append(b, `","rateLimit":"\"`...)
	if l.code() == authz.QuotaExceeded {
		b = appendQuota(b, l.Quota)
	} else {
		b = appendLimit(b, l)
	}
	b = append(b, `\";r=0;t=`...)
	b = strconv.AppendInt(b, int64(l.RetryAfter), 10)
	b = append(b, `","rateLimitPolicy":"\"`...)
	b = appendLimit(b, l)
	b = append(b, `\";q=`...)
	b = strconv.AppendInt(b, int64(l.QPS), 10)
	b = append(b, `;w=1`...)
	if l.code() == authz.QuotaExceeded {
		b = append(b, `, \"`...)
		b = appendQuota(b, l.Quota)
		b = append(b, `\";q=`...)
		b = strconv.AppendInt(b, l.Quota.Calls, 10)
		b = append(b, `;w=`...)
		b = strconv.AppendInt(b, int64(l.Quota.Seconds), 10)
	}
	return append(b, `"}}`...)
}

// appendQuota writes the name of a quota's policy: its group and period, with "key." before them where it is the key's cap.
func appendQuota(b []byte, q Quota) []byte {
	if q.Key {
		b = append(b, "key."...)
	}
	b = appendSafe(b, string(q.Group))
	b = append(b, '.')
	return appendSafe(b, q.Period)
}

func appendLimit(b []byte, l Limited) []byte {
	if l.Account {
		b = append(b, "account."...)
	}
	return appendSafe(b, string(l.Class))
}

// policy begins an answer: principal and policy document.
func policy(b []byte, effect, stage, principal string) []byte {
	if principal == "" {
		principal = "none"
	}
	b = appendMember(b, `{"principalId":`, principal)
	b = append(b, `,"policyDocument":{"Version":"2012-10-17","Statement":[{"Action":"execute-api:Invoke","Effect":"`...)
	b = append(b, effect...)
	b = append(b, `","Resource":"`...)
	b = append(b, stage...) // plain: Decode saw to it
	return append(b, `/*"}]}`...)
}

// appendMember is one piece of code for all members: as parts of each answer they are 1.5 kB, which a call finds in no cache.
//
//go:noinline
func appendMember(b []byte, before, value string) []byte {
	b = append(b, before...)
	b = append(b, '"')
	b = appendSafe(b, value)
	return append(b, '"')
}

// appendSafe writes a value of the context. The gateway puts these into JSON bodies without escaping, so whatever is
// not a letter, a digit or one of "._-" is written as "-".
func appendSafe(b []byte, value string) []byte {
	start := len(b)
	b = append(b, value...)
	for i, c := range b[start:] {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '_', c == '-':
		default:
			b[start+i] = '-'
		}
	}
	return b
}
