package web_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/smithy-go"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/sealing"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/dynamo"
	"latchkey/shared/qps"
	"latchkey/shared/rotation"
)

// TestEachErrorIsAnsweredSo: programs rely on the status and the code, and on the member that an error of a body names. An error that is wrapped is
// answered as it would be alone, and what the table doesn't know is a breakdown.
func TestEachErrorIsAnsweredSo(t *testing.T) {
	rows := []struct {
		err  error
		want string
	}{
		{dynamo.ErrNotFound, `404 not_found`},
		{account.ErrRightLost, `403 forbidden`},
		{dynamo.ErrStale, `412 version_stale`},
		{dynamo.ErrExists, `409 exists`},
		{dynamo.ErrCursor, `400 page_token_invalid`},
		{dynamo.ErrUnreadable, `409 record_unreadable`},
		{dynamo.ErrConflict, `503 unavailable`},
		{dynamo.ErrUnknown, `503 unavailable`},
		{account.ErrKeyLimit, `409 key_limit_reached`},
		{account.ErrLastOwner, `409 last_owner`},
		{account.ErrClosed, `409 account_closed`},
		{account.ErrSuspended, `409 account_suspended`},
		{account.ErrSuspendedUntil, `422 invalid /until in_past`},
		{account.ErrAccounts, `409 account_limit_reached`},
		{account.ErrInvitations, `409 invitation_limit_reached`},
		{account.ErrNotAdmin, `403 forbidden`},
		{account.ErrOtherAddress, `403 invitation_other_address`},
		{account.ErrTypeChanging, `409 account_type_changing`},
		{apikey.ErrRevoked, `409 key_revoked`},
		{apikey.ErrDeleted, `409 key_deleted`},
		{apikey.ErrNotDeleted, `409 key_not_deleted`},
		{apikey.ErrRestoreTooOld, `409 key_restore_too_late`},
		{apikey.ErrBilling, `409 billing_type_conflict`},
		{apikey.ErrDomains, `409 domain_limit_reached`},
		{apikey.ErrUnrestricted, `409 restriction_required`},
		{apikey.ErrNotBlocked, `409 key_not_blocked`},
		{apikey.ErrBlockPast, `422 invalid /until in_past`},
		{apikey.ErrBlockLong, `422 invalid /until too_late`},
		{apikey.ErrNotExposed, `409 secret_not_refused`},
		{apikey.ErrNameMismatch, `422 invalid /confirm_name name_mismatch`},
		{rotation.ErrInProgress, `409 rotation_in_progress`},
		{rotation.ErrExpired, `409 key_expired`},
		{rotation.ErrNotRunning, `409 no_rotation`},
		{rotation.ErrAlreadyCancelled, `409 rotation_cancelled`},
		{rotation.ErrRefused, `409 secret_refused`},
		{rotation.ErrGrace, `422 invalid /grace_seconds out_of_range`},
		{rotation.ErrShorter, `422 invalid /grace_seconds too_short`},
		{qps.ErrOwnRequest, `403 own_request`},
		{qps.ErrNotPending, `409 request_decided`},
		{qps.ErrOpenRequest, `409 request_open`},
		{qps.ErrEndsInPast, `409 request_ended`},
		{qps.ErrObsolete, `409 request_obsolete`},
		{qps.ErrNoJustification, `422 invalid /justification bad_length`},
		{qps.ErrNoComment, `422 invalid /comment bad_length`},
		{sealing.ErrUnavailable, `409 recoverable_unavailable`},
		{&smithy.OperationError{ServiceID: "DynamoDB", Err: errors.New("down")}, `503 unavailable`},
		{errors.New("another"), `500 internal`},
	}
	if known := len(web.Errors()); known != len(rows)-1 {
		t.Errorf("%d rows of the table, %d of this test", known, len(rows)-1)
	}
	for _, tt := range rows {
		m := web.NewMux(nil, nil, slog.New(slog.DiscardHandler), time.Now)
		m.Public("GET /x", func(http.ResponseWriter, *http.Request, gateway.Principal) error {
			return fmt.Errorf("wrapped: %w", tt.err)
		})
		w := httptest.NewRecorder()
		m.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/x", nil))
		doc := asMap(t, json.RawMessage(w.Body.Bytes()))
		got := fmt.Sprint(w.Code, " ", doc["code"])
		if list, ok := doc["errors"].([]any); ok {
			one := list[0].(map[string]any)
			got += fmt.Sprint(" ", one["pointer"], " ", one["code"])
		}
		if got != tt.want {
			t.Errorf("%v:\n     %s\nwant %s", tt.err, got, tt.want)
		}
	}
}
