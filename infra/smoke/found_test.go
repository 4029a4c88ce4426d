package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestAStackIsFoundWholeOrNotAtAll: each address is its own, in each partition, and what is missing is said.
func TestAStackIsFoundWholeOrNotAtAll(t *testing.T) {
	outputs := map[string]string{"ProductsUrl": "https://p/prod", "ManagementUrl": "https://m/prod", "ConsoleUrl": "https://c/prod", "UserPoolId": "pool"}
	const arn = "arn:aws:cloudformation:eu-west-1:1:stack/s/u"
	find := func(id, without string, times int) (target, []string, error) {
		var asked []string
		t, err := describe(t.Context(), "s", func(_ context.Context, args ...string) ([]byte, error) {
			asked = append(asked, strings.Join(args, " "))
			if args[1] == "describe-stack-resource" {
				return []byte(`{"StackResourceDetail":{"PhysicalResourceId":"client-1"}}`), nil
			}
			var list []string
			for name, value := range outputs {
				if name != without {
					list = append(list, fmt.Sprintf(`{"OutputKey":%q,"OutputValue":%q}`, name, value))
				}
			}
			one := fmt.Sprintf(`{"StackId":%q,"Outputs":[%s],"Parameters":[]}`, id, strings.Join(list, ","))
			return []byte(`{"Stacks":[` + strings.Join(slices.Repeat([]string{one}, times), ",") + `]}`), nil
		})
		return t, asked, err
	}
	for id, issuer := range map[string]string{
		arn: "https://cognito-idp.eu-west-1.amazonaws.com/pool", strings.Replace(arn, "eu-west-1", "cn-north-1", 1): "https://cognito-idp.cn-north-1.amazonaws.com.cn/pool",
	} {
		got, asked, err := find(id, "", 1)
		if err != nil || got.products != "https://p/prod" || got.management != "https://m/prod" || got.console != "https://c/prod" || got.issuer != issuer || got.client != "client-1" || got.name != "s" || !got.aws || got.overLimit != 429 {
			t.Errorf("%+v, %v", got, err)
		}
		if want := []string{"cloudformation describe-stacks --stack-name s", "cloudformation describe-stack-resource --stack-name s --logical-resource-id UserPoolClient"}; !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
	}
	for _, without := range []string{"ProductsUrl", "ManagementUrl", "ConsoleUrl"} {
		if got, _, err := find(arn, without, 1); err == nil {
			t.Errorf("without %s: %+v", without, got)
		}
	}
	for _, times := range []int{0, 2} {
		if _, _, err := find(arn, "", times); err == nil {
			t.Errorf("%d stacks of the name are one", times)
		}
	}
	if _, _, err := find("no-arn", "", 1); err == nil {
		t.Error("a stack of no region is found")
	}
}
