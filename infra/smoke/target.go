package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"latchkey/infra/local/ownrun"
	"latchkey/infra/local/runfile"
)

// target is the stack that is asked.
type target struct {
	products, management, console string
	issuer, client                string
	token                         string // an access token of somebody who may open an account
	overLimit                     int    // the status of a call over its limit
	aws                           bool
	name                          string // of the stack on AWS
	echo, base                    string
	outage                        bool
	// command calls the AWS command line interface and gives what it prints.
	command func(ctx context.Context, args ...string) ([]byte, error)
}

// find gives the stack of the options. close ends what was started for it.
func find(ctx context.Context, o options) (t target, closeTarget func(), err error) {
	closeTarget = func() {}
	switch o.stack {
	case "local":
		t, err = localRun(o.data)
	case "":
		t, closeTarget, err = ownRun(ctx, o.runner)
	default:
		t, err = describe(ctx, o.stack, command)
		t.token = os.Getenv("TOKEN")
	}
	t.echo, t.base, t.outage = o.echo, o.base, o.outage
	return t, closeTarget, err
}

func ownRun(ctx context.Context, runner string) (target, func(), error) {
	data, err := os.MkdirTemp("", "latchkey-smoke-")
	if err != nil {
		return target{}, func() {}, err
	}
	remove := func() { _ = os.RemoveAll(data) }
	stop, err := ownrun.Start(ctx, runner, data)
	if err != nil {
		remove()
		return target{}, func() {}, err
	}
	end := func() { stop(); remove() }
	t, err := localRun(data)
	if err != nil {
		end()
		return t, func() {}, err
	}
	return t, end, nil
}

// localRun is the stack of the local run on a data directory.
func localRun(data string) (target, error) {
	r, err := runfile.Read(data)
	if err != nil {
		return target{}, err
	}
	return target{
		products: r.ProductsURL, management: r.ManagementURL, console: strings.TrimSuffix(r.ConsoleURL, "/"), issuer: r.IssuerURL, client: "latchkey-local",
		token: r.Tokens["owner"], overLimit: 429,
	}, nil
}

// command runs the AWS command line interface.
func command(ctx context.Context, args ...string) ([]byte, error) {
	out, err := exec.CommandContext(ctx, "aws", append(args, "--output", "json")...).Output() //nolint:gosec // arguments of our own
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		err = fmt.Errorf("aws %s: %s", strings.Join(args[:2], " "), strings.TrimSpace(string(exit.Stderr)))
	}
	return out, err
}

// describe reads where a stack is from its outputs and parameters.
func describe(ctx context.Context, name string, command func(context.Context, ...string) ([]byte, error)) (target, error) {
	t := target{aws: true, name: name, command: command, overLimit: 429}
	var list struct {
		Stacks []struct {
			StackID    string `json:"StackId"`
			Outputs    []struct{ OutputKey, OutputValue string }
			Parameters []struct{ ParameterKey, ParameterValue string }
		}
	}
	if err := t.read(ctx, &list, "cloudformation", "describe-stacks", "--stack-name", name); err != nil {
		return t, err
	}
	if len(list.Stacks) != 1 {
		return t, fmt.Errorf("%d stacks bear the name %s", len(list.Stacks), name)
	}
	output, parameter := map[string]string{}, map[string]string{}
	for _, o := range list.Stacks[0].Outputs {
		output[o.OutputKey] = o.OutputValue
	}
	for _, p := range list.Stacks[0].Parameters {
		parameter[p.ParameterKey] = p.ParameterValue
	}
	t.products, t.management, t.console = output["ProductsUrl"], output["ManagementUrl"], strings.TrimSuffix(output["ConsoleUrl"], "/")
	if t.products == "" || t.management == "" || t.console == "" {
		return t, errors.New("the stack has no outputs ProductsUrl, ManagementUrl and ConsoleUrl")
	}
	if parameter["OverLimitStatus"] == "403" {
		t.overLimit = 403
	}
	t.issuer, t.client = parameter["OidcIssuer"], parameter["OidcClientId"]
	if t.issuer != "" {
		return t, nil
	}
	region := strings.Split(list.Stacks[0].StackID, ":")
	if len(region) < 4 {
		return t, fmt.Errorf("the stack's ID is no ARN: %q", list.Stacks[0].StackID)
	}
	suffix := "amazonaws.com"
	if strings.HasPrefix(region[3], "cn-") {
		suffix += ".cn"
	}
	t.issuer = "https://cognito-idp." + region[3] + "." + suffix + "/" + output["UserPoolId"]
	client, err := t.resource(ctx, "UserPoolClient")
	t.client = client
	return t, err
}

// read calls the AWS command line interface, and reads what it prints.
func (t *target) read(ctx context.Context, into any, args ...string) error {
	raw, err := t.command(ctx, args...)
	if err != nil {
		return err
	}
	return json.Unmarshal(raw, into)
}

// resource is the physical name of a resource of the stack.
func (t *target) resource(ctx context.Context, id string) (string, error) {
	var r struct {
		StackResourceDetail struct{ PhysicalResourceID string }
	}
	raw, err := t.command(ctx, "cloudformation", "describe-stack-resource", "--stack-name", t.name, "--logical-resource-id", id)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	return r.StackResourceDetail.PhysicalResourceID, err
}
