package apigw

import (
	"errors"
	"strings"
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/origin"
)

// TestAQuotaIsToldBesideTheLimitASecond: by group and period in RateLimit, by both policies in RateLimit-Policy, and "key." before the
// name where it is the key's cap.
func TestAQuotaIsToldBesideTheLimitASecond(t *testing.T) {
	for _, c := range []struct {
		l             Limited
		limit, policy string
	}{
		{
			Limited{Class: "map-display.tiles", QPS: 50, RetryAfter: 41, Quota: Quota{Group: "tiles", Calls: 9000, Period: "month", Seconds: 2592000}},
			`"tiles.month";r=0;t=41`, `"map-display.tiles";q=50;w=1, "tiles.month";q=9000;w=2592000`,
		},
		{
			Limited{Class: "search", QPS: 5, RetryAfter: 7, Quota: Quota{Key: true, Group: "other", Calls: 20, Period: "day", Seconds: 86400}},
			`"key.other.day";r=0;t=7`, `"search";q=5;w=1, "key.other.day";q=20;w=86400`,
		},
	} {
		a := parse(t, OverLimit(nil, "arn:stage", "key_1", c.l))
		if a.Context["code"] != "quota_exceeded" || a.Context["detail"] != Detail("quota_exceeded") || a.Context["rateLimit"] != c.limit || a.Context["rateLimitPolicy"] != c.policy {
			t.Errorf("%+v: %q", c.l, a.Context)
		}
	}
}

// TestAValueOfTheContextHasPlainCharactersAlone: each of ASCII, and what isn't ASCII at all.
func TestAValueOfTheContextHasPlainCharactersAlone(t *testing.T) {
	const stays = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
	for c := range 256 {
		want := "-"
		if strings.IndexByte(stays, byte(c)) >= 0 {
			want = string(rune(c))
		}
		if got := string(appendSafe(nil, string([]byte{byte(c)}))); got != want {
			t.Errorf("byte %d is written %q", c, got)
		}
	}
}

// TestAnAnswerHasThePrincipalOfItsKey, and one without a key "none": the gateway takes no empty one.
func TestAnAnswerHasThePrincipalOfItsKey(t *testing.T) {
	for key, want := range map[apikey.ID]string{"key_1": "key_1", "": "none"} {
		for what, answer := range map[string][]byte{
			"allow": Allow(nil, "arn:stage", "k", Grant{Key: key}), "deny": Deny(nil, "arn:stage", key, "domain_not_allowed"), "over": OverLimit(nil, "arn:stage", key, Limited{}),
		} {
			if got := parse(t, answer).PrincipalID; got != want {
				t.Errorf("%s of %q is for %q", what, key, got)
			}
		}
	}
}

// TestAMethodARNIsTakenWholeOrNotAtAll: each of its parts missing, and a stage of every kind of character that one may have.
func TestAMethodARNIsTakenWholeOrNotAtAll(t *testing.T) {
	for arn, want := range map[string][2]string{
		"arn:aws:execute-api:eu-west-1:1:api/v1_Beta-Z9/GET/map/1": {"arn:aws:execute-api:eu-west-1:1:api/v1_Beta-Z9", "/map/1"},
		"arn:aws-cn:execute-api:cn-north-1:1:API/aAzZ09/PATCH/":    {"arn:aws-cn:execute-api:cn-north-1:1:API/aAzZ09", "/"},
		"arn:a/b/c//": {"arn:a/b", "//"},
	} {
		e, err := decode([]byte(`{"methodArn":"` + arn + `"}`))
		if err != nil || e.Stage != want[0] || e.RoutePath != want[1] {
			t.Errorf("%s: %q, %q, %v", arn, e.Stage, e.RoutePath, err)
		}
	}
	for _, arn := range []string{
		"", "/prod/GET/", "aws:execute-api:1:api/prod/GET/", "ARN:aws:execute-api:1:api/prod/GET/", "arn:aws:execute-api:1:api//GET/", "arn:aws:execute-api:1:api/prod/GET",
		"arn:aws:execute-api:1:api/prod//", "arn:aws:execute-api:1:api/prod/", "arn:aws:execute-api:1:api/pr?d/GET/", "arn:aws:execute-api:1:api/pr d/GET/", "arn:aws:execute-api:1:api/{d/GET/",
		"arn:aws:execute-api:1:api/`d/GET/", "arn:aws:execute-api:1:api/[d/GET/", "arn:aws:execute-api:1:api/@d/GET/", "arn:aws:execute-api:1:api/;d/GET/", "arn:aws:execute-api:1:api/.d/GET/",
	} {
		if e, err := decode([]byte(`{"methodArn":"` + arn + `"}`)); !errors.Is(err, ErrEvent) {
			t.Errorf("%q is taken: %q, %q", arn, e.Stage, e.RoutePath)
		}
	}
}

// TestOnlyTheirOwnNamesNameThem: a header or parameter whose name is as long, or folds to theirs beyond ASCII, is another.
func TestOnlyTheirOwnNamesNameThem(t *testing.T) {
	const value = "https://a.example"
	sources := func(e Event) map[string]int {
		return map[string]int{
			"x-api-key": e.APIKeyHeader.Singles, "origin": e.Origin.Singles, "referer": e.Referer.Singles, "x-android-package": e.AndroidPackage.Singles,
			"x-android-cert": e.AndroidCert.Singles, "x-ios-bundle-identifier": e.IOSBundle.Singles, "key": e.Key.Singles, "api_key": e.APIKey.Singles,
		}
	}
	for name := range sources(Event{}) {
		in, wrongs := "headers", []string{name[:len(name)-1] + "~", "~" + name[1:], strings.ReplaceAll(name, "r", "2"), strings.ReplaceAll(name, "-", "\r")}
		if name == "key" || name == "api_key" {
			in, wrongs = "queryStringParameters", []string{strings.ToUpper(name), name[:len(name)-1] + "~"}
		}
		for _, wrong := range append(wrongs, name) {
			want := 0
			if wrong == name {
				want = 1
			}
			e, err := decode([]byte(`{` + arn + `,"` + in + `":{"` + strings.ReplaceAll(wrong, "\r", `\r`) + `":"` + value + `"}}`))
			if err != nil {
				t.Fatal(err)
			}
			for source, n := range sources(e) {
				if source == name && n != want || source != name && n != 0 {
					t.Errorf("%q is taken for %s %d times", wrong, source, n)
				}
			}
		}
	}
	for name, want := range map[string]origin.Presence{"ORIGIN": origin.Known, "orIgin": origin.Known, "REFERER": origin.Known} {
		e, err := decode([]byte(`{` + arn + `,"headers":{"` + name + `":"` + value + `/"}}`))
		if name != "REFERER" {
			e, err = decode([]byte(`{` + arn + `,"headers":{"` + name + `":"` + value + `"}}`))
		}
		if _, got := e.CallerOrigin(); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

// TestMapsAndWhatIsInThemMayBeNull, each alone, as API Gateway sends what a call doesn't have; no other kind of value may stand there.
func TestMapsAndWhatIsInThemMayBeNull(t *testing.T) {
	for _, members := range []string{
		`"path":null`, `"resource":null`, `"headers":null`, `"multiValueHeaders":null`, `"queryStringParameters":null`, `"multiValueQueryStringParameters":null`, `"requestContext":null`,
		`"requestContext":{"requestId":null,"extendedRequestId":null,"identity":null}`, `"headers":{"Origin":null}`, `"multiValueHeaders":{"Origin":null,"Referer":[null]}`,
	} {
		if _, err := decode([]byte(`{` + arn + `,` + members + `}`)); err != nil {
			t.Errorf("%s: %v", members, err)
		}
		for _, other := range []string{"1", "true", `[{}]`, `{"Origin":{"a":1},"key":{"a":1},"requestId":{"a":1}}`} {
			if _, err := decode([]byte(`{` + arn + `,` + strings.Replace(members, "null", other, 1) + `}`)); !errors.Is(err, ErrEvent) {
				t.Errorf("%s for null in %s is taken", other, members)
			}
		}
	}
}
