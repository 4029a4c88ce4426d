package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

const root = "../../"

func TestThePageSaysWhatTheRunsShowed(t *testing.T) {
	raw, err := os.ReadFile(root + figuresFile)
	if err != nil {
		t.Fatal(err)
	}
	var figures []figure
	if err := json.Unmarshal(raw, &figures); err != nil {
		t.Fatal(err)
	}
	is, err := os.ReadFile(root + page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(is, render(figures)) {
		t.Errorf("%s isn't what the runs and the promises give: make reliability", page)
	}
	for _, f := range figures {
		if !f.Passed {
			t.Errorf("%s %s has not passed", f.Package, f.Test)
		}
	}
}

func TestEveryPromiseIsHeldByTestsThatExist(t *testing.T) {
	for _, p := range promises {
		if len(p.Tests) == 0 {
			t.Errorf("nothing holds: %s", p.Says)
		}
		for _, proof := range p.Tests {
			files, _ := filepath.Glob(filepath.Join(root, proof.Package, "*_test.go"))
			found := false
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				found = found || regexp.MustCompile(`(?m)^func `+proof.Test+`\(`).Match(text)
			}
			if !found {
				t.Errorf("%s has no %s", proof.Package, proof.Test)
			}
		}
	}
}

func TestWhatHasAFigureIsNotRunAgainForANewOne(t *testing.T) {
	known := []figure{{Package: "./x", Test: "TestA", Passed: true, Says: "a"}, {Package: "./y", Test: "TestB", Passed: true}}
	kept, missing := sortOut(known, "./x", []string{"TestA", "TestB"})
	if len(kept) != 1 || kept[0].Says != "a" || len(missing) != 1 || missing[0] != "TestB" {
		t.Errorf("%+v, %v", kept, missing)
	}
}

func TestWhatATestLoggedLastIsItsFigure(t *testing.T) {
	events := []byte(`{"Action":"output","Test":"TestA","Output":"    a_test.go:1: first\n"}
{"Action":"output","Test":"TestA/part","Output":"    a_test.go:2: slowest: 4.4 s\n"}
{"Action":"output","Test":"TestA","Output":"--- PASS: TestA (0.00s)\n"}
{"Action":"pass","Test":"TestA/part"}
{"Action":"pass","Test":"TestA"}
{"Action":"fail","Test":"TestB"}
no event
`)
	got := read("./x", []string{"TestA", "TestB", "TestC"}, events)
	if len(got) != 3 || !got[0].Passed || got[0].Says != "slowest: 4.4 s" || got[1].Passed || got[2].Passed {
		t.Errorf("%+v", got)
	}
}
