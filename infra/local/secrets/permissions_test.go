package secrets

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"

	"latchkey/infra/local/iam"
	"latchkey/infra/local/template"
)

const roles = `
Resources:
  F: { Type: AWS::Serverless::Function, Properties: { Role: !GetAtt R.Arn } }
  Ring: { Type: AWS::SecretsManager::Secret }
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies:
        - PolicyName: work
          PolicyDocument:
            Statement:
              - { Effect: Allow, Action: secretsmanager:GetSecretValue, Resource: !Ref Ring }
              - { Effect: Allow, Action: [secretsmanager:CreateSecret, secretsmanager:PutSecretValue], Resource: !Sub "arn:aws:secretsmanager:us-east-1:000000000000:secret:latchkey/mine/*" }
`

// A function may do with each secret what its role says, be the secret there or not, by its name or by its ARN; the secret's own
// policy can forbid more. Everyone who is no function of the stack is as free as before.
func TestAFunctionDoesWhatItsRoleAllows(t *testing.T) {
	tpl, err := template.Parse([]byte(roles), ".", nil)
	if err != nil {
		t.Fatal(err)
	}
	byFunction, err := iam.Roles(tpl)
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Config{Dir: filepath.Join(t.TempDir(), "secrets"), Guard: iam.NewGuard(byFunction, nil)})
	if err != nil {
		t.Fatal(err)
	}
	r := &harness{T: t, server: s, Client: clientOf(s, "local")}
	t.Cleanup(s.Close)
	arn := *r.create("Ring", "one", nil).ARN
	r.create("Ringlet", "two", nil)
	f := clientOf(s, "F")
	read := func(id string) error {
		_, err := f.GetSecretValue(t.Context(), &sm.GetSecretValueInput{SecretId: &id})
		return err
	}
	for _, id := range []string{"Ring", arn} {
		if err := read(id); err != nil {
			t.Errorf("%s: %v", id, err)
		}
	}
	r.refused(read("Ringlet"), "AccessDeniedException")
	r.refused(read("latchkey/mine/a"), "AccessDeniedException") // it may write that, and not read it
	err = read("nothing")
	r.refused(err, "AccessDeniedException")
	if err == nil || !strings.Contains(err.Error(), "User: arn:aws:sts::000000000000:assumed-role/R/F is not authorized to perform: secretsmanager:GetSecretValue on resource: "+
		"arn:aws:secretsmanager:us-east-1:000000000000:secret:nothing because no identity-based policy allows the secretsmanager:GetSecretValue action") {
		t.Error(err)
	}
	create := func(name string, tags ...types.Tag) error {
		_, err := f.CreateSecret(t.Context(), &sm.CreateSecretInput{Name: &name, SecretString: aws.String("x"), Tags: tags})
		return err
	}
	if err := create("latchkey/mine/a"); err != nil {
		t.Error(err)
	}
	r.refused(create("latchkey/others/a"), "AccessDeniedException")
	r.refused(create("latchkey/mine/b", types.Tag{Key: aws.String("k"), Value: aws.String("v")}), "AccessDeniedException") // TagResource is another permission
	_, err = f.ListSecrets(t.Context(), &sm.ListSecretsInput{})
	r.refused(err, "AccessDeniedException")
	must(r.PutResourcePolicy(t.Context(), &sm.PutResourcePolicyInput{SecretId: &arn, ResourcePolicy: aws.String(
		`{"Statement":[{"Effect":"Deny","Principal":"*","Action":"secretsmanager:GetSecretValue","Resource":"*"}]}`,
	)}))(r)
	r.refused(read("Ring"), "AccessDeniedException")
}
