package contract

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// need is a property that protects something, with what happens without it.
type need struct {
	path string
	want any // nil: the property isn't there
	why  string
}

func (n need) check(t *testing.T, id string, properties object) {
	t.Helper()
	if got := at(properties, strings.Split(n.path, ".")...); !reflect.DeepEqual(got, n.want) {
		t.Errorf("%s: %s is %v, want %v: %s", id, n.path, got, n.want, n.why)
	}
}

// needs hold for every resource of a type, those to come as well.
var needs = map[string][]need{
	"AWS::S3::Bucket": {
		{"PublicAccessBlockConfiguration.BlockPublicAcls", true, "anybody could be let in by a list"},
		{"PublicAccessBlockConfiguration.BlockPublicPolicy", true, "anybody could be let in by a policy"},
		{"PublicAccessBlockConfiguration.IgnorePublicAcls", true, "lists of before would still let anybody in"},
		{"PublicAccessBlockConfiguration.RestrictPublicBuckets", true, "policies of before would still let anybody in"},
		{"OwnershipControls.Rules.0.ObjectOwnership", "BucketOwnerEnforced", "objects could have other owners and lists of their own"},
		{"AccessControl", nil, "lists are not how access is given"},
		{"WebsiteConfiguration", nil, "a website is public"},
		{"CorsConfiguration", nil, "no browser reads it"},
		{"BucketName", nil, "a name of its own prevents a second stack"},
		{"BucketEncryption.ServerSideEncryptionConfiguration.0.ServerSideEncryptionByDefault.SSEAlgorithm", "AES256", "records would lie in clear"},
		{"LifecycleConfiguration.Rules.0", object{"Id": "expire", "Status": "Enabled", "ExpirationInDays": 90}, "records of customers would be kept for ever"},
		{"LifecycleConfiguration.Rules.1", object{"Id": "parts", "Status": "Enabled", "AbortIncompleteMultipartUpload": object{"DaysAfterInitiation": 1}}, "half uploads would be paid for ever"},
		{"VersioningConfiguration", nil, "what expires would be kept as an old version"},
	},
	"AWS::Cognito::UserPool": {
		{"AutoVerifiedAttributes", list{"email"}, "accounts go by e-mail, and nobody would have shown that it is theirs"},
		{"UserAttributeUpdateSettings.AttributesRequireVerificationBeforeUpdate", list{"email"}, "somebody could take over another's address by changing to it"},
		{"UsernameAttributes", list{"email"}, "people sign in with their address"},
		{"UsernameConfiguration.CaseSensitive", false, "Ann@ and ann@ would be two people"},
		{"AccountRecoverySetting.RecoveryMechanisms", list{object{"Name": "verified_email", "Priority": 1}}, "a telephone number could be moved to another card"},
		{"MfaConfiguration", "OPTIONAL", "people could not protect themselves better"},
		{"EnabledMfas", list{"SOFTWARE_TOKEN_MFA"}, "messages to telephones can be caught"},
		{"Policies.PasswordPolicy.MinimumLength", 12, "length is what makes passwords hold"},
		{"DeletionProtection", "ACTIVE", "everybody would lose their account with the pool"},
		{"UserPoolTier", "ESSENTIALS", "managed login needs it, and a trigger that adds to access tokens"},
		{"LambdaConfig", object{"PreTokenGenerationConfig": object{"LambdaArn": "${TokensFunction.Arn}", "LambdaVersion": "V2_0"}}, "access tokens would have no address, or something else of ours would stand in sign-in"},
	},
	"AWS::Cognito::UserPoolClient": {
		{"GenerateSecret", false, "the console is a public client with PKCE"},
		{"AllowedOAuthFlowsUserPoolClient", true, "the code flow would be refused"},
		{"AllowedOAuthFlows", list{"code"}, "the implicit flow puts tokens into addresses"},
		{"AllowedOAuthScopes", list{"openid", "email", "profile"}, "aws.cognito.signin.user.admin would let a token change its owner"},
		{"SupportedIdentityProviders", list{"COGNITO"}, "there is no other provider"},
		{"PreventUserExistenceErrors", "ENABLED", "anybody could ask who has an account"},
		{"EnableTokenRevocation", true, "signing out would leave the refresh token alive"},
		{"ExplicitAuthFlows", nil, "passwords would be taken outside of the sign-in page"},
		{"AccessTokenValidity", 1, "a stolen token is good for so long"},
		{"IdTokenValidity", 1, "the same"},
		{"RefreshTokenValidity", 1, "a session lasts 12 h"},
		{"TokenValidityUnits", object{"AccessToken": "hours", "IdToken": "hours", "RefreshToken": "days"}, "1 would be another time"},
	},
	"AWS::Serverless::Api": {
		{"EndpointConfiguration", object{"Type": "REGIONAL"}, "EDGE adds a distribution of AWS's, PRIVATE nobody reaches"},
		{"DisableExecuteApiEndpoint", false, "the stack's own addresses are made of it"},
		{"CacheClusterEnabled", nil, "one caller would be given another's answer"},
		{"MinimumCompressionSize", nil, "secrets beside what a caller chooses are not compressed"},
		{"Cors", nil, "SAM's pre-flights fail under binary media types"},
		{"CanarySetting", nil, "a part of the calls would go elsewhere"},
		{"BinaryMediaTypes", list{"*~1*"}, "images would be broken"},
		{"AlwaysDeploy", true, "a change of a parameter would never reach the stage"},
		{"MethodSettings.0.HttpMethod", "*", "some methods would have no throttle"},
		{"MethodSettings.0.ResourcePath", "/*", "some paths would have no throttle"},
		{"MethodSettings.0.CachingEnabled", nil, "one caller would be given another's answer"},
		{"MethodSettings.0.MetricsEnabled", true, "metrics by route are how a slow one is found"},
	},
	"AWS::Serverless::Function": {
		{"FunctionUrlConfig", nil, "the function could be called around its API"},
		{"ReservedConcurrentExecutions", nil, "calls would be refused"},
		{"VpcConfig", nil, "it would reach AWS by no way"},
		{"AutoPublishCodeSha256", nil, "a version would be kept though the code has changed"},
		{"Layers", nil, "nothing of others' runs inside"},
	},
	"AWS::DynamoDB::Table": {
		{"BillingMode", "PAY_PER_REQUEST", "a burst would be throttled"},
		{"SSESpecification.SSEEnabled", true, "records would lie under AWS's key"},
		{"ResourcePolicy", nil, "the roles are how access is given"},
		{"ProvisionedThroughput", nil, "a burst would be throttled"},
	},
	"AWS::Logs::LogGroup": {
		{"RetentionInDays", "7", "logs are kept as long as the parameter says"},
	},
	"AWS::KMS::Key": {
		{"EnableKeyRotation", true, "the key's material would never change"},
		{"Enabled", nil, "delivered secrets could not be read"},
	},
	"AWS::Events::EventBus": {
		{"Name", "${AWS::StackName}", "two stacks would share it"},
	},
	"AWS::ApiGateway::ApiKey": {
		{"Enabled", true, "every allowed call would be 429"},
		{"Name", nil, "a second stack could not be made"},
	},
}

func TestEveryProtectionIsOn(t *testing.T) {
	d := render(t, "template.yaml", "UpstreamUrl", "https://example.com", "AccessLogs", "on", "LogRetentionDays", "7")
	for kind, list := range needs {
		found := d.ofType(kind)
		if len(found) == 0 {
			t.Errorf("there is no %s", kind)
		}
		for id, p := range found {
			for _, n := range list {
				n.check(t, id, p)
			}
		}
	}
}

// keptAlways are the resources whose loss can't be made good: they stay when the stack goes.
var keptAlways = map[string]string{
	"ControlTable": "keys and accounts", "GateTable": "the gate's records", "SlicesTable": "usage that isn't counted yet", "CountersTable": "usage", "QuotasTable": "calls taken out of quotas", "StatementsTable": "what was billed",
	"FailedRecords": "records that were set aside", "KeyringSecret": "without it recoverable secrets can't be revealed",
	"DeliveryKey": "without it delivered secrets can't be read", "UserPool": "people's accounts",
}

func TestWhatCannotBeMadeAgainIsKept(t *testing.T) {
	for id, r := range render(t, "template.yaml").Resources {
		for _, policy := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if got := stays(at(r, policy)); got != (keptAlways[id] != "") {
				t.Errorf("%s: %s is %v; %s", id, policy, at(r, policy), keptAlways[id])
			}
		}
	}
}

// stays reports whether a resource with this policy stays when its stack goes.
func stays(policy any) bool { return policy == "Retain" || policy == "RetainExceptOnCreate" }

// A first deployment that fails leaves nothing of what it could take away again: each further attempt would leave one more. What is protected from
// deletion it can't take away, and a rollback that tried would fail.
func TestAFailedFirstDeploymentLeavesOnlyWhatIsProtected(t *testing.T) {
	n := 0
	for id, r := range render(t, "template.yaml").Resources {
		if !stays(at(r, "DeletionPolicy")) {
			continue
		}
		n++
		want := "RetainExceptOnCreate"
		if at(r, "Properties", "DeletionProtectionEnabled") == true || at(r, "Properties", "DeletionProtection") == "ACTIVE" {
			want = "Retain"
		}
		if got := at(r, "DeletionPolicy"); got != want {
			t.Errorf("%s: DeletionPolicy is %v, want %s", id, got, want)
		}
		if got := at(r, "UpdateReplacePolicy"); got != "Retain" { // which knows no other
			t.Errorf("%s: UpdateReplacePolicy is %v", id, got)
		}
	}
	if n != len(keptAlways) {
		t.Errorf("%d resources are kept, want %d", n, len(keptAlways))
	}
}

func TestEveryBucketRefusesWhatIsNotEncryptedOnItsWay(t *testing.T) {
	d := render(t, "template.yaml")
	for id := range d.ofType("AWS::S3::Bucket") {
		found := false
		for _, p := range d.ofType("AWS::S3::BucketPolicy") {
			if p["Bucket"] != "${"+id+"}" {
				continue
			}
			want := list{object{
				"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": list{"${" + id + ".Arn}", "${" + id + ".Arn}/*"},
				"Condition": object{"Bool": object{"aws:SecureTransport": "false"}},
			}}
			found = reflect.DeepEqual(at(p, "PolicyDocument", "Statement"), want)
		}
		if !found {
			t.Errorf("%s answers without TLS, or has another policy", id)
		}
	}
}

// conditions are everything that a policy of the stack depends on, by its place and its action, and by its resource where the
// action is there for others too.
var conditions = map[string]object{
	"FailedRecordsPolicy s3:*":             {"Bool": object{"aws:SecureTransport": "false"}},
	"SchedulerRole (trust) sts:AssumeRole": {"StringEquals": object{"aws:SourceAccount": "${AWS::AccountId}"}},
	"RotatorRole kms:GenerateDataKey":      {"StringEquals": object{"kms:ViaService": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}},
	"RotatorRole kms:Decrypt":              {"StringEquals": object{"kms:ViaService": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"}},
	// Whose sessions end, the console's lists of people tell; the sessions themselves are the console's alone.
	"AccountsRole dynamodb:GetItem on ${SessionsTable.Arn}": {"ForAllValues:StringLike": object{"dynamodb:LeadingKeys": list{"person#*"}}},
	"AccountsRole dynamodb:PutItem on ${SessionsTable.Arn}": {"ForAllValues:StringLike": object{"dynamodb:LeadingKeys": list{"person#*"}}},
	"DeliveryKey kms:Decrypt": {
		"StringEquals": object{"kms:ViaService": "secretsmanager.${AWS::Region}.${AWS::URLSuffix}"},
		"StringLike":   object{"kms:EncryptionContext:SecretARN": list{"arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:latchkey/${AWS::StackName}/*"}},
	},
}

func TestPoliciesThatNeedAConditionHaveIt(t *testing.T) {
	left := maps.Clone(conditions)
	for _, s := range statements(render(t, "template.yaml")) {
		for _, a := range s.actions {
			name := s.where + " " + a
			if one := name + " on " + strings.Join(s.resources, " "); conditions[one] != nil {
				name = one
			}
			want, ok := conditions[name]
			delete(left, name)
			if got, _ := s.condition.(object); ok != (s.condition != nil) || ok && !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %s only if %v, want %v", s.where, a, s.condition, want)
			}
		}
	}
	for name := range left {
		t.Errorf("%s is gone", name)
	}
	administration := render(t, "template.yaml").properties(t, "DeliveryKey")
	if got := at(administration, "KeyPolicy", "Statement", "0", "Principal", "AWS"); got != "arn:${AWS::Partition}:iam::${AWS::AccountId}:root" {
		t.Errorf("the delivery key is administered by %v", got)
	}
}

// jobs are the schedules, with what each keeps true.
var jobs = map[string]struct{ when, why string }{
	"rotation": {"rate(5 minutes)", "graces end, due keys are rotated; the alarm RotatorSilent waits for three of them"},
	"purge":    {"cron(17 3 * * ? *)", "deleted keys go after 30 days, to the day"},
	"drift":    {"cron(37 3 * * ? *)", "the alarm GateDrift looks at a day"},
	"resume":   {"rate(10 minutes)", "a run compares some 27,000 keys: a million are done within a day, long before a pass is an error"},
	"suffixes": {"cron(57 3 * * ? *)", "the alarm WidePatterns looks at a day"},
	"keyring":  {"rate(1 hour)", "a new stack has its keyring within an hour"},

	"catalogue": {"rate(1 hour)", "a deployment that narrows a product is told within an hour"},

	"statements": {"rate(1 hour)", "what is set aside is looked at while contributions are kept, which is days"},
	"compare":    {"cron(27 4 * * ? *)", "the alarm StatementsDiffer looks at a day"},

	"quotas": {"rate(1 hour)", "a quota that is reached is told within an hour, whatever was down when it was"},
}

func TestEverySourceOfEventsIsOn(t *testing.T) {
	d := render(t, "template.yaml")
	seen := 0
	for id, p := range d.ofType("AWS::Serverless::Function") {
		events, _ := p["Events"].(object)
		for name, e := range events {
			s := at(e, "Properties")
			if state := at(s, "State"); state != nil && state != "ENABLED" || at(s, "Enabled") == false {
				t.Errorf("%s.%s is switched off", id, name)
			}
			for _, p := range []string{"StartDate", "EndDate", "FlexibleTimeWindow", "ScheduleExpressionTimezone"} {
				if at(s, p) != nil {
					t.Errorf("%s.%s has %s", id, name, p)
				}
			}
			if at(e, "Type") != "ScheduleV2" {
				continue
			}
			seen++
			job := strings.ToLower(name)
			if at(s, "Input") != `{"job":"`+job+`"}` || at(s, "ScheduleExpression") != jobs[job].when {
				t.Errorf("%s runs %v at %v, want %s: %s", name, at(s, "Input"), at(s, "ScheduleExpression"), jobs[job].when, jobs[job].why)
			}
			// A run that failed is tried again, and is not late for the next.
			age, _ := at(s, "RetryPolicy", "MaximumEventAgeInSeconds").(int)
			tries, _ := at(s, "RetryPolicy", "MaximumRetryAttempts").(int)
			if longest := map[string]int{"rotation": 300}[job]; tries < 1 || tries > 3 || age < 60 || age > max(longest, 3600) || longest > 0 && age > longest {
				t.Errorf("%s is tried %d times more in %d s", name, tries, age)
			}
		}
	}
	if seen != len(jobs) {
		t.Errorf("%d schedules for %d jobs", seen, len(jobs))
	}
}

func TestThrottlesAreThoseOfTheirParameters(t *testing.T) {
	d := render(t, "template.yaml", "ProductsRateLimit", "123", "ProductsBurstLimit", "456")
	for id, want := range map[string][2]any{"ProductsApi": {"123", "456"}, "ManagementApi": {200, 400}, "ConsoleApi": {100, 200}} {
		s := at(d.properties(t, id), "MethodSettings", "0")
		if got := [2]any{at(s, "ThrottlingRateLimit"), at(s, "ThrottlingBurstLimit")}; got != want {
			t.Errorf("%s admits %v a second and in a burst, want %v", id, got, want)
		}
	}
	// What overrides the settings of all is for what is called without a token, and for nothing else; it has all of the others.
	bounds := map[string][2]any{}
	for id := range d.ofType("AWS::Serverless::Api") {
		all, _ := d.properties(t, id)["MethodSettings"].(list)
		for _, one := range all[1:] {
			s := one.(object)
			bounds[fmt.Sprint(id, " ", s["HttpMethod"], " ", s["ResourcePath"])] = [2]any{s["ThrottlingRateLimit"], s["ThrottlingBurstLimit"]}
			for name, value := range all[0].(object) {
				if !slices.Contains([]string{"HttpMethod", "ResourcePath", "ThrottlingRateLimit", "ThrottlingBurstLimit"}, name) && !reflect.DeepEqual(s[name], value) {
					t.Errorf("%s: %v has %s %v, want %v as all have", id, s["ResourcePath"], name, s[name], value)
				}
			}
		}
	}
	if want := map[string][2]any{"ManagementApi POST /~1v1~1leaks": {5, 20}, "ManagementApi POST /~1v1~1leaks~1github": {20, 40}}; !reflect.DeepEqual(bounds, want) {
		t.Errorf("bounds of their own: %v, want %v", bounds, want)
	}
	// Everyone who sets nothing has a burst of at least a second's calls.
	s := at(render(t, "template.yaml").properties(t, "ProductsApi"), "MethodSettings", "0")
	if at(s, "ThrottlingRateLimit") != "5000" || at(s, "ThrottlingBurstLimit") != "5000" {
		t.Errorf("by default %v", s)
	}
}
