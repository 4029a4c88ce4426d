package web

import (
	"errors"
	"net/http"

	"github.com/aws/smithy-go"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/sealing"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/qps"
	"latchkey/shared/rotation"
	"latchkey/shared/text"
)

// Errors is the one table between the errors of stores and core packages and the answers of the API.
func Errors() gateway.Table {
	conflict := func(code, text string) *gateway.Problem { return gateway.NewProblem(http.StatusConflict, code, text) }
	return gateway.Table{
		{Err: dynamo.ErrNotFound, Problem: gateway.ErrNotFound},
		{Err: account.ErrRightLost, Problem: gateway.ErrRightLost}, // is an ErrStale too
		{Err: dynamo.ErrStale, Problem: gateway.ErrStale},
		{Err: dynamo.ErrExists, Problem: conflict("exists", "The object already exists.")},
		{Err: dynamo.ErrCursor, Problem: gateway.ErrPageToken},
		{Err: dynamo.ErrUnreadable, Problem: conflict("record_unreadable", "The stored record can't be read.").
			WithDetail("Support has been notified. Other records aren't affected.")},
		{Err: dynamo.ErrConflict, Problem: gateway.ErrUnavailable},
		{Err: dynamo.ErrUnknown, Problem: gateway.ErrUnavailable},

		{Err: account.ErrKeyLimit, Problem: conflict("key_limit_reached", "The account has reached its limit of keys.").
			WithDetail("Revoke or delete a key, or ask support for a higher limit.")},
		{Err: account.ErrLastOwner, Problem: conflict("last_owner", "An account must keep at least one owner.").
			WithDetail("Make somebody else an owner first.")},
		{Err: account.ErrClosed, Problem: conflict("account_closed", "The account is closed.")},
		{Err: account.ErrSuspended, Problem: conflict("account_suspended", "The account is suspended.").
			WithDetail("Its members can't raise a limit or close it. The account's page shows the reason; support can help.")},
		{Err: account.ErrSuspendedUntil, Problem: gateway.Invalid(gateway.Field("until", "in_past", "It must be in the future."))},
		{Err: account.ErrAccounts, Problem: conflict("account_limit_reached", "You have opened as many accounts as one person may.").
			WithDetail("Close one that you no longer need, or ask support.")},
		{Err: account.ErrInvitations, Problem: conflict("invitation_limit_reached", "The account has as many open invitations as it may have.").
			WithDetail("Withdraw one, or wait until one is accepted or expires.")},
		{Err: account.ErrNotAdmin, Problem: gateway.ErrForbidden},
		{Err: account.ErrOtherAddress, Problem: gateway.NewProblem(http.StatusForbidden, "invitation_other_address",
			"The invitation is for another e-mail address.").
			WithDetail("Sign in with the address that it was sent to, which your sign-in must have verified; or ask for an invitation to yours.")},
		{Err: account.ErrTypeChanging, Problem: conflict("account_type_changing", "The account's type is being changed.").
			WithDetail("Try again in a moment.")},

		{Err: apikey.ErrRevoked, Problem: conflict("key_revoked", "The key is permanently revoked.").WithDetail("Create a new key.")},
		{Err: apikey.ErrDeleted, Problem: conflict("key_deleted", "The key is deleted.").WithDetail("Restore it first; that is possible for 30 days.")},
		{Err: apikey.ErrNotDeleted, Problem: conflict("key_not_deleted", "The key is not deleted.")},
		{Err: apikey.ErrRestoreTooOld, Problem: conflict("key_restore_too_late", "The key was deleted more than 30 days ago.")},
		{Err: apikey.ErrBilling, Problem: conflict("billing_type_conflict", "A key's billing type doesn't fit the account's type.").
			WithDetail("An operator can set it.")},
		{Err: apikey.ErrDomains, Problem: conflict("domain_limit_reached", "The key has as many domains as it may have.").
			WithDetail("Remove one first, or replace several with one that has a wildcard.")},
		{Err: apikey.ErrUnrestricted, Problem: conflict("restriction_required", "The account's policy asks for a restriction of such a key.").
			WithDetail("A key of usage frontend needs a domain, a network or an app. Add another one first, or ask an owner to change the policy.")},
		{Err: apikey.ErrBlockPast, Problem: gateway.Invalid(gateway.Field("until", "in_past", "It must be in the future."))},
		{Err: apikey.ErrBlockLong, Problem: gateway.Invalid(gateway.Field("until", "too_late", "It must be at most 366 days off."))},
		{Err: apikey.ErrNotBlocked, Problem: conflict("key_not_blocked", "The key is not blocked.")},
		{Err: apikey.ErrNotExposed, Problem: conflict("secret_not_refused", "No secret of the key is exposed, or an owner allows it.")},
		{Err: apikey.ErrNameMismatch, Problem: gateway.Invalid(
			gateway.Field("confirm_name", "name_mismatch", "It must be the key's name, as it is shown."))},

		{Err: rotation.ErrInProgress, Problem: conflict("rotation_in_progress", "A rotation of this key is in progress.").
			WithDetail("End it, or cancel it, before you rotate again; with the reason leaked it is ended for you.")},
		{Err: rotation.ErrExpired, Problem: conflict("key_expired", "The key has expired.").
			WithDetail("Change expires_at first: a new secret of an expired key wouldn't work.")},
		{Err: rotation.ErrNotRunning, Problem: conflict("no_rotation", "No rotation of this key is in progress.")},
		{Err: rotation.ErrAlreadyCancelled, Problem: conflict("rotation_cancelled", "The rotation has already been cancelled.")},
		{Err: rotation.ErrRefused, Problem: conflict("secret_refused", "The secret that would stay is refused as exposed.").
			WithDetail("Rotate with the reason leaked, or let the secret work again (lift-exposure) first.")},
		{Err: rotation.ErrGrace, Problem: gateway.Invalid(
			gateway.Field("grace_seconds", "out_of_range", "It must be 0 to 2592000 seconds (30 days)."))},
		{Err: rotation.ErrShorter, Problem: gateway.Invalid(
			gateway.Field("grace_seconds", "too_short", "The new end must be later than the current one."))},

		{Err: qps.ErrOwnRequest, Problem: gateway.NewProblem(http.StatusForbidden, "own_request",
			"You made this request, so another operator has to decide.")},
		{Err: qps.ErrNotPending, Problem: conflict("request_decided", "The request has already been decided or withdrawn.")},
		{Err: qps.ErrOpenRequest, Problem: conflict("request_open", "A request for this key and product is already open.").
			WithDetail("Withdraw it first, or wait for the decision.")},
		{Err: qps.ErrEndsInPast, Problem: conflict("request_ended", "The end that the request asks for has passed.").
			WithDetail("It is withdrawn by itself within minutes; the customer can file another then.")},
		{Err: qps.ErrObsolete, Problem: conflict("request_obsolete", "What the request asks for is gone.").
			WithDetail("The key doesn't have the product, the catalogue doesn't have the limit class, or the account is no enterprise account.")},
		{Err: qps.ErrNoJustification, Problem: gateway.Invalid(TextField("justification", 1, qps.MaxJustification, text.ErrLength))},
		{Err: qps.ErrNoComment, Problem: gateway.Invalid(TextField("comment", 1, qps.MaxComment, text.ErrLength))},

		{Err: sealing.ErrUnavailable, Problem: conflict("recoverable_unavailable", "This stack has no data key yet, so it can't keep secrets for later.").
			WithDetail("It makes the first one within minutes of its deployment: try again then, or create the key without recoverable.")},

		{Fits: fromAWS, Problem: gateway.ErrUnavailable},
	}
}

// fromAWS reports whether a call to AWS failed, which is no error of the caller.
func fromAWS(err error) bool {
	var call *smithy.OperationError
	return errors.As(err, &call)
}
