package main

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
	"latchkey/shared/moment"
)

// oncePressed are the forms of acts that can be undone, of a key's own page and of the list.
var oncePressed = map[string]struct {
	path       string
	form       url.Values
	says, undo string
}{
	"disable":             {"/" + idOf(0) + "/disable", nil, "The key is disabled.", "enable"},
	"enable":              {"/" + idOf(0) + "/enable", nil, "The key is enabled.", "disable"},
	"delete":              {"/" + idOf(0) + "/delete", nil, "Deleted 1 key.", "restore"},
	"allow a domain":      {"/" + idOf(0) + "/repair", url.Values{"domain": {"new.example"}}, "new.example is now allowed for this key.", "domain"},
	"disable, selected":   {"/selected/disable", url.Values{"key": {idOf(0), idOf(1)}}, "Disabled 2 keys.", "enable"},
	"enable, selected":    {"/selected/enable", url.Values{"key": {idOf(0), idOf(1)}}, "Enabled 2 keys.", "disable"},
	"delete, selected":    {"/selected/delete", url.Values{"key": {idOf(0), idOf(1)}}, "Deleted 2 keys.", "restore"},
	"label, selected":     {"/selected/label", url.Values{"key": {idOf(0), idOf(1)}, "labels": {"new"}}, "to 2 keys.", "label"},
	"no label, selected":  {"/selected/label", url.Values{"key": {idOf(0), idOf(1)}, "labels": {"web"}, "remove": {"yes"}}, "from 2 keys.", "label"},
	"domain, selected":    {"/selected/domain", url.Values{"key": {idOf(0), idOf(1)}, "domains": {"new.example"}}, "to 2 keys.", "domain"},
	"no domain, selected": {"/selected/domain", url.Values{"key": {idOf(0), idOf(1)}, "domains": {"a.example"}, "remove": {"yes"}}, "from 2 keys.", "domain"},
}

// twoKeys are two keys of which each form of oncePressed changes something.
func twoKeys(t *testing.T, name string) *many {
	m := newMany(t, 2)
	for i := range m.keys {
		m.keys[i].Labels, m.keys[i].Domains, m.keys[i].Disabled = []string{"web"}, []string{"demo.example", "a.example"}, strings.HasPrefix(name, "enable")
	}
	return m
}

// TestADoubleClickKeepsItsUndo: the browser shows the answer to the second form alone, which finds all done by the first one.
func TestADoubleClickKeepsItsUndo(t *testing.T) {
	for name, c := range oncePressed {
		m := twoKeys(t, name)
		first := m.land(m.ask(http.MethodPost, keysPath+c.path, c.form))
		second := m.land(m.ask(http.MethodPost, keysPath+c.path, c.form))
		if undo := fieldsOf(second, c.undo); !strings.Contains(text(second.doc), c.says) || undo == nil || undo.Encode() != fieldsOf(first, c.undo).Encode() || strings.Contains(text(second.doc), "No change needed") {
			t.Errorf("%s: Undo sends %v: %s", name, undo, text(second.doc))
		}
	}
	m := newMany(t, 1)
	there := keysPath + "/" + idOf(0)
	list := forms(m.ask(http.MethodGet, there+"/edit", nil).doc)
	form := list[slices.IndexFunc(list, func(f formOf) bool { return strings.HasSuffix(f.action, "/edit") })].values()
	form.Set("domains", form.Get("domains")+"\nnew.example")
	m.ask(http.MethodPost, there+"/edit", form)
	if second := m.land(m.ask(http.MethodPost, there+"/edit", form)); fieldsOf(second, "domain") == nil {
		t.Errorf("an edit: %s", text(second.doc))
	}
}

// TestOnlyADoubleClickKeepsAnUndo: what was done before the form, by another act, or by somebody else, has none, and neither has what somebody
// else has changed since.
func TestOnlyADoubleClickKeepsAnUndo(t *testing.T) {
	for name, c := range oncePressed {
		for when, since := range map[string]func(*many, *api.Key){
			"long before": func(m *many, k *api.Key) {
				for i := range m.trail {
					m.trail[i].At = moment.Of(time.Now().Add(-sentTwice - time.Second))
				}
				k.UpdatedAt = m.trail[0].At
			},
			"by another person": func(m *many, _ *api.Key) { m.by("another") },
			"by an operator": func(m *many, _ *api.Key) {
				m.trail[0].Actor.Role, m.trail[1%len(m.trail)].Actor.Role = "operator", "operator"
			},
			"by another act":               func(m *many, _ *api.Key) { m.as("key.move") },
			"with something else":          func(m *many, _ *api.Key) { m.as("key.edit", api.Change{Field: "name"}, api.Change{Field: "disabled"}) },
			"and another has changed more": func(m *many, k *api.Key) { m.record("another", time.Now(), *k, k, "key.edit") },
		} {
			m := twoKeys(t, name)
			m.ask(http.MethodPost, keysPath+c.path, c.form)
			for i := range m.keys {
				since(m, &m.keys[i])
			}
			if second := m.land(m.ask(http.MethodPost, keysPath+c.path, c.form)); fieldsOf(second, c.undo) != nil {
				t.Errorf("%s, %s: %s", name, when, text(second.doc))
			}
		}
	}
}

// TestAnActUndoesNothingThatWasDoneBeforeIt, moments ago and by the same person: it changed other keys.
func TestAnActUndoesNothingThatWasDoneBeforeIt(t *testing.T) {
	for name, c := range oncePressed {
		if len(c.form["key"]) < 2 {
			continue
		}
		m := twoKeys(t, name)
		one := maps.Clone(c.form)
		one["key"] = c.form["key"][:1]
		m.ask(http.MethodPost, keysPath+c.path, one)
		if page := m.land(m.ask(http.MethodPost, keysPath+c.path, c.form)); "key_"+fieldsOf(page, c.undo).Get("keys") != idOf(1) {
			t.Errorf("%s: Undo sends %v", name, fieldsOf(page, c.undo))
		}
	}
}

// by has all changes been made by somebody, and as by another action.
func (m *many) by(who string) {
	for i := range m.trail {
		m.trail[i].Actor.Subject = who
	}
}

func (m *many) as(action string, changes ...api.Change) {
	for i := range m.trail {
		m.trail[i].Action, m.trail[i].Changes = action, append(m.trail[i].Changes, changes...)
	}
}
