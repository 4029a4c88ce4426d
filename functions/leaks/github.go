package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"unicode/utf8"

	"latchkey/functions/internal/gateway"
	"latchkey/functions/internal/web"
	"latchkey/shared/account"
	"latchkey/shared/api"
	"latchkey/shared/apikey"
	"latchkey/shared/audit"
	"latchkey/shared/strictjson"
)

// The bounds of one report of GitHub's.
const (
	maxReport = 1 << 20 // bytes
	maxItems  = 1000
	workers   = 16 // items at once
	maxType   = 200
)

var (
	errTooLarge = gateway.NewProblem(http.StatusRequestEntityTooLarge, "report_too_large", "The report is larger than 1 MiB, or has more than 1,000 items.")
	errForged   = gateway.NewProblem(http.StatusForbidden, "signature_invalid", "The report isn't signed by a key of GitHub's.")
)

// The labels of GitHub's contract.
const (
	truePositive  = "true_positive"
	falsePositive = "false_positive"
)

// alert is one item of a report.
type alert struct {
	Token  string `json:"token"`
	Type   string `json:"type"`
	URL    string `json:"url"`
	Source string `json:"source"` // what kind of place it is; the URL says more
}

// github takes a report of GitHub's secret scanning. Nothing of it is read before its signature was checked.
func (h *handler) github(w http.ResponseWriter, r *http.Request, c gateway.Principal) error {
	if h.signers == nil {
		return gateway.ErrNotFound
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxReport+1))
	switch {
	case err != nil:
		return gateway.ErrNotJSON
	case len(raw) > maxReport:
		return errTooLarge
	}
	if err := h.signed(r, raw); err != nil {
		return err
	}
	items, err := parseItems(raw)
	if err != nil {
		return err
	}
	verdicts, err := h.each(r.Context(), items, h.rowOf(audit.Actor{Role: account.RoleSystem}, c.RequestID))
	if err != nil {
		return err
	}
	return gateway.JSON(w, http.StatusOK, verdicts)
}

func (h *handler) signed(r *http.Request, raw []byte) error {
	id, signature := r.Header.Values("Github-Public-Key-Identifier"), r.Header.Values("Github-Public-Key-Signature")
	if len(id) != 1 || len(signature) != 1 {
		return errForged
	}
	err := h.signers.verify(r.Context(), id[0], signature[0], raw)
	switch {
	case errors.Is(err, errSignature):
		h.log.InfoContext(r.Context(), "leak report refused", "why", err.Error(), "bytes", len(raw))
		return errForged
	case err != nil:
		return errors.Join(gateway.ErrUnavailable, h.failed(r.Context(), err))
	}
	return nil
}

// parseItems reads a list, and leaves its items unread.
func parseItems(raw []byte) (items []json.RawMessage, err error) {
	if !bytes.HasPrefix(bytes.TrimLeft(raw, " \t\r\n"), []byte("[")) || json.Unmarshal(raw, &items) != nil {
		return nil, gateway.ErrNotJSON
	}
	if len(items) > maxItems {
		return nil, errTooLarge
	}
	return items, nil
}

// parseAlert reads one item. One whose members two readers could take for different things is none.
func parseAlert(raw json.RawMessage) (alert, bool) {
	var a alert
	if _, err := strictjson.Object(raw, "token", "type", "url", "source"); err != nil {
		return a, false
	}
	if err := json.Unmarshal(raw, &a); err != nil || a.Token == "" || len(a.Token) > web.MaxSecret || utf8.RuneCountInString(a.Type) > maxType {
		return alert{}, false
	}
	return a, true
}

// each takes the items one by one, several at once, and a secret that is there twice once. An item that can't be read, or not be
// recorded, is left out of the answer; only where none could be recorded for a breakdown is that the answer.
func (h *handler) each(ctx context.Context, items []json.RawMessage, row func(before, after apikey.Key) audit.Row) (api.LeakVerdicts, error) {
	alerts, labels := make([]alert, len(items)), make([]string, len(items))
	first := map[string]int{} // the item that has a token first
	var group sync.WaitGroup
	room := make(chan struct{}, workers)
	errs := make([]error, len(items))
	for i, raw := range items {
		var ok bool
		if alerts[i], ok = parseAlert(raw); !ok {
			h.log.WarnContext(ctx, "leak report has an item that can't be read", "item", i)
			continue
		}
		if _, again := first[alerts[i].Token]; again {
			continue
		}
		first[alerts[i].Token] = i
		room <- struct{}{}
		group.Go(func() {
			defer func() { <-room }()
			defer func() { // nothing of one item reaches the others
				if p := recover(); p != nil {
					errs[i] = fmt.Errorf("leaks: panic: %T", p)
				}
			}()
			labels[i], errs[i] = h.one(ctx, alerts[i], row)
		})
	}
	group.Wait()
	verdicts := api.LeakVerdicts{}
	for i, a := range alerts {
		if at, ok := first[a.Token]; ok && labels[at] != "" {
			hash := hashOf(a.Token)
			verdicts = append(verdicts, api.LeakVerdict{TokenHash: hex.EncodeToString(hash[:]), TokenType: h.typeOf(a), Label: labels[at]})
		}
		if errs[i] != nil {
			_ = h.failed(ctx, errs[i])
		}
	}
	if err := errors.Join(errs...); err != nil && len(verdicts) == 0 {
		return nil, err
	}
	return verdicts, nil
}

// one takes one item, and returns its label.
func (h *handler) one(ctx context.Context, a alert, row func(before, after apikey.Key) audit.Row) (string, error) {
	secret, err := h.prefix.Parse(a.Token)
	if err != nil {
		return falsePositive, nil //nolint:nilerr // no secret of this stack's: the answer says so
	}
	whose, err := h.record(ctx, secret.Hash(), apikey.LeakReport{By: apikey.ReportedByGitHub, Place: place(h.texts, a.URL)}, row)
	switch {
	case err != nil:
		return "", err
	case whose.role == "":
		return falsePositive, nil
	default:
		return truePositive, nil
	}
}

// typeOf is the type as GitHub sent it, unless it holds a secret.
func (h *handler) typeOf(a alert) string {
	if h.texts.In(a.Type) {
		return ""
	}
	return a.Type
}
