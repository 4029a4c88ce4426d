package gateway

import (
	"testing"

	"github.com/aws/aws-lambda-go/events"
)

// An API answers at its default URL, on a domain of its own, and below a base path of one, at the same routes.
func TestAnAPIAnswersWhereverItIsMounted(t *testing.T) {
	const keys, all = "/v1/accounts/{account}/keys", "/{proxy+}"
	for name, c := range map[string]struct {
		path, resource, proxy, shown string // as API Gateway sends them
		base, own                    string
	}{
		"the default URL":                   {"/v1/accounts/a/keys", keys, "", "/prod/v1/accounts/a/keys", "/prod", "/v1/accounts/a/keys"},
		"a domain":                          {"/v1/accounts/a/keys", keys, "", "/v1/accounts/a/keys", "", "/v1/accounts/a/keys"},
		"a base path":                       {"/manage/v1/accounts/a/keys", keys, "", "/manage/v1/accounts/a/keys", "/manage", "/v1/accounts/a/keys"},
		"a base path of two segments":       {"/api/keys/v1/accounts/a/keys", keys, "", "/api/keys/v1/accounts/a/keys", "/api/keys", "/v1/accounts/a/keys"},
		"a base path named as a route":      {"/v1/v1/accounts/a/keys", keys, "", "/v1/v1/accounts/a/keys", "/v1", "/v1/accounts/a/keys"},
		"a base path named as the stage":    {"/prod/v1/accounts/a/keys", keys, "", "/prod/v1/accounts/a/keys", "/prod", "/v1/accounts/a/keys"},
		"an account named as the base path": {"/manage/v1/accounts/manage/keys", keys, "", "/manage/v1/accounts/manage/keys", "/manage", "/v1/accounts/manage/keys"},
		"a slash at the end":                {"/manage/v1/accounts/a/keys/", keys, "", "/manage/v1/accounts/a/keys/", "/manage", "/v1/accounts/a/keys/"},
		"escapes":                           {"/manage/v1/accounts/a%2Fb/keys", keys, "", "/manage/v1/accounts/a%2Fb/keys", "/manage", "/v1/accounts/a%2Fb/keys"},

		"the root of the default URL":   {"/", "/", "", "/prod/", "/prod", "/"},
		"the same without a slash":      {"/", "/", "", "/prod", "/prod", "/"},
		"the root of a domain":          {"/", "/", "", "/", "", "/"},
		"the root of a base path":       {"/console/", "/", "", "/console/", "/console", "/"},
		"the same with no slash":        {"/console", "/", "", "/console", "/console", "/"},
		"a page":                        {"/console/accounts/a/keys", all, "accounts/a/keys", "/console/accounts/a/keys", "/console", "/accounts/a/keys"},
		"a page at the default URL":     {"/accounts/a/keys", all, "accounts/a/keys", "/prod/accounts/a/keys", "/prod", "/accounts/a/keys"},
		"a page of a domain":            {"/accounts/a", all, "accounts/a", "/accounts/a", "", "/accounts/a"},
		"a page with a slash":           {"/console/accounts/", all, "accounts", "/console/accounts/", "/console", "/accounts/"},
		"a page named as the base path": {"/console/console", all, "console", "/console/console", "/console", "/console"},
		"what doesn't fit":              {"/console/accounts", all, "else", "/console/accounts", "", "/console/accounts"},
		"too short for its resource":    {"/v1/keys", keys, "", "/v1/keys", "", "/v1/keys"},
		"no resource":                   {"/v1/keys", "", "", "/prod/v1/keys", "/prod", "/v1/keys"},
		"no resource and no context":    {"/v1/keys", "", "", "", "", "/v1/keys"},
		"a stage that isn't shown":      {"/v1/accounts/a/keys", keys, "", "", "", "/v1/accounts/a/keys"},
		"two slashes in front":          {"/console/x", all, "x", "//console/x", "/console", "/x"},
		"a host in the context":         {"/x", all, "x", "//evil.example/x", "", "/x"},
		"nothing":                       {"", "/", "", "", "", "/"},
	} {
		var event events.APIGatewayProxyRequest
		event.Path, event.Resource, event.PathParameters = c.path, c.resource, map[string]string{"proxy": c.proxy}
		event.RequestContext.Stage, event.RequestContext.Path = "prod", c.shown
		if base, own := mount(event); base != c.base || own != c.own {
			t.Errorf("%s: %q at %q, want %q at %q", name, own, base, c.own, c.base)
		}
	}
}
