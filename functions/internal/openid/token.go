package openid

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"

	"latchkey/shared/strictjson"
)

// ErrToken says that a token isn't valid. Any other error of Verify is a breakdown: the issuer can't be asked.
var ErrToken = errors.New("openid: the token is not valid")

// maxToken is the size of the largest token that is read, in bytes.
const maxToken = 16 << 10

// lastSecond is 9999-12-31T23:59:59Z, the last moment of a claim.
const lastSecond = 253402300799

// claimNames are the registered claims and those of our own, by which a token is judged or a person is named. A claim
// whose name differs from one of these by case alone spoils the whole token.
var claimNames = []string{
	"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "scp", "token_use", "token_type", "typ", "cnf", "act",
	"nonce", "at_hash", "c_hash", "s_hash", "auth_time", "acr", "amr", "sid", "events", "origin_jti",
	"email", "email_verified", "name", "_claim_names", "_claim_sources",
}

// headerNames are the registered members of a JOSE header (RFC 7515, 7516, 7797).
var headerNames = []string{
	"alg", "typ", "cty", "kid", "crit", "jku", "jwk", "x5u", "x5c", "x5t", "x5t#S256", "b64", "enc", "zip", "nonce", "url",
}

// Claims are the claims of a token that the issuer signed. The names are exact.
type Claims struct {
	Type     string // the typ of the header
	Subject  string
	Audience []string
	Nonce    string

	checked *oidc.IDToken
	members map[string]json.RawMessage
}

// Has reports whether there is a claim, null included.
func (c Claims) Has(name string) bool { _, ok := c.members[name]; return ok }

// Text is a claim that is a string. ok is false where it is there and something else.
func (c Claims) Text(name string) (text string, ok bool) {
	raw, there := c.members[name]
	if !there {
		return "", true
	}
	return text, len(raw) > 0 && raw[0] == '"' && json.Unmarshal(raw, &text) == nil
}

// Raw is a claim as the token has it.
func (c Claims) Raw(name string) string { return string(c.members[name]) }

// Binds reports whether the token's at_hash is that of an access token.
func (c Claims) Binds(access string) bool {
	return c.checked != nil && c.checked.VerifyAccessToken(access) == nil
}

// peek reads a token strictly before anything else sees it. Nothing of it is to be trusted until its signature is checked.
func peek(token string) (Claims, error) {
	parts := strings.Split(token, ".")
	if len(token) > maxToken || len(parts) != 3 {
		return Claims{}, refused("form")
	}
	header, err := part(parts[0], headerNames)
	if err != nil {
		return Claims{}, err
	}
	members, err := part(parts[1], claimNames)
	if err != nil {
		return Claims{}, err
	}
	c := Claims{members: members}
	var ok [4]bool
	c.Type, ok[0] = Claims{members: header}.Text("typ")
	c.Subject, ok[1] = c.Text("sub")
	c.Nonce, ok[2] = c.Text("nonce")
	_, ok[3] = c.Text("iss")
	if ok != [4]bool{true, true, true, true} {
		return Claims{}, refused("a claim of another type")
	}
	if c.Audience, err = audience(members["aud"]); err != nil {
		return Claims{}, err
	}
	for _, name := range []string{"exp", "nbf", "iat", "auth_time"} {
		if raw, there := members[name]; there && !moment(string(raw)) {
			return Claims{}, refused(name + " is no time")
		}
	}
	return c, nil
}

func refused(why string) error { return fmt.Errorf("%w: %s", ErrToken, why) }

func part(text string, known []string) (map[string]json.RawMessage, error) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") {
		return nil, refused("form")
	}
	members, err := strictjson.Object(raw, known...)
	switch {
	case errors.Is(err, strictjson.ErrDuplicate):
		return nil, refused("a name twice")
	case errors.Is(err, strictjson.ErrName):
		return nil, refused("a name in another case")
	case err != nil:
		return nil, refused("form")
	}
	return members, nil
}

func audience(raw json.RawMessage) ([]string, error) {
	if raw == nil {
		return nil, nil
	}
	var one string
	if raw[0] == '"' && json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []*string
	if raw[0] != '[' || json.Unmarshal(raw, &many) != nil {
		return nil, refused("aud")
	}
	list := make([]string, 0, len(many))
	for _, a := range many {
		if a == nil {
			return nil, refused("aud")
		}
		list = append(list, *a)
	}
	return list, nil
}

// moment reports whether a claim is a JSON number of seconds that a clock can show.
func moment(raw string) bool {
	if len(raw) > 40 || raw == "" || (raw[0] != '-' && (raw[0] < '0' || raw[0] > '9')) {
		return false
	}
	if _, exponent, ok := strings.Cut(strings.ToLower(raw), "e"); ok && len(strings.TrimLeft(exponent, "+-0")) > 2 {
		return false
	}
	n, ok := new(big.Rat).SetString(raw)
	return ok && n.Sign() >= 0 && n.Cmp(big.NewRat(lastSecond, 1)) <= 0
}
