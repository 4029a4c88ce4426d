package apigw

import "latchkey/shared/authz"

// Detail explains a refusal with 403 or 429 to the caller's program, and names the remedy. It is empty for what
// is wrong with the credential, where all answers are alike, and for an outage. The gateway puts it into a JSON body without
// escaping.
func Detail(code authz.Code) string {
	switch code {
	case authz.KeyNotInHeader:
		return "This API key is accepted in the header X-Api-Key only. Send it there, and leave it out of the URL."
	case authz.PathNotCanonical:
		return "The path can be read in more than one way. Call it as the reference writes it: no empty or dot segments, no backslashes, and escaped slashes only where the reference has them."
	case authz.ProductNotAllowed:
		return "The path belongs to no product of this API key. Check the path, or add the product to the key."
	case authz.PathNotGranted:
		return "This path was added to the product after the product was added to this API key. An owner of the account can accept the new paths, in the console or through the API."
	case authz.IPNotAllowed:
		return "This API key is for calls from certain networks, and this address is in none of them. Add the network to the key if the caller is yours."
	case authz.AppNotAllowed:
		return "This API key is for certain apps, and the call names none of them. Send the headers that name the app, or add the app to the key."
	case authz.OriginMissing:
		return "This API key is for pages of certain domains, and the call names no page. Let the page send its Referer or Origin, or allow calls without one in the settings of the key."
	case authz.DomainNotAllowed:
		return "This API key is not for pages of this domain. Add the domain to the key if the page is yours."
	case authz.QPSExceeded:
		return "This API key makes more calls a second than its limit, or the keys of its account together do. Wait as Retry-After says, spread the calls, or ask for a higher limit."
	case authz.QuotaExceeded:
		return "This API key has reached its daily cap of such calls, or its account its quota for the day or the month. Wait as Retry-After says, or ask for a higher one."
	default:
		return ""
	}
}
