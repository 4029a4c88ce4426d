package account

// MaxEmail bounds an address (RFC 5321, section 4.5.3.1.3, less the brackets).
const MaxEmail = 254

// AccessClaims returns what is to be added to an access token of the stack's own user pool, by a user's attributes as Cognito has
// them: the address and that it is verified, or nothing. An address that isn't verified says nothing about who somebody is. The
// local runner's issuer takes it too, so that its tokens are like those of a stack.
func AccessClaims(attributes map[string]string) map[string]any {
	email := attributes["email"]
	if attributes["email_verified"] != "true" || email == "" || len(email) > MaxEmail {
		return nil
	}
	return map[string]any{"email": email, "email_verified": "true"} // a text, as Cognito's own attributes are
}
