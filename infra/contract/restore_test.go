package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Tables that backups were restored into: docs/guides/restore.md.
var restored = []string{
	"RestoredControlTable", "control-restored", "RestoredControlStream", "2026-11-29T00:48:05.899", "RestoredGateTable", "gate-restored",
}

// attached turns what names the stack's own tables into what names the restored ones.
var attached = strings.NewReplacer(
	"${ControlTable}", "control-restored", "${ControlTable.Arn}", arnOfTable+"control-restored",
	"${ControlTable.StreamArn}", arnOfTable+"control-restored/stream/2026-11-29T00:48:05.899",
	"${GateTable}", "gate-restored", "${GateTable.Arn}", arnOfTable+"gate-restored",
)

const arnOfTable = "arn:${AWS::Partition}:dynamodb:${AWS::Region}:${AWS::AccountId}:table/"

// A function, a role or an alarm that stayed on the stack's own tables would work with what was lost, or write where nobody looks. So the
// stack on restored tables is the stack as it is, with their names in place of its own, and its own tables stay as they are.
func TestAStackOnRestoredTablesNamesNoOthers(t *testing.T) {
	more := []string{"AlarmTopicArn", topic, "AccessLogs", "on"}
	own, on := render(t, "template.yaml", more...), render(t, "template.yaml", append(more, restored...)...)
	replaced := 0
	for _, part := range []struct {
		what    string
		was, is object
	}{{"", own.Resources, on.Resources}, {"the output ", own.Outputs, on.Outputs}} {
		if !reflect.DeepEqual(sorted(part.was), sorted(part.is)) {
			t.Errorf("there are %v, and with restored tables %v", sorted(part.was), sorted(part.is))
		}
		for id, was := range part.was {
			before, after := jsonOf(t, was), jsonOf(t, part.is[id])
			want := attached.Replace(before)
			replaced += strings.Count(want, "-restored")
			if after != want {
				t.Errorf("%s%s with restored tables:\n%s\nwant\n%s", part.what, id, after, want)
			}
			// Whatever the replacer doesn't know.
			for _, table := range []string{"ControlTable", "GateTable"} {
				for _, form := range []string{"${" + table + "}", "${" + table + "."} {
					if strings.Contains(after, form) {
						t.Errorf("%s%s still names the stack's own %s", part.what, id, table)
					}
				}
			}
		}
	}
	if replaced < 35 {
		t.Errorf("only %d places name the restored tables", replaced)
	}
}

// The guide stops every function that may write the keys, and gives restored tables what the template gives its own.
func TestTheGuideToRestoringKnowsWhatTheTemplateHas(t *testing.T) {
	guide := pages(t)["docs/guides/restore.md"]
	d := render(t, "template.yaml")
	writers := map[string]bool{}
	for _, s := range statements(d) {
		for _, action := range []string{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"} {
			if slices.Contains(s.actions, action) && (slices.Contains(s.resources, "${ControlTable.Arn}") || slices.Contains(s.resources, "${GateTable.Arn}")) {
				writers[strings.TrimSuffix(s.where, "Role")+"Function"] = true
			}
		}
	}
	// The counter changes no key: it writes which quotas are reached. Stopped, it would give up reports of calls.
	if !writers["CounterFunction"] || !strings.Contains(guide, "The counter goes on") {
		t.Error("the guide says why the counter goes on, which may write no longer")
	}
	delete(writers, "CounterFunction")
	_, line, _ := strings.Cut(guide, `WRITERS="`)
	line, _, _ = strings.Cut(line, `"`)
	named := strings.Fields(line)
	slices.Sort(named)
	if !slices.Equal(named, sorted(writers)) {
		t.Errorf("the guide stops %v, and %v may write", named, sorted(writers))
	}
	control, gate := d.properties(t, "ControlTable"), d.properties(t, "GateTable")
	for what, text := range map[string]string{
		"the stream":     fmt.Sprintf("StreamEnabled=true,StreamViewType=%v\n", at(control, "StreamSpecification", "StreamViewType")),
		"expiry":         fmt.Sprintf("Enabled=%v,AttributeName=%v\n", at(control, "TimeToLiveSpecification", "Enabled"), at(control, "TimeToLiveSpecification", "AttributeName")),
		"the parameters": `RestoredControlTable="$NEW_CONTROL" RestoredControlStream="$LABEL" RestoredGateTable="$NEW_GATE"`,
	} {
		if !strings.Contains(guide, text) {
			t.Errorf("the guide lacks %s: %s", what, text)
		}
	}
	if gate["TimeToLiveSpecification"] != nil || gate["StreamSpecification"] != nil {
		t.Error("the guide gives a restored gate table neither expiry nor a stream")
	}
}

// jsonOf writes what is rendered, with references as they are.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
