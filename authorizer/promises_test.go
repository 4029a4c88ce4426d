package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"latchkey/shared/rotation"
	"latchkey/shared/usage"
)

// promised has every number of the gate once more, as a literal: no other test notices when one of them changes, since
// they take it from the constant.
var promised = map[string][2]time.Duration{
	"freshFor":    {freshFor, 5 * time.Second},
	"unprovenFor": {unprovenFor, 10 * time.Second},

	"shortestOutageBound": {shortestOutageBound, time.Minute},
	"defaultOutageBound":  {defaultOutageBound, 15 * time.Minute},
	"longestOutageBound":  {longestOutageBound, 3 * time.Hour},

	"readBudget":   {readBudget, time.Second},
	"firstAttempt": {firstAttempt, 400 * time.Millisecond},
	"probeBudget":  {probeBudget, 500 * time.Millisecond},
	"answerMargin": {answerMargin, 50 * time.Millisecond},

	"firstPause":      {firstPause, 250 * time.Millisecond},
	"longestPause":    {longestPause, 2 * time.Second},
	"longestOwnPause": {longestOwnPause, 4 * time.Second},
	"failingFor":      {failingFor, 10 * time.Second},

	"reportBudget":      {reportBudget, 300 * time.Millisecond},
	"flushBudget":       {flushBudget, 2 * time.Second},
	"reportEarly":       {reportEarly, 500 * time.Millisecond},
	"leaseCall":         {leaseCall, 300 * time.Millisecond},
	"metricsEvery":      {metricsEvery, time.Minute},
	"usage.ReportEvery": {usage.ReportEvery, 5 * time.Second},

	"usage.KeepHours":         {usage.KeepHours, 35 * 24 * time.Hour},
	"usage.KeepDays":          {usage.KeepDays, 400 * 24 * time.Hour},
	"usage.KeepContributions": {usage.KeepContributions, 6 * 24 * time.Hour},
	"usage.MaxReportAge":      {usage.MaxReportAge, 72 * time.Hour},
	"rotation.AfterCancel":    {rotation.AfterCancel, 15 * time.Minute},

	"connectTimeout":   {connectTimeout, 400 * time.Millisecond},
	"handshakeTimeout": {handshakeTimeout, 600 * time.Millisecond},
	"idleTimeout":      {idleTimeout, 20 * time.Second},
	"keepAlive":        {keepAlive, 15 * time.Second},
}

var promisedSizes = map[string][2]int{
	"knownBytes":            {knownBytes, 67_108_864},
	"unknownBytes":          {unknownBytes, 4_194_304},
	"entryCost":             {entryCost, 320},
	"protectedShare":        {protectedShare, 80},
	"maxFailing":            {maxFailing, 64},
	"maxLimits":             {maxLimits, 8192},
	"maxLatencies":          {maxLatencies, 100},
	"maxField":              {maxField, 253},
	"refusalsPerKey":        {refusalsPerKey, 50},
	"maxLoggedKeys":         {maxLoggedKeys, 4096},
	"maskedRun":             {maskedRun, 24},
	"maxUnescapes":          {maxUnescapes, 4},
	"sampleEvery":           {sampleEvery, 100},
	"usage.MaxHosts":        {usage.MaxHosts, 50},
	"usage.MaxRefusedHosts": {usage.MaxRefusedHosts, 10},
	"idleConnections":       {idleConnections, 4},
}

func TestThePromisedNumbersAreThese(t *testing.T) {
	for name, pair := range promised {
		if pair[0] != pair[1] {
			t.Errorf("%s is %v, promised is %v", name, pair[0], pair[1])
		}
	}
	for name, pair := range promisedSizes {
		if pair[0] != pair[1] {
			t.Errorf("%s is %d, promised is %d", name, pair[0], pair[1])
		}
	}
}

// TestEveryNumberOfTheGateIsPromised: a new constant comes into one of the tables.
func TestEveryNumberOfTheGateIsPromised(t *testing.T) {
	found := 0
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			group, ok := d.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				for _, id := range spec.(*ast.ValueSpec).Names {
					found++
					_, isTime := promised[id.Name]
					if _, isSize := promisedSizes[id.Name]; !isTime && !isSize {
						t.Errorf("%s: %s stands in no table", name, id.Name)
					}
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d constants were found among %v", found, slices.Sorted(maps.Keys(promised)))
	}
}

// TestThePromisedNumbersFitTogether: what must hold between them, whatever they are.
func TestThePromisedNumbersFitTogether(t *testing.T) {
	for what, holds := range map[string]bool{
		"a record that is due at the longest pause is read within 10 s":                               freshFor+longestOwnPause+readBudget <= 10*time.Second,
		"the breaker's pause is shorter than a secret's own":                                          longestPause < longestOwnPause,
		"a failure is remembered longer than the longest pause":                                       failingFor > longestOwnPause,
		"the first attempt leaves time for the second":                                                firstAttempt < readBudget/2,
		"a probe takes less than a read":                                                              probeBudget < readBudget,
		"a lone attempt to connect ends within the first attempt":                                     connectTimeout <= firstAttempt,
		"a TLS handshake may take all of the second attempt and no more":                              handshakeTimeout <= readBudget-firstAttempt,
		"what a call may wait for in an outage, reads, leases and a report, stays below 2 s":          readBudget+leaseCall+reportBudget < 2*time.Second,
		"a report that comes early still comes every few seconds":                                     reportEarly < usage.ReportEvery/2,
		"the call that reads a record in constant use is the one that reports":                        freshFor >= usage.ReportEvery-reportEarly && freshFor <= usage.ReportEvery,
		"what an environment contributed outlives every replay":                                       usage.KeepContributions >= usage.MaxReportAge+48*time.Hour,
		"an unused connection is closed before it is forgotten on the way":                            idleTimeout < time.Minute,
		"made-up secrets take less than a tenth of the memory":                                        unknownBytes*10 < knownBytes,
		"by default a revoked key is served in an outage for no longer than a cancelled secret lives": defaultOutageBound <= rotation.AfterCancel,
	} {
		if !holds {
			t.Errorf("it doesn't hold: %s", what)
		}
	}
}
