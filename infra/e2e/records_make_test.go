package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
)

// soon is after how long what makeEnded makes has ended.
const soon = 2 * time.Second

// makeEnded makes what ends by itself: it must be waited for, or written long ago.
func (m *maker) makeEnded() {
	k, secret := m.key("expired", `{"expires_at":"`+m.in(soon)+`"}`)
	k.shut("expired", secret)

	k, secret = m.key("grace over", "")
	k.opens(m.rotate(k, `{"grace_seconds":1}`))
	k.answers(401, "unauthorized", recordedCall{What: "by its old secret", Secret: secret})

	k, secret = m.key("replaced at once", "")
	k.opens(m.rotate(k, `{"grace_seconds":0,"reason":"leaked"}`))
	k.answers(401, "unauthorized", recordedCall{What: "by its old secret", Secret: secret})

	k, secret = m.key("rotated often", "")
	for range 3 {
		k.answers(401, "unauthorized", recordedCall{What: "by an older secret", Secret: secret})
		secret = m.rotate(k, `{"grace_seconds":0}`)
	}
	k.opens(secret)

	m.limited("limit ended", `,"ends_at":"`+m.in(soon)+`"`, 3, 5)
}

// limited makes an enterprise key whose request for another limit is approved; holds is the limit in force by then.
func (m *maker) limited(name, more string, approved, holds int) {
	k, secret := m.keyOf("enterprise_owner", m.Enterprise, name, "")
	id := m.request(k, more)
	m.do("operator", "POST", m.Enterprise+"/qps-requests/"+id+"/approve", fmt.Sprintf(`{"qps":%d,"comment":"For a start."}`, approved))
	k.answers(200, "", recordedCall{Secret: secret, Path: searchPath, Limit: holds})
}

func (m *maker) request(k *recordedKey, more string) string {
	body := fmt.Sprintf(`{"key_id":%q,"product":"search","requested_qps":500,"justification":"We launch in May."%s}`, k.ID, more)
	return m.do("enterprise_owner", "POST", m.Enterprise+"/qps-requests", body, "Idempotency-Key", "ask-"+k.ID)["id"].(string)
}

// makeStanding makes the rest.
func (m *maker) makeStanding() {
	m.makeStates()
	m.makeRestrictions()
	m.makeRotations()
	m.makeLimits()
	m.makePeople()
	m.Session = m.signIn("owner")
}

func (m *maker) makeStates() {
	k, secret := m.key("active", "", "Idempotency-Key", "the-active-one")
	k.opens(secret)
	k, secret = m.key("edited", "")
	m.do("owner", "PATCH", k.path(), `{"products":["map-display","routing"]}`, "If-Match", "*")
	k.opens(secret)
	k, secret = m.key("expiring", `{"expires_at":"`+m.in(3*365*24*time.Hour)+`"}`)
	k.opens(secret)
	k, secret = m.key("disabled", "")
	m.do("owner", "POST", k.path()+"/disable", `{}`)
	k.shut("disabled", secret)
	k, secret = m.key("blocked", "")
	m.do("operator", "POST", "/v1/operator/keys/"+k.ID+"/block", `{"reason":"Leaked on a forum"}`)
	k.shut("blocked", secret)
	k, secret = m.key("revoked", "")
	m.do("owner", "POST", k.path()+"/revoke", `{"confirm_name":"revoked"}`)
	k.shut("revoked", secret)
	k, secret = m.key("deleted", "")
	m.do("owner", "DELETE", k.path(), "")
	k.shut("deleted", secret)
	k, secret = m.keyOf("owner", m.Closed, "of a closed account", "")
	m.do("operator", "POST", m.Closed+"/close", `{}`)
	k.shut("revoked", secret)
	k, secret = m.key("recoverable", `{"recoverable":true}`)
	k.opens(secret)
}

func (m *maker) makeRestrictions() {
	m.do("owner", "POST", m.SelfServe+"/products/search/accept", `{"version":"`+catalogueVersion(m.t)+`"}`)

	k, secret := m.key("header only", `{"header_only":true}`)
	k.answers(200, "", recordedCall{What: "in the header", Secret: secret, Header: true})
	k.answers(403, "key_not_in_header", recordedCall{What: "in the query", Secret: secret})

	k, secret = m.key("one product", `{"products":["search"]}`)
	k.answers(403, "product_not_allowed", recordedCall{What: "for another", Secret: secret})
	k.answers(200, "", recordedCall{Secret: secret, Path: searchPath})

	k, secret = m.key("domains", `{"usage":"frontend","domains":["*.example.com","https://shop.example.org:8443"],"missing_origin":"deny"}`)
	k.answers(200, "", recordedCall{What: "from a sub-domain", Secret: secret, Origin: "https://www.example.com"},
		recordedCall{What: "from a port", Secret: secret, Origin: "https://shop.example.org:8443"})
	k.answers(403, "domain_not_allowed", recordedCall{What: "from elsewhere", Secret: secret, Origin: "https://evil.example"})
	k.answers(403, "origin_missing", recordedCall{What: "from nowhere", Secret: secret})

	// A gate that knows no networks and no apps would let everybody in: it refuses these keys alone.
	k, secret = m.key("networks", `{"networks":["198.51.100.0/24"]}`)
	k.answers(403, "ip_not_allowed", recordedCall{Secret: secret, Last: 503})
	k, secret = m.key("networks that the caller is in", `{"networks":["127.0.0.0/8"]}`)
	k.answers(200, "", recordedCall{Secret: secret, Last: 503})
	k, secret = m.key("apps", `{"apps":[{"platform":"ios","bundle_id":"com.example.app"}]}`)
	k.answers(403, "app_not_allowed", recordedCall{Secret: secret, Last: 503})
	k, secret = m.key("networks lifted", `{"networks":["198.51.100.0/24"]}`)
	m.do("owner", "PATCH", k.path(), `{"networks":[]}`, "If-Match", "*")
	k.opens(secret)
	// Nor does it know caps, and would let calls through without end.
	k, secret = m.key("capped", "")
	m.do("owner", "PUT", k.path()+"/quotas/tiles", `{"day":1000}`)
	k.answers(200, "", recordedCall{Secret: secret, Last: 503})
	k, secret = m.key("cap lifted", "")
	m.do("owner", "PUT", k.path()+"/quotas/tiles", `{"day":1000}`)
	m.do("owner", "PUT", k.path()+"/quotas/tiles", `{"day":null}`)
	k.opens(secret)
	k, secret = m.key("networks and apps proposed", "")
	m.do("owner", "PUT", k.path()+"/proposal", `{"networks":["198.51.100.0/24"],"apps":[{"platform":"ios","bundle_id":"com.example.app"}]}`)
	k.opens(secret)

	k, secret = m.key("proposal", "")
	m.do("owner", "PUT", k.path()+"/proposal", `{"domains":["example.com"],"products":["search"]}`)
	k.opens(secret)
	k, secret = m.key("proposal to lift", `{"domains":["example.com"]}`)
	m.do("owner", "PUT", k.path()+"/proposal", `{"domains":[]}`)
	k.answers(403, "domain_not_allowed", recordedCall{Secret: secret, Origin: "https://evil.example"})
}

func (m *maker) makeRotations() {
	k, old := m.key("rotating", "")
	k.opens(old)
	k.opens(m.rotate(k, `{"grace_seconds":2592000,"reason":"scheduled"}`))

	k, old = m.key("cancelled rotation", `{"recoverable":true}`)
	k.opens(old)
	k.opens(m.rotate(k, `{"grace_seconds":3600}`))
	m.do("owner", "POST", k.path()+"/rotation/cancel", "")

	k, old = m.key("announced", "")
	k.opens(old)
	m.do("owner", "PUT", k.path()+"/rotation-policy", `{"every_days":7,"notify_days_before":6}`)

	policy := func(days int, reader string) string {
		return fmt.Sprintf(`{"every_days":%d,"notify_days_before":7,"principal":%q}`, days, reader)
	}
	keys := map[string]*recordedKey{}
	for _, name := range []string{"delivered", "undelivered", "delivery refused"} {
		k, old = m.key(name, "")
		k.opens(old)
		keys[name] = k
	}
	const day = 24 * time.Hour
	m.do("owner", "PUT", keys["delivered"].path()+"/rotation-policy", policy(30, role))
	m.do("owner", "PUT", keys["undelivered"].path()+"/rotation-policy", policy(30, role))
	m.job(fmt.Sprintf(`{"job":"rotation","due_by":%q}`, m.in(30*day)))
	m.do("owner", "PUT", keys["delivery refused"].path()+"/rotation-policy", policy(10, refusedReader))
	m.s.invoke(m.t, "RotatorFunction", fmt.Sprintf(`{"job":"rotation","due_by":%q}`, m.in(10*day))) // may say that it has failed
	k = keys["delivered"]
	k.opens(m.delivered(k))
	// Rotated manually after a delivery: the job has to deliver again, and hasn't run.
	k = keys["undelivered"]
	m.do("owner", "POST", k.path()+"/rotation/end", "")
	k.Calls = nil
	k.opens(m.delivered(k))
	k.opens(m.rotate(k, `{"grace_seconds":2592000}`))

	k, old = m.key("to be delivered", "")
	k.opens(old)
	m.do("owner", "PUT", k.path()+"/rotation-policy", policy(30, role))
	m.prepared(policy(30, role))
}

// invoke calls a function, whatever it answers.
func (s *stack) invoke(t testing.TB, function, event string) answer {
	t.Helper()
	res, err := http.Post(s.ControlURL+"/2015-03-31/functions/"+function+"/invocations", "application/json", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	return received(t, res)
}

// secretName is the name under which a key with a rotation policy is delivered: since a policy says it, the stack's name is in it.
func (m *maker) secretName(k *recordedKey) string {
	stack := ""
	policy, _ := m.do("owner", "GET", k.path(), "")["rotation_policy"].(map[string]any)
	if _, said := policy["delivered_as"]; said {
		stack = "latchkey/"
	}
	return "latchkey/" + stack + strings.TrimPrefix(k.Account, "/v1/accounts/") + "/" + k.ID
}

// delivered reads a key's secret where its reader does.
func (m *maker) delivered(k *recordedKey) string {
	name := m.secretName(k)
	out, err := m.s.secretsAs(role).GetSecretValue(m.t.Context(), &sm.GetSecretValueInput{SecretId: &name})
	if err != nil {
		m.t.Fatal(err)
	}
	return *out.SecretString
}

// prepared leaves a rotation by Secrets Manager between its second step and its last.
func (m *maker) prepared(policy string) {
	k, old := m.key("prepared", "")
	k.opens(old)
	m.do("owner", "PUT", k.path()+"/rotation-policy", policy)
	arn := "arn:aws:secretsmanager:us-east-1:000000000000:secret:" + m.secretName(k) + "-AbCdEf"
	for _, step := range []string{"createSecret", "setSecret"} {
		m.job(fmt.Sprintf(`{"Step":%q,"SecretId":%q,"ClientRequestToken":"0f5c1c1e-5d3b-4d57-9f6e-3a0d1c2b4e5f"}`, step, arn))
	}
}

func (m *maker) job(event string) { m.s.job(m.t, event) }

func (m *maker) makeLimits() {
	m.limited("limited", "", 3, 3)
	m.limited("limited for a time", `,"ends_at":"`+m.in(60*24*time.Hour)+`"`, 4, 4)
	k, secret := m.key("lowered", "")
	m.do("owner", "PUT", k.path()+"/limits/search", `{"qps":2}`)
	k.answers(200, "", recordedCall{Secret: secret, Path: searchPath, Limit: 2})

	for _, status := range []string{"pending", "rejected", "withdrawn"} {
		k, secret := m.keyOf("enterprise_owner", m.Enterprise, "request "+status, "")
		k.opens(secret)
		id := m.request(k, "")
		m.Requests[status] = id
		switch status {
		case "rejected":
			m.do("operator", "POST", m.Enterprise+"/qps-requests/"+id+"/reject", `{"comment":"Not now."}`)
		case "withdrawn":
			m.do("enterprise_owner", "POST", m.Enterprise+"/qps-requests/"+id+"/withdraw", "")
		}
	}
}

// makePeople invites three: one is waited for, one has come, one was told not to.
func (m *maker) makePeople() {
	invite := func(role, person string) map[string]any {
		return m.do("owner", "POST", m.SelfServe+"/invitations", `{"role":"`+role+`","email":"`+person+`@example.com"}`)
	}
	m.do("enterprise_owner", "POST", "/v1/invitations/accept", `{"token":"`+invite("viewer", "enterprise_owner")["token"].(string)+`"}`)
	m.do("owner", "DELETE", m.SelfServe+"/invitations/"+invite("viewer", "new")["id"].(string), "")
	m.Invitation = invite("developer", "new")["token"].(string)
	m.do("operator", "PUT", "/v1/operators/second", `{"email":"second@example.com"}`)
}
