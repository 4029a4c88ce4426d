package main

import (
	"encoding/json"
	"slices"
	"strings"
)

// outcome is an act that was carried out, as a note keeps it for the next page. Keys are named without the prefix that all have.
type outcome struct {
	Act    string      `json:"a"`
	Value  string      `json:"v,omitempty"`
	Done   []string    `json:"d,omitempty"`
	Same   int         `json:"s,omitempty"` // needed no change
	Failed []failedKey `json:"f,omitempty"`
	Left   []string    `json:"l,omitempty"` // there was no time for these
	N      int         `json:"c,omitempty"` // done besides, and too many to be named
	More   int         `json:"m,omitempty"` // failed besides
}

// failedKey is a key that wasn't changed: its name may be cut or left out, so that a cookie holds all. Why is a message's key.
type failedKey struct {
	ID   string `json:"i"`
	Name string `json:"n,omitempty"`
	Why  string `json:"w"`
}

const keyPrefix = "key_"

// mostNoted bounds the bytes of an outcome: sealed, it waits in a cookie, and browsers keep 4,096 bytes.
const mostNoted = 2700

// add puts down what has become of a key.
func (o *outcome) add(id string, r swept) {
	id = strings.TrimPrefix(id, keyPrefix)
	switch {
	case r.left:
		o.Left = append(o.Left, id)
	case r.err != nil:
		o.Failed = append(o.Failed, failedKey{ID: id, Name: r.name, Why: r.why})
	case r.same:
		o.Same++
	default:
		o.Done = append(o.Done, id)
	}
}

// fit leaves out the names for which there is no room.
func (o *outcome) fit() {
	var names []string
	for i, f := range o.Failed {
		names = append(names, f.Name)
		o.Failed[i].Name = ""
	}
	raw, err := json.Marshal(o)
	if err != nil {
		return // of strings it can't fail
	}
	room := mostNoted - len(raw)
	for i, name := range names {
		said, _ := json.Marshal(failedKey{Name: name})
		if room -= len(said); room < 0 {
			return
		}
		o.Failed[i].Name = name
	}
}

// doneView is an outcome for its page.
type doneView struct {
	outcome
	Title string
	Undo  *again // takes it back; nil: nothing can
	GoOn  *again // does the rest; nil: all is done
	Why   []failedFor
}

// Unchanged is the number of keys that failed.
func (d *doneView) Unchanged() int { return len(d.Failed) + d.More }

// again is an act to be sent by a form, with its keys.
type again struct {
	Path   string // below the account's
	Fields []resent
	N      int
}

// form makes the form of an act on keys.
func (w act) form(value string, keys []string) *again {
	f := &again{Path: "/keys/selected/" + w.name, N: len(keys)}
	if w.field != "" {
		f.Fields = []resent{{w.field, value}}
	}
	if w.gone {
		f.Path, f.Fields = "/keys/selected/"+w.undo, append(f.Fields, resent{"remove", "yes"})
	}
	for _, id := range keys {
		f.Fields = append(f.Fields, resent{"key", keyPrefix + id})
	}
	return f
}

// failedFor are the keys that failed for one reason.
type failedFor struct {
	Text string
	Keys []chosenKey
}

// take shows what a note says of the keys that were selected.
func (d *keyList) take(v *visit, n note) { d.Selected = v.outcomeOf(n) }

// outcomeOf reads the outcome of an act from a note; nil if there is none.
func (v *visit) outcomeOf(n note) *doneView {
	if n.Keys == nil || acts[n.Keys.Act].name == "" && n.Keys.Act != replaced {
		return nil
	}
	d := &doneView{outcome: *n.Keys}
	if what, n := acts[d.Act], len(d.Done)+d.N; n > 0 {
		d.Title = v.t("selected."+d.Act+".done", "n", n, "keys", v.keysIn(n), "value", d.Value)
		if back, ok := acts[what.undo]; ok && d.N == 0 {
			d.Undo = back.form(d.Value, d.Done)
		}
	}
	if len(d.Left) > 0 {
		d.GoOn = acts[d.Act].form(d.Value, d.Left)
	}
	d.explain(v)
	return d
}

// explain says why keys weren't changed, in the language of the page.
func (d *doneView) explain(v *visit) {
	for _, f := range d.Failed {
		why := v.t(v.lang.Known(f.Why, "problem.other"))
		i := slices.IndexFunc(d.Why, func(w failedFor) bool { return w.Text == why })
		if i < 0 {
			i, d.Why = len(d.Why), append(d.Why, failedFor{Text: why})
		}
		one := chosenKey{ID: keyPrefix + f.ID, Name: f.Name}
		if one.Name == "" {
			one.Name = one.ID
		}
		d.Why[i].Keys = append(d.Why[i].Keys, one)
	}
}
