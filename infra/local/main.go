// Command local runs the whole stack on this machine: the deployed binaries, with AWS played around them.
//
//	local                            run the stack until Ctrl-C
//	local invoke FUNCTION [EVENT]    call one function of a running stack once, with an event file or {}
//	local -job rotation              run the rotation job once and show its progress
//
// # What it doesn't play
//
// Each package says what it plays. What this template would need and doesn't get here, or what a change of it would miss:
//
//   - API Gateway: throttling of accounts and of usage plans; quotas; request validators and models; WAF;
//     caches; access logs; custom domains with a base path, and TLS: any host but an API's default URL is a custom domain at its
//     root. Authorizers other than functions. Integrations other than aws_proxy, http_proxy and mock. Mapping
//     templates other than a mock's request template {"statusCode": n} and bodies of mocks and gateway responses for
//     application/json, in which $context variables are replaced and nothing else is evaluated.
//   - Lambda: memory and CPU limits, reserved and provisioned concurrency, layers, VPCs, destinations of asynchronous calls,
//     function URLs. A version or an alias is the code that was built.
//   - IAM: signatures, trust policies, boundaries, and permissions for anything but DynamoDB, Secrets Manager and EventBridge. A
//     function may do there what its role allows, and, on a DynamoDB of somebody else's, everything. A resource's own policy
//     opens nothing to a function. Everyone who has other credentials than a function's may do everything. See the package iam.
//   - Event source mappings: only streams of DynamoDB tables; no SQS, SNS or Kinesis. A property that isn't played is an error.
//     On failure, a destination of any kind is a folder under failed/.
//   - Events of functions other than DynamoDB, Schedule and ScheduleV2: they are passed over.
//   - Schedules: flexible windows, dead-letter queues and the age of an event. What was missed while nothing ran stays missed.
//   - EventBridge: everything but PutEvents; there are no rules, no targets (SQS queues, functions), no archives.
//   - DynamoDB: conflicts of transactions, which the engine never reports, and backups.
//   - Secrets Manager: conditions of policies are read and not evaluated, values are not encrypted, and there is no KMS.
//   - Cognito: sign-in is a provider of its own without passwords.
//   - CloudWatch, X-Ray, S3, SNS: metrics are log lines; alarms, dashboards, traces and buckets don't exist.
//
// What AWS has answered where somebody kept its answers is in infra/local/recordings, and the tests walk it. infra/smoke asks
// AWS where documents and this program may differ.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the runner at once, and the kernel its children
	c, err := readConfig(os.Args[1:], os.Getenv, os.Environ())
	if err == nil && c.invoke != "" {
		err = invoke(ctx, c)
	} else if err == nil && c.job != "" {
		err = runJob(ctx, c, os.Stdout)
	} else if err == nil {
		err = run(ctx, c, os.Stdout)
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}
