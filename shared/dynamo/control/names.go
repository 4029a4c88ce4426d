package control

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/moment"
	"latchkey/shared/product"
	"latchkey/shared/qps"
)

// The names of all items, in one place. The account's ID is in the partition key of everything that a customer may
// touch, so a foreign ID can't be reached.

func itemKey(pk, sk string) dynamo.Item { return dynamo.Item{"pk": dynamo.S(pk), "sk": dynamo.S(sk)} }

func accountPK(id account.ID) string { return "A#" + string(id) }

func subjectText(s account.Subject) string { return s.Issuer + "|" + s.ID }

func subjectPK(s account.Subject) string { return "U#" + subjectText(s) }

const (
	accountSK   = "ACCOUNT"
	operatorSK  = "OPERATOR"
	locatorSK   = "KEY"
	inviteSK    = "INVITE"
	passSK      = "PASS"
	catalogueSK = "CATALOGUE"
	statementSK = "STATEMENT"
	keyCountSK  = "GUARD#keys"
	ownerSK     = "GUARD#owners"
	openedSK    = "GUARD#accounts"
	invitedSK   = "GUARD#invitations"
	operatorsPK = "OPERATORS"
	operatorsSK = "GUARD#operators"
	exposedSK   = "EXPOSED"
	suspendedSK = "SUSPENDED"

	memberPrefix  = "MEMBER#"
	keyPrefix     = "KEY#"
	auditPrefix   = "AUDIT#"
	invitePrefix  = "INVITE#"
	mirrorPrefix  = "A#"
	requestPrefix = "QPS#"
	openPrefix    = "QPSOPEN#"
	lookPrefix    = "LOOK#"
	locatorPrefix = "K#"

	thresholdPrefix = "REACHED#"
)

func accountKey(id account.ID) dynamo.Item { return itemKey(accountPK(id), accountSK) }

func memberKey(id account.ID, s account.Subject) dynamo.Item {
	return itemKey(accountPK(id), memberPrefix+subjectText(s))
}

func mirrorKey(id account.ID, s account.Subject) dynamo.Item {
	return itemKey(subjectPK(s), mirrorPrefix+string(id))
}

func operatorKey(s account.Subject) dynamo.Item { return itemKey(subjectPK(s), operatorSK) }

func keyKey(id account.ID, key apikey.ID) dynamo.Item {
	return itemKey(accountPK(id), keyPrefix+string(key))
}

func locatorKey(key apikey.ID) dynamo.Item { return itemKey(locatorPrefix+string(key), locatorSK) }

// placeOf is the primary key of an item.
func placeOf(item dynamo.Item) dynamo.Item { return dynamo.Item{"pk": item["pk"], "sk": item["sk"]} }

func exposedKey(key apikey.ID) dynamo.Item { return itemKey(locatorPrefix+string(key), exposedSK) }

func suspendedKey(id account.ID) dynamo.Item { return itemKey(accountPK(id), suspendedSK) }

func inviteKey(id account.ID, invitation string) dynamo.Item {
	return itemKey(accountPK(id), invitePrefix+invitation)
}

func inviteTokenKey(tokenHash apikey.Hash) dynamo.Item {
	return itemKey("I#"+tokenHash.String(), inviteSK)
}

// idempotencyKey is the place of a request in its account, or beside its person's memberships where it opened the account.
func idempotencyKey(id account.ID, operation string, s account.Subject, key string) dynamo.Item {
	pk := accountPK(id)
	if id == "" {
		pk = subjectPK(s)
	}
	sum := sha256.Sum256([]byte(key))
	return itemKey(pk, "IDEM#"+operation+"#"+subjectText(s)+"#"+base64.RawURLEncoding.EncodeToString(sum[:]))
}

func requestKey(id account.ID, request qps.RequestID) dynamo.Item {
	return itemKey(accountPK(id), requestPrefix+string(request))
}

func openRequestKey(id account.ID, key apikey.ID, class product.Class) dynamo.Item {
	return itemKey(accountPK(id), openRequestPrefix(key)+string(class))
}

func openRequestPrefix(key apikey.ID) string { return openPrefix + string(key) + "#" }

func operationKey(id account.ID, operation string) dynamo.Item {
	return itemKey(accountPK(id), "OPERATION#"+operation)
}

func catalogueKey() dynamo.Item { return itemKey("J#catalogue", catalogueSK) }

func passKey(job string) dynamo.Item { return itemKey("J#"+job, passSK) }

func lookKey(id account.ID, s account.Subject, hour time.Time) dynamo.Item {
	return itemKey(accountPK(id), lookPrefix+moment.Format(hour)+"#"+subjectText(s))
}

// listKey is of no account: the list is over all of them.
func listKey(list string, s account.Subject, hour time.Time) dynamo.Item {
	return itemKey(accountPK(Operators), lookPrefix+moment.Format(hour)+"#"+list+"#"+subjectText(s))
}

func auditSK(rowID string) string { return auditPrefix + strings.TrimPrefix(rowID, "aud_") }

// The partitions of the index.
const (
	gAccounts  = "ACCOUNTS"  // accounts by name
	gOperators = "OPERATORS" // operators by subject
	gDue       = "DUE"       // keys by the time at which the rotator has something to do
	gPurge     = "PURGE"     // deleted keys by the time of deletion
	gOpen      = "QPSOPEN"   // open QPS requests by age
	gBlocked   = "BLOCKED"   // locators of blocked keys, by the time of the block
	gExposed   = "EXPOSED"   // keys with an open exposure, by the time of its first report
	gSuspended = "SUSPENDED" // suspended accounts, by the end of the suspension
	gRunning   = "RUNNING"   // operations that aren't done, by age
)

// gEmail is the partition of an address, without regard to case, but no other person's beside an ASCII one: the Kelvin sign in lower case is k.
func gEmail(email string) string {
	return "EMAIL#" + strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); r < utf8.RuneSelf || lower >= utf8.RuneSelf {
			return lower
		}
		return r
	}, email)
}

func gKeyAudit(id account.ID, key apikey.ID) string { return "AK#" + string(id) + "#" + string(key) }

// cursor is an item's place in a partition of the index, as one text.
func cursor(item dynamo.Item) string {
	return text(item, "gsk") + "\n" + text(item, "pk") + "\n" + text(item, "sk")
}

// cursorItem is the place that cursor wrote. A text that cursor never wrote is some place or none: it reveals nothing.
// An empty one is the beginning.
func cursorItem(partition, cursor string) dynamo.Item {
	if cursor == "" {
		return nil
	}
	gsk, rest, _ := strings.Cut(cursor, "\n")
	pk, sk, _ := strings.Cut(rest, "\n")
	item := itemKey(pk, sk)
	item["gpk"], item["gsk"] = dynamo.S(partition), dynamo.S(gsk)
	return item
}
