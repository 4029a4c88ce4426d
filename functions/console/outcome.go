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
	Slow   bool        `json:"t,omitempty"` // some were done in the time that there was, so that going on does the rest
	Rest   *restOf     `json:"r,omitempty"` // of a domain that was replaced
}

// failedKey is a key that wasn't changed: its name may be cut or left out, so that a cookie holds all. Why is a message's key.
type failedKey struct {
	ID   string `json:"i"`
	Name string `json:"n,omitempty"`
	Why  string `json:"w"`
}

const keyPrefix = "key_"

// inOneField writes IDs of keys as a form has them in one field: without what they all begin with.
func inOneField(ids []string) string {
	short := make([]string, len(ids))
	for i, id := range ids {
		short[i] = strings.TrimPrefix(id, keyPrefix)
	}
	return strings.Join(short, " ")
}

// fromOneField reads what inOneField wrote.
func fromOneField(text string) []string {
	ids := strings.Fields(text)
	for i, short := range ids {
		ids[i] = keyPrefix + short
	}
	return ids
}

// mostNoted bounds the bytes of an outcome, packed: sealed, it waits in a cookie, and browsers keep 4,096 bytes.
const mostNoted = 2700

// mostNamed bounds the keys that failed and are named.
const mostNamed = 12

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

// settled is the number of keys of which it is known what has become of them.
func (o *outcome) settled() int { return len(o.Done) + o.Same + len(o.Failed) }

// fit leaves out the names that no page shows, and those for which there is no room, the last first.
func (o *outcome) fit() {
	for i := mostNamed; i < len(o.Failed); i++ {
		o.Failed[i].Name = ""
	}
	for i := min(mostNamed, len(o.Failed)) - 1; i >= 0; i-- {
		if raw, err := json.Marshal(o); err == nil && len(compress(raw)) <= mostNoted { // of strings it can't fail
			return
		}
		o.Failed[i].Name = ""
	}
}

// begun reads what the rounds before have done of an act that goes on, as its form has it; nothing at its beginning.
func (v *visit) begun(what act, value string) outcome {
	raw, err := v.app.keeper.OpenNote(v.cookie(sessionCookie), v.r.PostFormValue("begun"))
	if err == nil {
		raw, err = unpacked(raw)
	}
	var o outcome
	if err != nil || json.Unmarshal(raw, &o) != nil || o.Act != what.name || o.Value != value {
		return outcome{Act: what.name, Value: value}
	}
	o.Left, o.Slow = nil, false
	return o
}

// goOn is the form that does what is left, and then tells of all of it.
func (o *outcome) goOn(v *visit) *again {
	form := acts[o.Act].form(o.Value, o.Left)
	if o.settled() == 0 {
		return form
	}
	before := *o
	before.Left = nil
	raw, err := json.Marshal(before)
	if err != nil {
		return form // of strings it can't fail
	}
	if sealed, err := v.app.keeper.SealNote(v.cookie(sessionCookie), compress(raw)); err == nil {
		form.Fields = append(form.Fields, resent{"begun", sealed})
	}
	return form
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
	f.Fields = append(f.Fields, resent{"keys", inOneField(keys)})
	return f
}

// failedFor are the keys that failed for one reason.
type failedFor struct {
	Text string
	Keys []chosenKey
	More int // that aren't named
}

// take shows what a note says of the keys that were selected.
func (d *keyList) take(v *visit, p *page) { d.Selected = v.outcomeOf(p) }

// outcomeOf reads the outcome of an act from the note that was left for a page; nil if there is none.
func (v *visit) outcomeOf(p *page) *doneView {
	o := p.Left.Keys
	if o == nil || acts[o.Act].name == "" && o.Act != replaced {
		return nil
	}
	d := &doneView{outcome: *o}
	if what, n := acts[d.Act], len(d.Done)+d.N; n > 0 {
		d.Title = v.t("selected."+d.Act+".done", "n", n, "keys", v.keysIn(n), "value", d.Value, "effect", v.t(p.inForce(v, "selected.effect")))
		if back, ok := acts[what.undo]; ok && d.N == 0 && len(d.Left) == 0 { // of the whole act, once it is over
			d.Undo = back.form(d.Value, d.Done)
		}
	}
	if len(d.Left) > 0 {
		d.GoOn = d.goOn(v)
	}
	d.explain(v)
	return d
}

// explain says why keys weren't changed, in the language of the page.
func (d *doneView) explain(v *visit) {
	for n, f := range d.Failed {
		why := v.t(v.lang.Known(f.Why, "problem.other"))
		i := slices.IndexFunc(d.Why, func(w failedFor) bool { return w.Text == why })
		if i < 0 {
			i, d.Why = len(d.Why), append(d.Why, failedFor{Text: why})
		}
		if n >= mostNamed {
			d.Why[i].More++
			continue
		}
		one := chosenKey{ID: keyPrefix + f.ID, Name: f.Name}
		if one.Name == "" {
			one.Name = one.ID
		}
		d.Why[i].Keys = append(d.Why[i].Keys, one)
	}
}
