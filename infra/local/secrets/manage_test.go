package secrets

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sm "github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager/types"
)

func TestDeletedSecretIsClosedUntilRestoredAndGoneAfterItsWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newHarness(t)
		ctx := t.Context()
		r.create("s", "one", token("a"))
		id := aws.String("s")
		out := must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}))(r)
		if d := time.Until(*out.DeletionDate); d < 6*24*time.Hour || d > 7*24*time.Hour {
			t.Errorf("deletion in %v", d)
		}
		_, err := r.GetSecretValue(ctx, &sm.GetSecretValueInput{SecretId: id})
		r.refused(err, "InvalidRequestException")
		_, err = r.PutSecretValue(ctx, &sm.PutSecretValueInput{SecretId: id, SecretString: aws.String("x")})
		r.refused(err, "InvalidRequestException")
		_, err = r.CreateSecret(ctx, &sm.CreateSecretInput{Name: id, SecretString: aws.String("x")})
		r.refused(err, "InvalidRequestException")
		_, err = r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id})
		r.refused(err, "InvalidRequestException")
		if d := must(r.DescribeSecret(ctx, &sm.DescribeSecretInput{SecretId: id}))(r); d.DeletedDate == nil {
			t.Error("describe doesn't say that it is deleted")
		}
		must(r.RestoreSecret(ctx, &sm.RestoreSecretInput{SecretId: id}))(r)
		if r.value("s", "") != "one" {
			t.Error("restored without its value")
		}
		must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(7)}))(r)
		time.Sleep(7*24*time.Hour + time.Second)
		_, err = r.RestoreSecret(ctx, &sm.RestoreSecretInput{SecretId: id})
		r.refused(err, "ResourceNotFoundException")
		r.create("s", "new", nil)
		must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}))(r)
		must(r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true)}))(r) // again: no error
		r.create("s", "newer", nil)
		_, err = r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, ForceDeleteWithoutRecovery: aws.Bool(true), RecoveryWindowInDays: aws.Int64(7)})
		r.refused(err, "InvalidParameterException")
		_, err = r.DeleteSecret(ctx, &sm.DeleteSecretInput{SecretId: id, RecoveryWindowInDays: aws.Int64(6)})
		r.refused(err, "InvalidParameterException")
	})
}

func TestEverythingAcknowledgedSurvivesARestartAndFilesArePrivate(t *testing.T) {
	r := newHarness(t)
	must(r.CreateSecret(t.Context(), &sm.CreateSecretInput{
		Name: aws.String("latchkey/a/k"), SecretString: aws.String("one"), ClientRequestToken: token("a"), Description: aws.String("d"), KmsKeyId: aws.String("alias/k"),
		Tags: []types.Tag{{Key: aws.String("key"), Value: aws.String("key_1")}},
	}))(r)
	r.put("latchkey/a/k", "two", token("b"))
	r.create("gone", "x", nil)
	must(r.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("gone"), ForceDeleteWithoutRecovery: aws.Bool(true)}))(r)
	before := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("latchkey/a/k")}))(r)
	if err := os.WriteFile(filepath.Join(r.dir, "left-over.json.tmp"), []byte("{"), 0o600); err != nil { // a write that a kill cut short
		t.Fatal(err)
	}
	r.restart()
	after := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("latchkey/a/k")}))(r)
	if *after.ARN != *before.ARN || *after.KmsKeyId != "alias/k" || *after.Tags[0].Value != "key_1" || !after.CreatedDate.Equal(*before.CreatedDate) || r.stages("latchkey/a/k") != "a:AWSPREVIOUS b:AWSCURRENT" {
		t.Errorf("%+v", after)
	}
	if r.value("latchkey/a/k", "AWSPREVIOUS") != "one" {
		t.Error("the previous value is lost")
	}
	_, err := r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: aws.String("gone")})
	r.refused(err, "ResourceNotFoundException")
	files, _ := filepath.Glob(filepath.Join(r.dir, "*.json"))
	for _, f := range append(files, r.dir) {
		if info, _ := os.Stat(f); info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", f, info.Mode())
		}
	}
	if err := os.WriteFile(files[0], []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(Config{Dir: r.dir}); err == nil {
		t.Error("a broken file is passed over")
	}
}

func TestFailedWriteChangesNothing(t *testing.T) {
	r := newHarness(t)
	r.create("s", "one", token("a"))
	if err := os.RemoveAll(r.dir); err != nil {
		t.Fatal(err)
	}
	_, err := r.PutSecretValue(t.Context(), &sm.PutSecretValueInput{SecretId: aws.String("s"), SecretString: aws.String("two"), ClientRequestToken: token("b")})
	r.refused(err, "InternalServiceError")
	if r.stages("s") != "a:AWSCURRENT" {
		t.Error("what wasn't written is shown")
	}
}

func TestListPagesAndFilters(t *testing.T) {
	r := newHarness(t)
	for i := range 7 {
		must(r.CreateSecret(t.Context(), &sm.CreateSecretInput{
			Name: aws.String(fmt.Sprintf("latchkey/%d", i)), SecretString: aws.String("x"), Tags: []types.Tag{{Key: aws.String("parity"), Value: aws.String(fmt.Sprint(i % 2))}},
		}))(r)
	}
	r.create("other", "x", nil)
	must(r.DeleteSecret(t.Context(), &sm.DeleteSecretInput{SecretId: aws.String("latchkey/6")}))(r)
	names := func(in sm.ListSecretsInput) string {
		var all []string
		pages := sm.NewListSecretsPaginator(r.Client, &in)
		for pages.HasMorePages() {
			for _, s := range must(pages.NextPage(t.Context()))(r).SecretList {
				all = append(all, strings.TrimPrefix(*s.Name, "latchkey/"))
			}
		}
		return strings.Join(all, " ")
	}
	by := func(key types.FilterNameStringType, values ...string) []types.Filter {
		return []types.Filter{{Key: key, Values: values}}
	}
	for want, in := range map[string]sm.ListSecretsInput{
		"0 1 2 3 4 5 other": {MaxResults: aws.Int32(2)},
		"0 1 2 3 4 5":       {MaxResults: aws.Int32(6), Filters: by("name", "latchkey/")},
		"0 1 2 3 4 5 6":     {Filters: by("name", "latchkey/"), IncludePlannedDeletion: aws.Bool(true)},
		"1 3 5":             {Filters: by("tag-value", "1")},
		"other":             {Filters: by("name", "!latchkey")},
		"other 5 4 3 2 1 0": {SortOrder: types.SortOrderTypeDesc},
		"2":                 {Filters: by("all", "latchkey/2")},
	} {
		if got := names(in); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	_, err := r.ListSecrets(t.Context(), &sm.ListSecretsInput{NextToken: aws.String("rubbish")})
	r.refused(err, "InvalidNextTokenException")
}

func TestTagsComeAndGo(t *testing.T) {
	r := newHarness(t)
	r.create("s", "x", nil)
	id := aws.String("s")
	must(r.TagResource(t.Context(), &sm.TagResourceInput{SecretId: id, Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}))(r)
	must(r.UntagResource(t.Context(), &sm.UntagResourceInput{SecretId: id, TagKeys: []string{"a", "never"}}))(r)
	if d := must(r.DescribeSecret(t.Context(), &sm.DescribeSecretInput{SecretId: id}))(r); len(d.Tags) != 1 || *d.Tags[0].Key != "b" {
		t.Errorf("%+v", d.Tags)
	}
	var many []types.Tag
	for i := range 51 {
		many = append(many, types.Tag{Key: aws.String(fmt.Sprint(i)), Value: aws.String("")})
	}
	_, err := r.TagResource(t.Context(), &sm.TagResourceInput{SecretId: id, Tags: many})
	r.refused(err, "LimitExceededException")
}
