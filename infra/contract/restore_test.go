package contract

import (
	"encoding/json"
	"reflect"
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

// jsonOf writes what is rendered, with references as they are.
func jsonOf(t *testing.T, v any) string {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
