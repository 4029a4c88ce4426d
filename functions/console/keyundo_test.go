package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/api"
)

// TestAnActOnOneKeyIsUndoneWhereItWasDone: its page has the list's Undo, which comes back to that page, and says it in the words of one key.
func TestAnActOnOneKeyIsUndoneWhereItWasDone(t *testing.T) {
	there := keysPath + "/" + idOf(0)
	for name, c := range map[string]struct {
		path       string
		form       url.Values
		says, undo string
		undone     string
		at         string // where that leads
	}{
		"disable":      {"/disable", nil, "The key is disabled.", "enable", "The key is enabled.", there},
		"enable":       {"/enable", nil, "The key is enabled.", "disable", "The key is disabled.", there},
		"delete":       {"/delete", nil, "Deleted 1 key.", "restore", "Restored 1 key.", keysPath},
		"allow domain": {"/repair", url.Values{"domain": {"new.example"}}, "new.example is now allowed for this key.", "domain", "new.example is no longer allowed for this key.", there},
	} {
		m := newMany(t, 2)
		m.keys[0].Disabled = name == "enable"
		was, _ := json.Marshal(m.keys[0])
		page := m.land(m.ask(http.MethodPost, there+c.path, c.form))
		if now, _ := json.Marshal(m.keys[0]); !strings.Contains(text(page.doc), c.says) || fieldsOf(page, c.undo) == nil || string(now) == string(was) {
			t.Errorf("%s: %s", name, text(page.doc))
			continue
		}
		page = m.press(page, c.undo)
		m.keys[0].Version, m.keys[0].UpdatedAt = 7, m.api.key.UpdatedAt
		if now, _ := json.Marshal(m.keys[0]); !strings.Contains(text(page.doc), c.undone) || page.Request.URL.Path != c.at || string(now) != string(was) {
			t.Errorf("%s, undone: at %s: %s", name, page.Request.URL, text(page.doc))
		}
	}
}

// TestWhatSomebodyElseHasDoneHasNoUndo: an act that comes when the key is so already, or becomes so while it is under way, ends as one that did
// it, and offers nobody to take back what others have done.
func TestWhatSomebodyElseHasDoneHasNoUndo(t *testing.T) {
	there := keysPath + "/" + idOf(0)
	for name, c := range map[string]struct {
		path string
		form url.Values
		done func(*api.Key) // by somebody else
		says string
	}{
		"disable":      {"/disable", nil, func(k *api.Key) { k.Disabled = true }, "The key is disabled."},
		"enable":       {"/enable", nil, func(k *api.Key) { k.Disabled = false }, "The key is enabled."},
		"delete":       {"/delete", nil, func(k *api.Key) { k.Status = api.Deleted }, "The key is deleted."},
		"allow domain": {"/repair", url.Values{"domain": {"new.example"}}, func(k *api.Key) { k.Domains = []string{"new.example"} }, "Added."},
	} {
		for when, underWay := range map[string]bool{"before": false, "under way": true} {
			if underWay && name == "allow domain" {
				continue // its form is shown again, with the reason
			}
			m := newMany(t, 1)
			k := &m.keys[0]
			k.Disabled = name == "enable"
			theirs := func() {
				was := *k
				c.done(k)
				k.Version++
				m.record("somebody else", time.Now(), was, k, map[bool]string{true: "key.edit", false: "key." + name}[name == "allow domain"])
			}
			if underWay {
				m.refuse[k.Id] = func(out http.ResponseWriter) {
					delete(m.refuse, k.Id)
					theirs()
					problem(out, 412, "version_stale")
				}
			} else {
				theirs()
			}
			page := m.land(m.ask(http.MethodPost, there+c.path, c.form))
			if !strings.Contains(text(page.doc), c.says) {
				t.Errorf("%s, %s: %s", name, when, text(page.doc))
			}
			for act := range acts {
				if fieldsOf(page, act) != nil {
					t.Errorf("%s, %s: offers %s", name, when, act)
				}
			}
		}
	}
}

// TestAStepThatChangesNothingIsRefusedWhereItMayNotBe: the console doesn't say of an ended key that it is enabled.
func TestAStepThatChangesNothingIsRefusedWhereItMayNotBe(t *testing.T) {
	m := newMany(t, 1)
	m.refuse[idOf(0)] = func(out http.ResponseWriter) { problem(out, 409, "key_revoked") }
	page := m.ask(http.MethodPost, keysPath+"/"+idOf(0)+"/enable", nil)
	if page.StatusCode != http.StatusUnprocessableEntity || strings.Contains(text(page.doc), "The key is enabled.") {
		t.Errorf("%d: %s", page.StatusCode, text(page.doc))
	}
}

// TestAnEditOfOneLabelOrDomainIsUndone, and no other edit: for what else it changed there is no act that takes it back.
func TestAnEditOfOneLabelOrDomainIsUndone(t *testing.T) {
	there := keysPath + "/" + idOf(0)
	for name, c := range map[string]struct {
		change func(url.Values)
		undo   string // the form's act, "" for none
		remove bool
		value  string
	}{
		"a label more":        {func(f url.Values) { f.Set("labels", "web, production") }, "label", true, "production"},
		"a label less":        {func(f url.Values) { f.Set("labels", "") }, "label", false, "web"},
		"a domain more":       {func(f url.Values) { f.Set("domains", "demo.example\nshop.example") }, "domain", true, "shop.example"},
		"a domain less":       {func(f url.Values) { f.Set("domains", "") }, "domain", false, "demo.example"},
		"two labels":          {func(f url.Values) { f.Set("labels", "web, a, b") }, "", false, ""},
		"another label":       {func(f url.Values) { f.Set("labels", "a") }, "", false, ""},
		"a label and a name":  {func(f url.Values) { f.Set("labels", "web, a"); f.Set("name", "Other") }, "", false, ""},
		"a label and an end":  {func(f url.Values) { f.Set("labels", "web, a"); f.Set("expires_at", "2030-01-01") }, "", false, ""},
		"a label, and domain": {func(f url.Values) { f.Set("labels", "web, a"); f.Set("domains", "") }, "", false, ""},
		"nothing":             {func(url.Values) {}, "", false, ""},
	} {
		m := newMany(t, 1)
		m.keys[0].Labels, m.keys[0].Domains = []string{"web"}, []string{"demo.example"}
		page := m.ask(http.MethodGet, there+"/edit", nil)
		list := forms(page.doc)
		form := list[slices.IndexFunc(list, func(f formOf) bool { return strings.HasSuffix(f.action, "/edit") })].values()
		c.change(form)
		page = m.land(m.ask(http.MethodPost, there+"/edit", form))
		var undo url.Values
		for _, act := range []string{"label", "domain"} {
			if f := fieldsOf(page, act); f != nil && act == c.undo {
				undo = f
			} else if f != nil {
				t.Errorf("%s: has Undo of a %s", name, act)
			}
		}
		if c.undo == "" {
			continue
		}
		if undo.Get(c.undo+"s") != c.value || (undo.Get("remove") != "") != c.remove || undo.Get("at") != "key" {
			t.Errorf("%s: Undo sends %v", name, undo)
			continue
		}
		if m.press(page, c.undo); !slices.Equal(m.keys[0].Labels, []string{"web"}) || !slices.Equal(m.keys[0].Domains, []string{"demo.example"}) {
			t.Errorf("%s, undone: %q, %q", name, m.keys[0].Labels, m.keys[0].Domains)
		}
	}
}
