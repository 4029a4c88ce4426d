package main

import (
	"context"
	"errors"
	"strings"

	"latchkey/shared/apikey"
	"latchkey/shared/origin"
	"latchkey/shared/origin/suffix"
	"latchkey/shared/telemetry"
)

// found is the result of a suffixes run.
type found struct {
	Job      string `json:"job"`
	List     string `json:"list"`     // day of the list of public suffixes
	Keys     int    `json:"keys"`     // looked at
	Wide     int    `json:"wide"`     // keys with a pattern that covers pages of many owners
	Patterns int    `json:"patterns"` // such patterns
	Failed   int    `json:"failed"`   // records and patterns that can't be read
	More     bool   `json:"more"`     // the run ended before the list
}

var errTimeUp = errors.New("jobs: no time left")

// suffixes reports the keys whose patterns stand on a public suffix or on a name above one. Such a pattern is refused
// when it is saved, so it is older than the suffix, or than the rule. The job writes nothing: what stands stays until its
// owner takes it off, and a run that ends early, or twice, does no harm.
func (j *jobs) suffixes(ctx context.Context) (found, error) {
	f := found{Job: "suffixes", List: suffix.Date()}
	closed := closing(ctx)
	err := j.store.EachKey(ctx, func(k apikey.Key, err error) error {
		if closed() {
			return errTimeUp
		}
		f.Keys++
		if err != nil {
			j.log.ErrorContext(ctx, "key record unreadable", "account_id", k.Account, "key_id", k.ID, "error", err.Error())
			f.Failed++
			return nil
		}
		j.look(ctx, k, &f)
		return nil
	})
	f.More = errors.Is(err, errTimeUp)
	text := ""
	if err != nil {
		text = err.Error()
	}
	j.log.InfoContext(ctx, "job done", "job", f.Job, "list", f.List, "keys", f.Keys, "wide", f.Wide, "patterns", f.Patterns,
		"failed", f.Failed, "more", f.More, "error", text)
	if err == nil { // of a part nobody should conclude that it is all
		j.metrics.Write(telemetry.Sum(j.source.Now(), "WidePatterns", f.Wide))
	}
	return f, err
}

// maxNamed bounds the patterns that one line names.
const maxNamed = 10

// look reports one key, in one line. A key that opens nothing any more is left out: its record goes by itself, or stays
// as it is.
func (j *jobs) look(ctx context.Context, k apikey.Key, f *found) {
	if !k.RevokedAt.IsZero() || !k.DeletedAt.IsZero() {
		return
	}
	patterns := k.Domains
	if k.Proposed != nil && k.Proposed.Domains != nil {
		patterns = append(append([]string{}, patterns...), *k.Proposed.Domains...)
	}
	var names []string
	wide, bad := 0, 0
	for _, text := range apikey.Set(patterns) {
		p, err := origin.ParsePattern(text)
		if err != nil {
			bad++
			continue
		}
		name, ok := p.Under()
		if !ok {
			continue
		}
		if kind, _ := suffix.Of(name); kind != suffix.OneOwner {
			if wide++; wide <= maxNamed {
				names = append(names, text)
			}
		}
	}
	if bad > 0 {
		j.log.ErrorContext(ctx, "pattern unreadable", "account_id", k.Account, "key_id", k.ID, "patterns", bad)
		f.Failed += bad
	}
	if wide > 0 {
		j.log.WarnContext(ctx, "patterns of many owners", "account_id", k.Account, "key_id", k.ID, "patterns", wide, "named", strings.Join(names, " "))
		f.Wide++
		f.Patterns += wide
	}
}
