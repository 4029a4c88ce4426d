package contract

import (
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// wires lists the needs of single resources, and the effect of another value.
var wires = map[string][]need{
	"GateUsagePlan":       {{"ApiStages", list{object{"ApiId": "${ProductsApi}", "Stage": "${ProductsApi.Stage}"}}, "no allowed call would have a key of its plan: all would be 429"}},
	"GateUsagePlanKey":    {{"KeyId", "${GateApiKey}", "the same"}, {"KeyType", "API_KEY", "the same"}, {"UsagePlanId", "${GateUsagePlan}", "the same"}},
	"UserPoolDomain":      {{"Domain", "latchkey-Select(4, Split(-, Select(2, Split(/, ${AWS::StackId}))))", "a second stack of the region could not be made"}, {"UserPoolId", "${UserPool}", "there would be no sign-in"}, {"ManagedLoginVersion", 2, "branding needs it"}},
	"UserPoolClient":      {{"UserPoolId", "${UserPool}", "there would be no sign-in"}},
	"UserPoolBranding":    {{"UserPoolId", "${UserPool}", "the page would not be made"}, {"ClientId", "${UserPoolClient}", "the page would not be made"}, {"UseCognitoProvidedValues", true, "the page would not be made"}, {"Settings", nil, "one of the two"}},
	"FailedRecordsPolicy": {{"Bucket", "${FailedRecords}", "the bucket would answer without TLS"}},
	"KeyringSecret":       {{"KmsKeyId", nil, "everyone who may read a delivered secret would have its key"}, {"Name", nil, "a second stack could not be made"}, {"GenerateSecretString", nil, "the rotator writes the first ring"}, {"SecretString", nil, "it would stand in the template"}},
	"GatewaySecret":       {{"KmsKeyId", nil, "API Gateway would need the key"}, {"Name", nil, "a second stack could not be made"}, {"SecretString", nil, "it would stand in the template"}},
	"ConsoleFunction":     {{"FunctionName", "${AWS::StackName}-console", "the console's API calls it by this name"}},
	"Authorizer":          {{"MemorySize", "512", "CPU comes with memory; measured with so much"}},
	"Alarms":              {{"Location", "infra/alarms.yaml", "nobody would be told"}},
	"Dashboard":           {{"Location", "infra/dashboard.yaml", "nobody would see"}, {"Parameters.DashboardName", "${AWS::StackName}-${AWS::Region}", "two stacks would share it"}},
}

func TestResourcesAreWiredToEachOther(t *testing.T) {
	d := render(t, "template.yaml", "UpstreamUrl", "https://example.com", "AccessLogs", "on")
	for id, list := range wires {
		for _, n := range list {
			n.check(t, id, d.properties(t, id))
		}
	}
	for id, name := range map[string]string{"ProductsApi": "ProductsApiLogs", "ManagementApi": "ManagementApiLogs", "ConsoleApi": "ConsoleApiLogs"} {
		arn := "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${" + name + "}"
		if got := at(d.properties(t, id), "AccessLogSetting", "DestinationArn"); got != arn {
			t.Errorf("%s writes its access log to %v", id, got)
		}
	}
	for id, p := range render(t, "template.yaml").ofType("AWS::Serverless::Api") {
		if p["AccessLogSetting"] != nil {
			t.Errorf("%s writes an access log though none is wanted", id)
		}
	}
}

// Each function may write to its own log group, be traced, read its own stream and put what fails into the bucket.
func TestRolesAllowWhatLambdaDoesInTheirName(t *testing.T) {
	d := render(t, "template.yaml")
	var all, want []string
	for _, s := range statements(d) {
		for _, a := range s.actions {
			for _, r := range s.resources {
				if byService[a] != "" && !strings.HasPrefix(a, "kms:") {
					all = append(all, s.where+" "+a+" "+r)
				}
				if a == "secretsmanager:CreateSecret" { // with tags
					want = append(want, s.where+" secretsmanager:TagResource "+r)
				}
			}
		}
	}
	for id, p := range d.ofType("AWS::Serverless::Function") {
		role := strings.TrimSuffix(strings.Trim(fmt.Sprint(p["Role"]), "${}"), ".Arn")
		group := strings.Trim(fmt.Sprint(at(p, "LoggingConfig", "LogGroup")), "${}")
		name := strings.ToLower(strings.TrimSuffix(id, "Function"))
		if got := d.properties(t, group)["LogGroupName"]; got != "/latchkey/${AWS::StackName}/"+name {
			t.Errorf("%s logs to %v", id, got)
		}
		want = append(want, role+" logs:CreateLogStream ${"+group+".Arn}", role+" logs:PutLogEvents ${"+group+".Arn}",
			role+" xray:PutTraceSegments *", role+" xray:PutTelemetryRecords *")
		events, _ := p["Events"].(object)
		for _, e := range events {
			stream, _ := at(e, "Properties", "Stream").(string)
			if stream == "" {
				continue
			}
			want = append(want, role+" dynamodb:ListStreams "+strings.Replace(stream, ".StreamArn}", ".Arn}/stream/*", 1),
				role+" s3:PutObject ${FailedRecords.Arn}/*", role+" s3:ListBucket ${FailedRecords.Arn}")
			for _, a := range []string{"DescribeStream", "GetRecords", "GetShardIterator"} {
				want = append(want, role+" dynamodb:"+a+" "+stream)
			}
			if got := at(e, "Properties", "DestinationConfig"); !reflect.DeepEqual(got, object{"OnFailure": object{"Type": "S3", "Destination": "${FailedRecords.Arn}"}}) {
				t.Errorf("%s puts what fails to %v", id, got)
			}
		}
	}
	slices.Sort(all)
	slices.Sort(want)
	for _, l := range without(want, all) {
		t.Errorf("not allowed: %s", l)
	}
	for _, l := range without(all, want) {
		t.Errorf("allowed for nothing: %s", l)
	}
	for _, s := range statements(d) {
		if s.where == "SchedulerRole" && !(slices.Equal(s.actions, []string{"lambda:InvokeFunction"}) && slices.Equal(s.resources, []string{"${RotatorFunction.Arn}", "${JobsFunction.Arn}"})) {
			t.Errorf("the schedules may %v on %v", s.actions, s.resources)
		}
	}
}

// How a stream is read: what it lets through, and how much at once.
func TestStreamsAreReadAsTheirFunctionsNeedIt(t *testing.T) {
	d := render(t, "template.yaml")
	for id, want := range map[string]object{
		// A report is written once or over and over: both are news. Order is kept for each environment, so shards may be shared.
		"CounterFunction.Slices": {
			// From the oldest record: what was written before the mapping was made counts, too.
			"Stream": "${SlicesTable.StreamArn}", "StartingPosition": "TRIM_HORIZON", "BatchSize": 1000, "MaximumBatchingWindowInSeconds": 2, "ParallelizationFactor": 4,
			"FilterCriteria": object{"Filters": list{object{"Pattern": `{"eventName":["INSERT","MODIFY"]}`}}},
		},
		// Every audit row is an event, and the events of an account come in order.
		"EventsFunction.Control": {
			"Stream": "${ControlTable.StreamArn}", "StartingPosition": "TRIM_HORIZON", "BatchSize": 100, "MaximumBatchingWindowInSeconds": 1, "ParallelizationFactor": 1,
			"FilterCriteria": object{"Filters": list{object{"Pattern": `{"eventName":["INSERT"],"dynamodb":{"Keys":{"sk":{"S":[{"prefix":"AUDIT#"}]}}}}`}}},
		},
	} {
		function, event, _ := strings.Cut(id, ".")
		got, _ := at(d.properties(t, function), "Events", event, "Properties").(object)
		for property, value := range want {
			if !reflect.DeepEqual(got[property], value) {
				t.Errorf("%s: %s is %v, want %v", id, property, got[property], value)
			}
		}
	}
}

func TestPreflightLetsBrowsersSendAKey(t *testing.T) {
	n := 0
	for _, r := range routes(render(t, "template.yaml")) {
		integration := at(r.operation, "x-amazon-apigateway-integration")
		if r.method != "options" {
			// Lambda is invoked by POST, whatever the caller's method is.
			if at(integration, "type") == "aws_proxy" && at(integration, "httpMethod") != "POST" {
				t.Errorf("%s %s invokes by %v", r.method, r.path, at(integration, "httpMethod"))
			}
			continue
		}
		n++
		answer := at(integration, "responses", "default")
		headers := map[string]string{
			"Access-Control-Allow-Origin": "'*'", "Access-Control-Allow-Methods": "'GET,HEAD,POST,PUT,PATCH,DELETE,OPTIONS'",
			"Access-Control-Allow-Headers": "'*,X-Api-Key'", "Access-Control-Max-Age": "'7200'", // browsers take no longer
		}
		declared, _ := at(r.operation, "responses", "204", "headers").(object)
		for name, want := range headers {
			if got := at(answer, "responseParameters", "method.response.header."+name); got != want || declared[name] == nil {
				t.Errorf("%s: %s is %v, want %s; declared: %v", r.path, name, got, want, declared[name] != nil)
			}
		}
		if at(answer, "statusCode") != "204" || at(integration, "requestTemplates", "application/json") != `{"statusCode": 204}` {
			t.Errorf("%s answers %v to %v", r.path, at(answer, "statusCode"), at(integration, "requestTemplates"))
		}
	}
	if n == 0 {
		t.Error("no pre-flights")
	}
}

func TestWhatExpiresIsDeleted(t *testing.T) {
	for id, p := range render(t, "template.yaml").ofType("AWS::DynamoDB::Table") {
		if ttl, _ := p["TimeToLiveSpecification"].(object); ttl != nil && ttl["Enabled"] != true {
			t.Errorf("%s keeps for ever what should expire: %v", id, ttl)
		}
	}
}

func TestManagementAnswersInItsOwnStatuses(t *testing.T) {
	responses, _ := render(t, "template.yaml").properties(t, "ManagementApi")["GatewayResponses"].(object)
	want := map[string]any{
		"MISSING_AUTHENTICATION_TOKEN": 404, "INVALID_SIGNATURE": 404, "EXPIRED_TOKEN": 404, "RESOURCE_NOT_FOUND": 404, "BAD_REQUEST_PARAMETERS": 400,
		"BAD_REQUEST_BODY": 400, "REQUEST_TOO_LARGE": 413, "UNSUPPORTED_MEDIA_TYPE": 415, "THROTTLED": 429, "WAF_FILTERED": 429,
		"API_CONFIGURATION_ERROR": 500, "INTEGRATION_FAILURE": 504, "INTEGRATION_TIMEOUT": 504, "DEFAULT_4XX": nil, "DEFAULT_5XX": nil,
	}
	for kind, r := range responses {
		if status, ok := want[kind]; !ok || at(r, "StatusCode") != status {
			t.Errorf("%s: %v, want %v", kind, at(r, "StatusCode"), status)
		}
	}
	if got := at(responses["THROTTLED"], "ResponseParameters", "Headers", "Retry-After"); got != "'1'" || len(responses) != len(want) {
		t.Errorf("Retry-After %v, %d responses", got, len(responses))
	}
}

// What is made once per account: API Gateway alone may take the role, and only to write logs.
func TestTheAccountsRoleIsForLogsAlone(t *testing.T) {
	d := render(t, "infra/account.yaml")
	role := d.properties(t, "ApiGatewayLogsRole")
	trust := list{object{"Effect": "Allow", "Principal": object{"Service": "apigateway.amazonaws.com"}, "Action": "sts:AssumeRole"}}
	if !reflect.DeepEqual(at(role, "AssumeRolePolicyDocument", "Statement"), trust) || role["Policies"] != nil ||
		!slices.Equal(texts(role["ManagedPolicyArns"]), []string{"arn:${AWS::Partition}:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"}) {
		t.Errorf("%v", role)
	}
	if d.properties(t, "ApiGatewayAccount")["CloudWatchRoleArn"] != "${ApiGatewayLogsRole.Arn}" {
		t.Error("the account has another role")
	}
}

// The template makes roles and nested stacks with a transform: a deployment without these capabilities is refused.
func TestDeploymentsHaveTheirCapabilities(t *testing.T) {
	raw, err := os.ReadFile(root + "samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`capabilities = "CAPABILITY_IAM CAPABILITY_AUTO_EXPAND"`, "confirm_changeset = true", "disable_rollback = false", "resolve_s3 = true"} {
		if !strings.Contains(string(raw), "\n"+line+"\n") {
			t.Errorf("samconfig.toml lacks %s", line)
		}
	}
}

// Everyone who deploys in a browser is shown the parameters by groups; the local configuration overrides what there is.
func TestEveryParameterIsShownAndOverridesNameOne(t *testing.T) {
	raw, err := os.ReadFile(root + "template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var source struct {
		Metadata map[string]struct {
			ParameterGroups []struct {
				Parameters []string `yaml:"Parameters"`
			} `yaml:"ParameterGroups"`
		} `yaml:"Metadata"`
	}
	if err := yaml.Unmarshal(raw, &source); err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, g := range source.Metadata["AWS::CloudFormation::Interface"].ParameterGroups {
		shown = append(shown, g.Parameters...)
	}
	slices.Sort(shown)
	if all := parameterNames(t, "template.yaml"); !slices.Equal(shown, all) {
		t.Errorf("shown %v, of %v", shown, all)
	}
	config, err := os.ReadFile(root + "samconfig.toml")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(config)) {
		overrides, ok := strings.CutPrefix(strings.TrimSpace(line), "parameter_overrides = ")
		if !ok {
			continue
		}
		for _, o := range strings.Fields(strings.Trim(overrides, `"`)) {
			if name, _, _ := strings.Cut(o, "="); !slices.Contains(shown, name) {
				t.Errorf("samconfig.toml overrides %s, which is no parameter", name)
			}
		}
	}
}
