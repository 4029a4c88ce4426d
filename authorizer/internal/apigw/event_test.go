package apigw

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"latchkey/shared/appid"
	"latchkey/shared/authz"
	"latchkey/shared/origin"
	"latchkey/shared/product"
)

func sample(t testing.TB) []byte {
	t.Helper()
	text, err := os.ReadFile("testdata/request.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestDecodeReadsAnEventOfAPIGateway(t *testing.T) {
	e, err := decode(sample(t))
	if err != nil {
		t.Fatal(err)
	}
	text, place, code := e.Credential()
	if text != "ak_000000000000000000000000000000000" || place != authz.InQuery || code != "" {
		t.Errorf("credential %v %s", place, code)
	}
	if e.Stage != "arn:aws:execute-api:eu-west-1:123456789012:a1b2c3d4e5/prod" || e.RoutePath != "/map/1/tile/basic/main/3/4/2.png" {
		t.Errorf("stage %q path %q", e.Stage, e.RoutePath)
	}
	if e.RequestID != "c6af9ac6-7b61-11e6-9a41-93e8deadbeef" || e.Resource != "/map/{proxy+}" {
		t.Errorf("request %q resource %q", e.RequestID, e.Resource)
	}
	if got := e.Address().String(); got != "203.0.113.7" || e.App() != (appid.Caller{}) {
		t.Errorf("from %s", got)
	}
	if o, p := e.CallerOrigin(); p != origin.Known || o.String() != "https://www.example.com" {
		t.Errorf("caller %v %v", o, p)
	}
	if target := e.Target(product.Default()); !target.Canonical || target.Match.Class != "map-display.tiles" {
		t.Errorf("target %+v", target)
	}
	if want, ok := referenceDecode(sample(t)); !ok || want != e {
		t.Errorf("the reference reads %+v", want)
	}
}

const arn = `"methodArn":"arn:aws:execute-api:eu-west-1:1:api/prod/GET/map/1"`

func TestDecodeRefusesWhatIsNoEvent(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":            ``,
		"no object":          `[]`,
		"no ARN":             `{}`,
		"ARN twice":          `{` + arn + `,` + arn + `}`,
		"ARN twice, escaped": `{` + arn + `,"method\u0041rn":"arn:aws:x/y/z/"}`,
		"headers twice":      `{` + arn + `,"headers":{},"headers":{}}`,
		"ARN of no stage":    `{"methodArn":"arn:aws:execute-api:eu-west-1:1:api/prod"}`,
		"ARN with wildcard":  `{"methodArn":"arn:aws:execute-api:eu-west-1:1:*/prod/GET/"}`,
		"ARN with a quote":   `{"methodArn":"arn:aws:execute-api:\"/prod/GET/"}`,
		"ARN a number":       `{"methodArn":1}`,
		"headers a list":     `{` + arn + `,"headers":[]}`,
		"key a number":       `{` + arn + `,"queryStringParameters":{"key":1}}`,
		"key list a string":  `{` + arn + `,"multiValueQueryStringParameters":{"key":"a"}}`,
		"key list of lists":  `{` + arn + `,"multiValueQueryStringParameters":{"key":[["a"]]}}`,
		"identity twice":     `{` + arn + `,"requestContext":{"identity":{},"identity":{}}}`,
		"identity a list":    `{` + arn + `,"requestContext":{"identity":[]}}`,
		"address twice":      `{` + arn + `,"requestContext":{"identity":{"sourceIp":"192.0.2.1","sourceIp":"192.0.2.1"}}}`,
		"address a list":     `{` + arn + `,"requestContext":{"identity":{"sourceIp":["192.0.2.1"]}}}`,
		"trailing text":      `{` + arn + `}{}`,
		"trailing comma":     `{` + arn + `,}`,
		"bad escape":         `{` + arn + `,"x":"\x"}`,
		"raw control":        "{" + arn + ",\"x\":\"\x01\"}",
		"bad number":         `{` + arn + `,"x":01}`,
		"bad literal":        `{` + arn + `,"x":nulL}`,
		"no UTF-8":           "{" + arn + ",\"x\":\"\xff\"}",
		"too deep":           `{` + arn + `,"x":` + strings.Repeat("[", 5000) + strings.Repeat("]", 5000) + `}`,
		"cut off":            `{` + arn + `,"headers":{"a":"b"`,
	} {
		if _, err := decode([]byte(text)); !errors.Is(err, ErrEvent) {
			t.Errorf("%s: error %v", name, err)
		}
		if _, ok := referenceDecode([]byte(text)); ok {
			t.Errorf("%s: the reference accepts it", name)
		}
	}
}

func TestCredentialsAreFoundInBothMapsAndInAnyCase(t *testing.T) {
	tests := []struct {
		name, members string
		text          string
		place         authz.Place
		code          authz.Code
	}{
		{"null maps", `"headers":null,"multiValueHeaders":null,"queryStringParameters":null`, "", authz.Nowhere, authz.KeyMissing},
		{"single-value header", `"headers":{"x-API-key":"a"}`, "a", authz.InHeader, ""},
		{"multi-value header", `"multiValueHeaders":{"X-Api-Key":["a"]}`, "a", authz.InHeader, ""},
		{"both", `"multiValueHeaders":{"X-Api-Key":["a"]},"headers":{"X-Api-Key":"a"}`, "a", authz.InHeader, ""},
		{"two headers in two cases", `"multiValueHeaders":{"X-Api-Key":["a"],"x-api-key":["b"]},"headers":{"X-Api-Key":"a","x-api-key":"b"}`, "", authz.Nowhere, authz.KeyAmbiguous},
		{"the member twice", `"headers":{"X-Api-Key":"a","X-Api-Key":"a"}`, "", authz.Nowhere, authz.KeyAmbiguous},
		{"maps disagree", `"multiValueQueryStringParameters":{"key":["a"]},"queryStringParameters":{"key":"b"}`, "", authz.Nowhere, authz.KeyAmbiguous},
		{"parameter in another case is none", `"queryStringParameters":{"KEY":"a"}`, "", authz.Nowhere, authz.KeyMissing},
		{"escaped name", `"queryStringParameters":{"\u006bey":"a"}`, "a", authz.InQuery, ""},
		{"escaped value", `"queryStringParameters":{"key":"\u0061\/\ud83d\ude00\ud800"}`, "a/😀\ufffd", authz.InQuery, ""},
		{"repeated parameter", `"multiValueQueryStringParameters":{"key":["a","a"]},"queryStringParameters":{"key":"a"}`, "", authz.Nowhere, authz.KeyAmbiguous},
		{"a header that imitates one", `"headers":{"x-api-key":"a","X_Latchkey_Account_Id":"acc_2"}`, "", authz.Nowhere, authz.HeaderNotAllowed},
		{"in the multi-value map alone", `"headers":{"x-api-key":"a"},"multiValueHeaders":{"x_api_key":null}`, "", authz.Nowhere, authz.HeaderNotAllowed},
		{"with an escaped name", `"headers":{"x-api-key":"a","\u0058\u005fLatchkey":null}`, "", authz.Nowhere, authz.HeaderNotAllowed},
		{"one that is overwritten", `"headers":{"x-api-key":"a","X-LATCHKEY-Account-Id":"acc_2"}`, "a", authz.InHeader, ""},
		{"a parameter of that name", `"headers":{"x-api-key":"a"},"queryStringParameters":{"X_Latchkey_Account_Id":"acc_2"}`, "a", authz.InHeader, ""},
		{"no key beside it", `"headers":{"X_Api_Key":"a"}`, "", authz.Nowhere, authz.KeyMissing},
		{"empty beside one", `"multiValueQueryStringParameters":{"key":["",null],"api_key":["a"]},"queryStringParameters":{"key":"","api_key":"a"}`, "a", authz.InQuery, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := decode([]byte(`{` + arn + `,` + tt.members + `}`))
			if err != nil {
				t.Fatal(err)
			}
			if text, place, code := e.Credential(); text != tt.text || place != tt.place || code != tt.code {
				t.Errorf("got %q %v %s", text, place, code)
			}
		})
	}
}

func TestTwoOriginsAreNone(t *testing.T) {
	for _, members := range []string{
		`"multiValueHeaders":{"Origin":["https://a.example","https://b.example"]}`,
		`"headers":{"Origin":"https://a.example","origin":"https://b.example"}`,
		`"multiValueHeaders":{"Referer":["https://a.example/","https://b.example/"]}`,
	} {
		e, err := decode([]byte(`{` + arn + `,` + members + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if _, p := e.CallerOrigin(); p != origin.Unreadable {
			t.Errorf("%s: %v", members, p)
		}
	}
}

func TestTargetTrustsNoSinglePath(t *testing.T) {
	const product1 = "map-display"
	tests := []struct {
		name, arnPath, path, resource string
		canonical                     bool
		product                       product.ID
	}{
		{"all agree", "/map/1", "/map/1", "/map/{proxy+}", true, product1},
		{"base path of a domain", "/map/1", "/base/map/1", "/map/{proxy+}", true, product1},
		{"no path", "/map/1", "", "/map/{proxy+}", true, product1},
		{"catch-all route", "/map/1", "/map/1", "/{proxy+}", true, product1},
		{"dots in the ARN", "/map/../search", "/map/1", "/map/{proxy+}", false, ""},
		{"dots in the path", "/map/1", "/map/%2e%2e/search", "/map/{proxy+}", false, ""},
		{"route of another product", "/map/1", "/map/1", "/search/{proxy+}", false, ""},
		{"an escaped slash in both", "/search/2/a%2Fb", "/search/2/a%2Fb", "/search/{proxy+}", true, "search"},
		{"behind a base path too", "/search/2/a%2Fb", "/base/search/2/a%2Fb", "/search/{proxy+}", true, "search"},
		{"decoded by the gateway", "/search/2/a%2Fb", "/search/2/a/b", "/search/{proxy+}", true, "search"},
		{"dots behind one in the path", "/search/2/a", "/search/2/a%2F..%2Fb", "/search/{proxy+}", false, ""},
		{"an escaped slash in the path of another class", "/map/1", "/map/a%2Fb", "/map/{proxy+}", false, ""},
		{"no product", "/nothing", "/nothing", "/nothing", true, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e := Event{RoutePath: tt.arnPath, Path: tt.path, Resource: tt.resource}
			got := e.Target(product.Default())
			if got.Canonical != tt.canonical || got.Match.Product != tt.product {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func decode(payload []byte) (Event, error) {
	e, err := new(Decoder).Decode(payload)
	if err != nil {
		return Event{}, err
	}
	return *e, nil
}

func FuzzDecode(f *testing.F) {
	f.Add(sample(f))
	f.Add([]byte(`{` + arn + `,"headers":{"ORIGIN":"x"},"requestContext":{"requestId":"\ud83d\ude00","x":[1.5e-3,true,null]}}`))
	f.Add([]byte(`{` + arn + `,"multiValueHeaders":{"Referer":["a",null,"b"],"x-api-key":null},"path":null}`))
	f.Add([]byte(` { "methodArn" : "arn:a/b/c/" , "path" : "\u0000\/" } `))
	f.Fuzz(func(t *testing.T, payload []byte) {
		got, err := decode(payload)
		want, ok := referenceDecode(payload)
		if (err == nil) != ok {
			t.Fatalf("error %v, the reference accepts: %v", err, ok)
		}
		if err == nil && got != want {
			t.Fatalf("got  %+v\nwant %+v", got, want)
		}
	})
}

func TestDecodingTheNextEventAllocatesNothing(t *testing.T) {
	payload := sample(t)
	d := new(Decoder)
	if n := testing.AllocsPerRun(200, func() {
		if _, err := d.Decode(payload); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkDecode(b *testing.B) {
	payload := sample(b)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := decode(payload); err != nil {
			b.Fatal(err)
		}
	}
}

// The bytes that plain reads together occur at every place of a string.
func TestQuotedStopsAtTheFirstSpecialCharacter(t *testing.T) {
	for length := range 40 {
		for _, special := range []string{`"`, `\"`, "\x00", "\x1f", `\u0041`, `\x`, "\x7f", "é", "\xff"} {
			for at := range length + 1 {
				text := `{` + arn + `,"requestContext":{"requestId":"` + strings.Repeat("a", at) + special + strings.Repeat("b", length-at) + `"}}`
				got, err := decode([]byte(text))
				want, ok := referenceDecode([]byte(text))
				if ok != (err == nil) || ok && got != want {
					t.Errorf("%q: %+v, %v; the reference reads %+v, %v", text, got, err, want, ok)
				}
			}
		}
	}
}

// TestWhereACallComesFromIsWhatTheGatewaySaw: nothing that a caller can write changes it.
func TestWhereACallComesFromIsWhatTheGatewaySaw(t *testing.T) {
	for members, want := range map[string]string{
		`"requestContext":{"identity":{"sourceIp":"192.0.2.1"}}`:                                              "192.0.2.1",
		`"requestContext":{"identity":{"sourceIp":"2001:DB8::1"}}`:                                            "2001:db8::1",
		`"requestContext":{"identity":{"sourceIp":"::ffff:192.0.2.1"}}`:                                       "192.0.2.1",
		`"headers":{"X-Forwarded-For":"192.0.2.1"},"requestContext":{"identity":{"sourceIp":"198.51.100.1"}}`: "198.51.100.1",
		`"headers":{"sourceIp":"192.0.2.1"},"sourceIp":"192.0.2.1","identity":{"sourceIp":"192.0.2.1"}`:       "",
		`"requestContext":{"sourceIp":"192.0.2.1","identity":{"x":{"sourceIp":"192.0.2.1"}}}`:                 "",
		`"requestContext":{"identity":null}`:                                                                  "",
		`"requestContext":{"identity":{"sourceIp":null}}`:                                                     "",
		`"requestContext":{"identity":{"sourceIp":"192.0.2.1, 198.51.100.1"}}`:                                "",
	} {
		e, err := decode([]byte(`{` + arn + `,` + members + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Address().String(); got != want {
			t.Errorf("%s: %s", members, got)
		}
	}
}

// TestACallNamesAnAppByOneHeaderOfEachName, in any case.
func TestACallNamesAnAppByOneHeaderOfEachName(t *testing.T) {
	const cert = "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709"
	app, err := appid.ParseLine("android com.example.app " + cert)
	if err != nil {
		t.Fatal(err)
	}
	for members, want := range map[string]bool{
		`"headers":{"X-Android-Package":"com.example.app","X-Android-Cert":"` + cert + `"}`:                                                                   true,
		`"multiValueHeaders":{"x-android-package":["com.example.app"],"X-ANDROID-CERT":["` + cert + `"]}`:                                                     true,
		`"multiValueHeaders":{"x-android-package":["com.example.app","com.example.app"],"x-android-cert":["` + cert + `"]}`:                                   false,
		`"headers":{"X-Android-Package":"com.example.app","x-android-package":"com.example.app","X-Android-Cert":"` + cert + `"}`:                             false,
		`"queryStringParameters":{"X-Android-Package":"com.example.app","X-Android-Cert":"` + cert + `"}`:                                                     false,
		`"headers":{"X-Android-Package":"com.example.app","X-Android-Cert":"` + cert + `","X-Ios-Bundle-Identifier":"com.example.app"}`:                       false,
		`"headers":{"X-Android-Package":"com.example.app"},"multiValueHeaders":{"X-Android-Package":["com.example.other"],"X-Android-Cert":["` + cert + `"]}`: false,
	} {
		e, err := decode([]byte(`{` + arn + `,` + members + `}`))
		if err != nil {
			t.Fatal(err)
		}
		if got := app.Is(e.App()); got != want {
			t.Errorf("%s: %v", members, got)
		}
	}
}

// TestTheStageIsThisEvents whatever the event before was of.
func TestTheStageIsThisEvents(t *testing.T) {
	arns := []string{
		"arn:aws:execute-api:eu-west-1:1:api/prod/GET/map/1", "arn:aws:execute-api:eu-west-1:1:api/production/GET/map/1",
		"arn:aws:execute-api:eu-west-1:1:api/pro/GET/map/1", "arn:aws:execute-api:eu-west-1:1:ap/prod/GET/map/1",
		"arn:aws:execute-api:eu-west-1:1:api/prod", "arn:aws:execute-api:eu-west-1:1:api/prod/GET", "arn:aws:execute-api:eu-west-1:1:api/prod//map",
		"arn:aws:execute-api:eu-west-1:1:api/prod*/GET/map/1", "",
	}
	for _, before := range arns {
		for _, now := range arns {
			var d Decoder
			_, _ = d.Decode([]byte(`{"methodArn":"` + before + `"}`))
			payload := []byte(`{"methodArn":"` + now + `"}`)
			want, wantErr := decode(slices.Clone(payload))
			got, err := d.Decode(payload)
			if (err == nil) != (wantErr == nil) || err == nil && *got != want {
				t.Errorf("%q behind %q: %+v, %v; alone %+v", now, before, got, err, want)
			}
			clear(payload) // it is the runtime client's to use again, and the stage is kept for the next event
			if err == nil && got.Stage != want.Stage {
				t.Errorf("%q behind %q: the stage is in the payload", now, before)
			}
		}
	}
}
