package contract

import (
	"slices"
	"strings"
	"testing"
)

// TestAFloodFromOneAddressCanBeStopped: on all three APIs, by a limit that is off by default, and without samples of requests,
// which hold URLs and headers.
func TestAFloodFromOneAddressCanBeStopped(t *testing.T) {
	off := render(t, "template.yaml")
	for _, kind := range []string{"AWS::WAFv2::WebACL", "AWS::WAFv2::WebACLAssociation"} {
		if n := len(off.ofType(kind)); n != 0 {
			t.Errorf("%d of %s by default", n, kind)
		}
	}
	d := render(t, "template.yaml", "CallsPerAddress", "2000")
	acl := d.properties(t, "WebAcl")
	rule := at(acl, "Rules", "0")
	if at(acl, "DefaultAction", "Allow") == nil || at(rule, "Action", "Block") == nil || acl["Scope"] != "REGIONAL" {
		t.Errorf("%v", acl)
	}
	rate, _ := at(rule, "Statement", "RateBasedStatement").(object)
	if rate["Limit"] != "2000" || rate["EvaluationWindowSec"] != 300 || rate["AggregateKeyType"] != "IP" {
		t.Errorf("%v", rate)
	}
	for _, visible := range []any{acl, rule} {
		if at(visible, "VisibilityConfig", "SampledRequestsEnabled") != false {
			t.Errorf("requests are sampled, with what they hold: %v", visible)
		}
	}
	var apis []string
	for _, p := range d.ofType("AWS::WAFv2::WebACLAssociation") {
		arn, _ := p["ResourceArn"].(string)
		_, stage, _ := strings.Cut(arn, "::/restapis/")
		apis = append(apis, stage)
	}
	slices.Sort(apis)
	if len(apis) != 3 || len(slices.Compact(apis)) != 3 {
		t.Errorf("associated with %v", apis)
	}
	for api := range d.ofType("AWS::Serverless::Api") {
		if !slices.ContainsFunc(apis, func(stage string) bool { return strings.Contains(strings.ToLower(stage), strings.ToLower(api)) }) {
			t.Errorf("%s has no web ACL: %v", api, apis)
		}
	}
	for _, api := range []string{"ProductsApi", "ManagementApi", "ConsoleApi"} {
		if at(d.properties(t, api), "GatewayResponses", "WAF_FILTERED", "StatusCode") != 429 {
			t.Errorf("%s answers what is blocked as something else than too many calls", api)
		}
	}
}
