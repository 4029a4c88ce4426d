package api

// ProblemPage holds what the documentation says of one code of the management API: docs/problems is written from these.
type ProblemPage struct {
	Code   string
	Status int
	Cause  string // when it is answered
	Help   string // what to do
}

// Problems lists all codes, by status. The handlers' answers are held against it.
var Problems = []ProblemPage{
	{"bad_request", 400, "API Gateway couldn't read the request, and no function has seen it. The status may also be 403, 413, 414 or 431.", "Read `error`. With 431 or 414, send shorter headers or a shorter URL."},
	{"body_duplicate_member", 400, "The body names a member twice in one object. Which of the two would count is anybody's guess.", "Send each member once."},
	{"body_missing", 400, "The operation needs a body and got none.", "Send a JSON object; `{}` where nothing is to be said."},
	{"body_not_json", 400, "The body isn't one JSON document: it is cut short, has text after its end, or isn't JSON.", "Send one JSON object, made by a JSON library."},
	{"body_not_object", 400, "The body is JSON, but a list, a text, a number or null.", "Send a JSON object."},
	{"body_not_utf8", 400, "The body isn't UTF-8, or an escape in it is half of a surrogate pair.", "Encode the body as UTF-8."},
	{"page_token_invalid", 400, "The `page_token` is not one that this stack made for this list with this filter. Tokens aren't kept for long: a new version of the stack may refuse old ones.", "Use `next_page_token` of the previous page with the same filter, or begin again without one."},
	{"parameter_invalid", 400, "A parameter of the URL or a header has a value that isn't taken, is there twice, or is unknown to the operation. `errors` names it.", "Change what `errors` names; docs/reference/api.md has each operation's parameters."},
	{"unauthorized", 401, "There is no bearer token, or it isn't valid: expired, of another issuer or client, or no access token. `WWW-Authenticate` says `invalid_token` where there was one.", "Sign in again, or fetch a new access token for this stack's client."},
	{"account_type_not_allowed", 403, "Only enterprise accounts request other limits.", "Set the limit up to its `free_qps`, or ask for an enterprise account."},
	{"forbidden", 403, "You are known, and your role in the account doesn't allow the operation. `x-roles` in the contract says whose does.", "Ask an owner of the account to do it, or to change your role."},
	{"invitation_other_address", 403, "The invitation is for an e-mail address that your sign-in hasn't verified as yours.", "Sign in with the address that it was sent to, or ask for an invitation to yours."},
	{"own_account", 403, "You are an operator, and a member of this account: nobody decides as an operator about their own account.", "Ask another operator."},
	{"own_request", 403, "You made this QPS request: nobody decides their own.", "Ask another operator."},
	{"invitation_not_found", 404, "The invitation was used or withdrawn, has expired, or its inviter has lost the right to it.", "Ask for a new invitation."},
	{"not_found", 404, "There is no such object, or none that you may know of: an object of another account looks the same. A path that no operation has is answered so too.", "Compare the ID and the account in the path; `detail` says where an ID of another kind was given."},
	{"method_not_allowed", 405, "The path exists, and has no such method.", "Use one of those in `Allow`."},
	{"account_closed", 409, "The account is closed, or being closed: it can be read and nothing more.", "Open another account."},
	{"account_limit_reached", 409, "One person opens only so many accounts.", "Close one that you no longer need, or ask support."},
	{"account_type_changing", 409, "The account's type is being changed, key by key.", "Try again in a moment; the operation that the change returned says how far it is."},
	{"already_member", 409, "You are a member of the account that the invitation is for.", "Nothing: the invitation stays open for somebody else."},
	{"billing_type_conflict", 409, "A key's billing type doesn't fit its account's type.", "Ask an operator to set the key's billing type."},
	{"exists", 409, "An object with this ID is there already.", "Read it; then decide whether to change it."},
	{"key_blocked", 409, "The key is blocked already.", "Nothing. To change the reason, unblock it and block it again."},
	{"key_deleted", 409, "The key is deleted, and deleted keys aren't changed.", "Restore it first; that is possible for 30 days."},
	{"key_expired", 409, "The key has expired: a new secret for it would open nothing.", "Change `expires_at` first."},
	{"key_limit_reached", 409, "The account has as many keys as its `key_limit`. Revoked and deleted ones don't count.", "Revoke or delete a key, or ask support for a higher limit."},
	{"key_not_blocked", 409, "The key isn't blocked.", "Nothing."},
	{"key_not_deleted", 409, "The key isn't deleted, so there is nothing to restore.", "Nothing."},
	{"key_not_recoverable", 409, "The key's secret was shown once and isn't stored.", "Rotate the key for a new secret. Create keys with `recoverable` to be able to read theirs again."},
	{"key_restore_too_late", 409, "The key was deleted more than 30 days ago.", "Create a new key."},
	{"key_revoked", 409, "The key is revoked, which is for good.", "Create a new key."},
	{"last_owner", 409, "An account keeps at least one owner.", "Make somebody else an owner first, or close the account."},
	{"no_proposal", 409, "The key has no proposed restrictions.", "Propose some first; somebody else may have promoted or deleted yours."},
	{"no_rotation", 409, "No rotation of the key is in progress.", "Nothing; it may have ended by itself."},
	{"not_yourself", 409, "Operators don't take their own rights.", "Ask another operator."},
	{"person_is_operator", 409, "The person is an operator, and operators aren't erased.", "Remove the operator's rights first."},
	{"recoverable_unavailable", 409, "This stack has no keyring yet, so it can't keep secrets for later.", "Create the key without `recoverable`, or ask an operator to set the keyring up (docs/guides/rotation.md)."},
	{"request_decided", 409, "The QPS request was decided or withdrawn already.", "Read it to see how."},
	{"request_ended", 409, "The end that the QPS request asks for has passed.", "Reject it; the customer can file another."},
	{"request_obsolete", 409, "What the QPS request asks for is gone: the key no longer has the product, or the account is no enterprise account.", "Reject it."},
	{"request_open", 409, "A QPS request for this key and limit class is open already.", "Wait for the decision, or withdraw it first."},
	{"rotation_cancelled", 409, "The rotation was cancelled already.", "Nothing; the newer secret ends by itself."},
	{"rotation_in_progress", 409, "A rotation of the key is in progress: a key has at most two secrets.", "End or cancel it before you rotate again. With the reason `leaked` it is ended for you."},
	{"version_stale", 412, "The object has changed since you read the version that `If-Match` names. A weak tag never matches.", "Read it again, and repeat the change with its new `ETag` if you still want it."},
	{"body_too_large", 413, "The body is larger than 64 KiB.", "Send less: no document of this API comes near that."},
	{"content_encoding_unsupported", 415, "The body has a `Content-Encoding`, such as gzip.", "Send it as it is."},
	{"content_type_unsupported", 415, "The body's `Content-Type` isn't JSON, has a charset other than UTF-8, or is there twice. `application/merge-patch+json` is for PATCH alone.", "Send `application/json`. `Accept-Post` and `Accept-Patch` say what is taken."},
	{"idempotency_key_reused", 422, "The `Idempotency-Key` was used in the last 24 hours for another request.", "Use a new key for a new request, and the same one only to repeat a request exactly."},
	{"invalid", 422, "Members of the body aren't as the operation takes them: `errors` has a JSON Pointer, a code and a sentence for each, and sometimes a `suggestion`. With `secret_in_text` a text or parameter holds an API key.", "Change what `errors` names. Rotate a key that was typed into a text."},
	{"if_match_required", 428, "The operation changes what you have seen, so it wants to know what that was.", "Send the `ETag` of the object in `If-Match`; or `*`, if it doesn't matter."},
	{"throttled", 429, "There are too many requests to this API at the moment, yours and others'.", "Try again after the seconds in `Retry-After`."},
	{"too_many_changes", 429, "You have made more changes than one person may in a second or an hour.", "Wait for the seconds in `Retry-After`. For bulk work, ask the operators to raise the limits of the stack."},
	{"internal", 500, "Something went wrong that nobody foresaw.", "Send the request ID to support: the log has more under it."},
	{"server_error", 500, "API Gateway got no answer that it could pass on. The status may also be 502 or 504.", "Try again; a change may have been made or not, so read the object first or repeat the request with the same `Idempotency-Key`."},
	{"unavailable", 503, "A part that the request needs doesn't answer, or too many others change the same object.", "Try again after the seconds in `Retry-After`, with the same `Idempotency-Key` where there is one."},
}
