package contract

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// ofAccount are the properties that are names of the account or the region. Two stacks must differ in them, or leave them out: then
// CloudFormation makes a name.
var ofAccount = map[string][]string{
	"AWS::Serverless::Function": {"FunctionName"}, "AWS::DynamoDB::Table": {"TableName"}, "AWS::S3::Bucket": {"BucketName"},
	"AWS::SecretsManager::Secret": {"Name"}, "AWS::IAM::Role": {"RoleName"}, "AWS::Events::EventBus": {"Name"},
	"AWS::Logs::LogGroup": {"LogGroupName"}, "AWS::CloudWatch::Alarm": {"AlarmName"}, "AWS::CloudWatch::Dashboard": {"DashboardName"},
	"AWS::Cognito::UserPool": {"UserPoolName"}, "AWS::Cognito::UserPoolDomain": {"Domain"}, "AWS::ApiGateway::ApiKey": {"Name", "Value"},
	"AWS::ApiGateway::UsagePlan": {"UsagePlanName"}, "AWS::WAFv2::WebACL": {"Name"}, "AWS::Serverless::Api": {"Name"},
}

// ofOneStack reports whether a text of a rendered template is another in each stack.
func ofOneStack(text string) bool {
	return strings.Contains(text, "${AWS::StackName}") || strings.Contains(text, "${AWS::StackId}")
}

// Two stacks in one account and region: neither takes the other's names, rings its alarms, or touches what is the other's.
func TestTwoStacksInOneAccountDontMeet(t *testing.T) {
	on := []string{"UpstreamUrl", "https://example.com", "AccessLogs", "on", "CallsPerAddress", "100", "AlarmTopicArn", topic}
	inAccount := regexp.MustCompile(`\$\{AWS::AccountId\}:([^\s\]]+)`)
	names, metrics, rights := 0, 0, 0
	for file, d := range map[string]document{
		"template.yaml": render(t, "template.yaml", on...), "infra/alarms.yaml": nested(t, "Alarms", on...), "infra/dashboard.yaml": nested(t, "Dashboard", on...),
	} {
		for id := range d.Resources {
			kind := fmt.Sprint(at(d.Resources, id, "Type"))
			p := d.properties(t, id)
			for _, name := range ofAccount[kind] {
				if v, given := p[name]; given {
					names++
					if !ofOneStack(fmt.Sprint(v)) {
						t.Errorf("%s: two stacks would share the %s %v of %s", file, name, v, id)
					}
				}
			}
			if kind == "AWS::CloudWatch::Alarm" {
				for _, q := range queries(t, p) {
					if q.expression == "" && !strings.HasPrefix(q.namespace, "AWS/") {
						metrics++
						if !ofOneStack(q.namespace) {
							t.Errorf("%s: two stacks would ring %s, by metrics of %s", file, id, q.namespace)
						}
					}
				}
			}
			for _, m := range inAccount.FindAllStringSubmatch(fmt.Sprint(p), -1) {
				rights++
				// What a reference names is the stack's own. A key's policy has to name the account's root.
				if !strings.Contains(m[1], "${") && m[1] != "root" {
					t.Errorf("%s: %s reaches what is another stack's: %s", file, id, m[1])
				}
			}
		}
	}
	for _, w := range widgets(t) {
		for _, l := range w.lines(t) {
			if !strings.HasPrefix(l.metric, "AWS/") && !ofOneStack(l.metric) {
				t.Errorf("%q shows another stack's %s", w.Properties.Title, l.metric)
			}
		}
	}
	if names < 20 || metrics < 8 || rights < 3 {
		t.Errorf("only %d names, %d metrics of ours and %d rights were looked at", names, metrics, rights)
	}
}
