package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

const restoredControl, restoredGate = "control-restored", "gate-restored"

// TestRestoredTablesOfOneInstantWork is the drill of docs/guides/restore.md: both tables are restored to one instant into new ones, the stack
// goes on with its own, is attached to the new ones by the parameters, and rebuilds the gate. Then everything is as it was at that instant.
func TestRestoredTablesOfOneInstantWork(t *testing.T) {
	t.Parallel()
	s, r := standing(t)
	d := &drill{maker: maker{records: r, t: t, s: s}, db: storeClient(s.DynamoDB)}
	d.before()
	label := d.restore()
	d.after()
	s.stop()
	own := d.contents("ControlTable", "GateTable")
	sent := d.events()

	on := d.start("LATCHKEY_PARAM_RestoredControlTable="+restoredControl, "LATCHKEY_PARAM_RestoredControlStream="+label,
		"LATCHKEY_PARAM_RestoredGateTable="+restoredGate)
	if status, _ := on.get(d.disabled.secret); status != http.StatusOK {
		t.Errorf("the gate isn't that of an instant before: %d", status)
	}
	d.rebuild()
	for _, c := range r.calls() {
		c.check(t, on)
	}
	d.asAtTheInstant()
	listsRead(t, on, r)
	sessionIsClean(t, on, r)
	d.countsGoOn()
	d.deliveriesGoOn()
	d.eventsGoOn(sent)
	if found := d.job(`{"job":"drift"}`)["found"].(map[string]any); len(found) > 0 {
		t.Errorf("after all that the gate doesn't say what the keys say: %v", found)
	}
	on.stop()
	for table, was := range own {
		if is := d.contents(table)[table]; !slices.Equal(is, was) {
			t.Errorf("the attached stack has changed its own %s, which was left as it was: %d items, now %d", table, len(was), len(is))
		}
	}

	back := d.start()
	d.gone(back)
	back.stop()
}

// drill has what is made before and after the instant.
type drill struct {
	maker
	db *dynamodb.Client
	// Keys of before the instant, by what happens to them after it; disabled already is when it comes.
	rotated, revoked, removed, disabled key
	delivered                           *recordedKey
	deliveredAs                         string // where its reader finds it; the first delivery is after the instant
	fresh                               string // the rotated key's secret of after the instant
	created                             key
	account                             string // of after the instant
	instant                             time.Time
	enabledAtTheGate                    item // the disabled key's record at the gate, of a moment before
}

// start starts the stack again, on its data directory and store.
func (d *drill) start(env ...string) *stack {
	d.t.Helper()
	s, err := start(d.s.dir, append(env, "LATCHKEY_SEED=off", "DYNAMODB_ENDPOINT="+d.s.DynamoDB)...)
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(s.stop)
	d.t.Cleanup(func() {
		if d.t.Failed() {
			d.t.Logf("a stack that was started with %q wrote\n%s", env, s.out)
		}
	})
	d.s = s
	return s
}

func (d *drill) job(event string) map[string]any { return d.s.job(d.t, event) }

func (d *drill) before() {
	d.rotated, d.revoked, d.removed = d.s.newKey(d.t, d.SelfServe, lifeKey), d.s.newKey(d.t, d.SelfServe, lifeKey), d.s.newKey(d.t, d.SelfServe, lifeKey)
	d.disabled = d.s.newKey(d.t, d.SelfServe, lifeKey)
	for _, i := range d.items("GateTable") {
		if id, _ := i["kid"].(*types.AttributeValueMemberS); id != nil && id.Value == d.disabled.id {
			d.enabledAtTheGate = i
		}
	}
	d.do("owner", "POST", d.disabled.path+"/disable", `{}`)
	k, secret := d.key("delivered after the instant", "")
	k.opens(secret)
	d.do("owner", "PUT", k.path()+"/rotation-policy", fmt.Sprintf(`{"every_days":2,"principal":%q}`, role))
	d.delivered = k
}

func (d *drill) items(table string) []item {
	d.t.Helper()
	list, err := itemsOf(d.t.Context(), d.db, table)
	if err != nil {
		d.t.Fatal(err)
	}
	return list
}

// contents are tables' items as text, in an order of their own.
func (d *drill) contents(tables ...string) map[string][]string {
	d.t.Helper()
	all := map[string][]string{}
	for _, table := range tables {
		for _, i := range d.items(table) {
			line, err := json.Marshal(itemJSON(i))
			if err != nil {
				d.t.Fatal(err)
			}
			all[table] = append(all[table], string(line))
		}
		slices.Sort(all[table])
	}
	return all
}

// restore copies both tables, as point-in-time recovery does: keys, indexes and items come along, the stream, expiry and protection don't.
// The gate's table is of an instant before the other's by one change: the worst that the guide's "one second" leaves to the rebuild.
func (d *drill) restore() (label string) {
	d.t.Helper()
	ctx := d.t.Context()
	d.instant = time.Now()
	for own, restored := range map[string]string{"ControlTable": restoredControl, "GateTable": restoredGate} {
		if err := copyTable(ctx, d.db, own, restored); err != nil {
			d.t.Fatal(err)
		}
	}
	if _, err := d.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(restoredGate), Item: d.enabledAtTheGate}); err != nil {
		d.t.Fatal(err)
	}
	out, err := d.db.UpdateTable(ctx, &dynamodb.UpdateTableInput{TableName: aws.String(restoredControl), StreamSpecification: &types.StreamSpecification{
		StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewAndOldImages,
	}})
	if err == nil && aws.ToString(out.TableDescription.LatestStreamLabel) == "" {
		err = errors.New("the restored table has no stream")
	}
	if err != nil {
		d.t.Fatal(err)
	}
	_, err = d.db.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: aws.String(restoredControl), TimeToLiveSpecification: &types.TimeToLiveSpecification{
		AttributeName: aws.String("ttl"), Enabled: aws.Bool(true),
	}})
	if err != nil {
		d.t.Fatal(err)
	}
	return *out.TableDescription.LatestStreamLabel
}

func copyTable(ctx context.Context, db *dynamodb.Client, from, to string) error {
	out, err := db.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &from})
	if err != nil {
		return err
	}
	in := &dynamodb.CreateTableInput{
		TableName: &to, BillingMode: types.BillingModePayPerRequest, KeySchema: out.Table.KeySchema, AttributeDefinitions: out.Table.AttributeDefinitions,
	}
	for _, g := range out.Table.GlobalSecondaryIndexes {
		in.GlobalSecondaryIndexes = append(in.GlobalSecondaryIndexes, types.GlobalSecondaryIndex{IndexName: g.IndexName, KeySchema: g.KeySchema, Projection: g.Projection})
	}
	if _, err := db.CreateTable(ctx, in); err != nil {
		return err
	}
	list, err := itemsOf(ctx, db, from)
	for _, i := range list {
		if err == nil {
			_, err = db.PutItem(ctx, &dynamodb.PutItemInput{TableName: &to, Item: i})
		}
	}
	return err
}

// after makes the changes that the restore takes back.
func (d *drill) after() {
	d.fresh = d.do("owner", "POST", d.rotated.path+"/rotate", `{"reason":"leaked"}`)["secret"].(string)
	d.do("owner", "POST", d.revoked.path+"/revoke", `{"confirm_name":"life"}`)
	d.do("owner", "DELETE", d.removed.path, "")
	d.do("owner", "POST", d.disabled.path+"/enable", `{}`)
	d.do("owner", "DELETE", d.SelfServe+"/members/viewer", "")
	d.created = d.s.newKey(d.t, d.SelfServe, lifeKey)
	d.account = d.s.newAccount(d.t, "owner")
	d.job(fmt.Sprintf(`{"job":"rotation","due_by":%q}`, time.Now().Add(60*time.Hour).Format(time.RFC3339)))
	d.deliveredAs = d.do("owner", "GET", d.delivered.path(), "")["rotation_policy"].(map[string]any)["delivered_as"].(string)
	d.gone(d.s)
	d.found("key.rotate", "key.revoke", "key.delete", "key.enable", "member.remove", "account.create")
}

// since is the filter by which the guide finds in the old table what has happened since the instant.
const since = "kind = :kind AND happened_at > :at"

// found holds what it finds, which is what has to be taken back or done again.
func (d *drill) found(want ...string) {
	d.t.Helper()
	guide, err := os.ReadFile(filepath.Join(root, "docs/guides/restore.md"))
	if err != nil || !strings.Contains(string(guide), since) {
		d.t.Errorf("the guide doesn't look by %q (%v)", since, err)
	}
	out, err := d.db.Scan(d.t.Context(), &dynamodb.ScanInput{
		TableName: aws.String("ControlTable"), FilterExpression: aws.String(since),
		ExpressionAttributeValues: item{
			":kind": &types.AttributeValueMemberS{Value: "audit"}, ":at": &types.AttributeValueMemberS{Value: d.instant.UTC().Format("2006-01-02T15:04:05")},
		},
	})
	if err != nil {
		d.t.Fatal(err)
	}
	rows := map[string]int{}
	for _, i := range out.Items {
		rows[i["action"].(*types.AttributeValueMemberS).Value]++
		if at := i["happened_at"].(*types.AttributeValueMemberS).Value; at < d.instant.UTC().Add(-time.Second).Format(time.RFC3339) {
			d.t.Errorf("a row of %s is found since %s", at, d.instant)
		}
	}
	for _, action := range want {
		if rows[action] == 0 {
			d.t.Errorf("no row %s is found since the instant: %v", action, rows)
		}
	}
}

// gone holds what the gate says of what the restore takes back, on tables that have it.
func (d *drill) gone(s *stack) {
	d.t.Helper()
	for what, c := range map[string]struct {
		secret string
		status int
	}{
		"the leaked secret": {d.rotated.secret, 401}, "the one in its place": {d.fresh, 200}, "a revoked key": {d.revoked.secret, 401}, "a deleted key": {d.removed.secret, 401},
		"an enabled key": {d.disabled.secret, 200}, "a new key": {d.created.secret, 200}, "what was delivered": {d.deliveredNow(s), 200},
	} {
		d.t.Log(what)
		s.gateSays(d.t, c.secret, c.status)
	}
}

// deliveredNow reads the delivered key as its reader does.
func (d *drill) deliveredNow(s *stack) string {
	d.t.Helper()
	out, err := s.secretsAs(role).GetSecretValue(d.t.Context(), &sm.GetSecretValueInput{SecretId: &d.deliveredAs})
	if err != nil {
		d.t.Fatal(err)
	}
	return *out.SecretString
}

// rebuild lets the gate follow the keys. All that it finds is the one record that is older than the key.
func (d *drill) rebuild() {
	d.t.Helper()
	done := d.job(`{"job":"drift","repair":true}`)
	if found := done["found"].(map[string]any); len(found) != 1 || done["repaired"] != 1.0 || done["more"] != false {
		d.t.Errorf("the rebuild: %v", done)
	}
	if found := d.job(`{"job":"drift"}`)["found"].(map[string]any); len(found) > 0 {
		d.t.Errorf("after the rebuild the gate doesn't say what the keys say: %v", found)
	}
	d.s.gateSays(d.t, d.disabled.secret, 401)
	if n := count(d.s.auditRows(d.t, "operator", d.disabled.path+"/audit"), "gate.repair"); n != 1 {
		d.t.Errorf("the rebuild has left %d rows, want one", n)
	}
}

// asAtTheInstant holds the rest: what was taken away since is back, what was made since is unknown.
func (d *drill) asAtTheInstant() {
	d.t.Helper()
	t, s := d.t, d.s
	for what, secret := range map[string]string{"rotated since": d.rotated.secret, "revoked since": d.revoked.secret, "deleted since": d.removed.secret} {
		if status, body := s.get(secret); status != http.StatusOK {
			t.Errorf("the secret of a key that was %s: %d %s", what, status, body)
		}
	}
	for what, secret := range map[string]string{"a rotation since": d.fresh, "a key created since": d.created.secret} {
		if status, _ := s.get(secret); status != http.StatusUnauthorized {
			t.Errorf("the secret of %s: %d", what, status)
		}
	}
	for k, want := range map[*key]string{&d.rotated: "active", &d.revoked: "active", &d.removed: "active", &d.disabled: "disabled"} {
		if got := s.status(t, *k); got != want {
			t.Errorf("%s is %s, want %s", k.id, got, want)
		}
	}
	refused(t, "a key created since", s.manage(t, "owner", "GET", d.created.path, ""), 404, "not_found")
	refused(t, "an account opened since", s.manage(t, "owner", "GET", d.account, ""), 404, "not_found")
	if rows := s.auditRows(t, "owner", d.rotated.path+"/audit"); count(rows, "key.create") != 1 || count(rows, "key.rotate") != 0 {
		t.Errorf("the audit trail of a key that was rotated since: %v", rows)
	}
	listed := s.must(t, 200, "owner", "GET", d.SelfServe+"/keys?page_size=100", "").body
	cookie := d.signIn("owner")
	if page := browse(t, "GET", s.ConsoleURL+strings.TrimPrefix(d.SelfServe, "/v1")+"/keys", "", cookie); page.status != 200 || !bytes.Contains(page.body, []byte("/keys/key_")) {
		t.Errorf("the console's list: %d %.300s", page.status, page.body)
	}
	for _, k := range []key{d.rotated, d.revoked, d.removed, d.disabled, d.created} {
		want := k.id != d.created.id
		if bytes.Contains(listed, []byte(k.id)) != want {
			t.Errorf("%s is listed: %v, want %v", k.id, !want, want)
		}
		if page := browse(t, "GET", s.ConsoleURL+strings.TrimPrefix(k.path, "/v1"), "", cookie); (page.status == 200) != want {
			t.Errorf("the console has a page of %s: %v, want %v", k.id, !want, want)
		}
	}
}

// countsGoOn holds the guards against what there is: of keys, and of owners.
func (d *drill) countsGoOn() {
	d.t.Helper()
	used := int(d.s.must(d.t, 200, "owner", "GET", d.SelfServe+"/keys", "").json(d.t)["total"].(float64))
	d.s.must(d.t, 200, "operator", "PATCH", d.SelfServe, fmt.Sprintf(`{"key_limit":%d}`, used+2), "If-Match", "*")
	if made, over := d.s.race(d.t, d.SelfServe, 4); len(made) != 2 || over != 2 {
		d.t.Errorf("two keys below the limit %d were made and %d refused", len(made), over)
	}
	d.s.must(d.t, 200, "owner", "DELETE", d.SelfServe+"/members/enterprise_owner", "")
	refused(d.t, "the removal of the last owner", d.s.manage(d.t, "owner", "DELETE", d.SelfServe+"/members/owner", ""), 409, "last_owner")
}

// deliveriesGoOn: what Secrets Manager got since the instant isn't known to the gate, and the job delivers again.
func (d *drill) deliveriesGoOn() {
	d.t.Helper()
	if status, _ := d.s.get(d.deliveredNow(d.s)); status != http.StatusUnauthorized {
		d.t.Errorf("a secret that was delivered since the instant: %d", status)
	}
	d.job(fmt.Sprintf(`{"job":"rotation","due_by":%q}`, time.Now().Add(60*time.Hour).Format(time.RFC3339)))
	d.s.gateSays(d.t, d.deliveredNow(d.s), http.StatusOK)
}

// events are the IDs of the events that were sent, with how often.
func (d *drill) events() map[string]int {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.s.dir, "events.jsonl"))
	if err != nil {
		d.t.Fatal(err)
	}
	sent := map[string]int{}
	for line := range strings.Lines(string(text)) {
		_, rest, _ := strings.Cut(line, "evt_")
		sent[rest[:min(26, len(rest))]]++
	}
	return sent
}

// eventsGoOn: what is changed on the restored tables is announced, and what they were restored with isn't announced again.
func (d *drill) eventsGoOn(before map[string]int) {
	d.t.Helper()
	waitUntil(d.t, func() bool { return len(d.events()) > len(before) })
	now := d.events()
	for id := range before {
		if now[id] != before[id] {
			d.t.Errorf("the event %s of before was sent again", id)
		}
	}
	d.t.Logf("%d events before, %d more after", len(before), len(now)-len(before))
}
