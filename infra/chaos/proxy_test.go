package chaos_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"latchkey/infra/chaos"
)

func TestEachModeDoesWhatItSays(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, asked.Add(1))
	}))
	defer server.Close()
	p, err := chaos.New(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	client := &http.Client{Timeout: 200 * time.Millisecond, Transport: &http.Transport{}}
	call := func() (string, error) {
		res, err := client.Post("http://"+p.Addr(), "text/plain", strings.NewReader("x")) // not repeated by the client itself
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return string(text), err
	}
	wantAsked := func(n int32) {
		t.Helper()
		if got := asked.Load(); got != n {
			t.Fatalf("the server was asked %d times, want %d", got, n)
		}
	}
	if text, err := call(); err != nil || text != "1" {
		t.Fatalf("pass: %q %v", text, err)
	}
	p.Set(chaos.Hang)
	_, err = call() // on the connection that is open
	var late net.Error
	if !errors.As(err, &late) || !late.Timeout() {
		t.Fatalf("hang: %v", err)
	}
	wantAsked(1)
	p.Set(chaos.Refuse)
	if _, err = call(); err == nil || errors.As(err, &late) && late.Timeout() {
		t.Fatalf("refuse: %v", err)
	}
	wantAsked(1)
	p.Set(chaos.LoseAnswers)
	if _, err = call(); err == nil {
		t.Fatal("an answer came through")
	}
	wantAsked(2)
	if p.Lost() != 1 {
		t.Errorf("%d answers lost", p.Lost())
	}
	p.Only("PUT ")
	if text, err := call(); err != nil || text != "3" {
		t.Fatalf("another request than those whose answers are lost: %q %v", text, err)
	}
	p.Only("POST ")
	if _, err = call(); err == nil {
		t.Fatal("an answer came through")
	}
	p.Set(chaos.Pass)
	if text, err := call(); err != nil || text != "5" {
		t.Fatalf("pass again: %q %v", text, err)
	}
}

func TestStrandHangsOnOldConnectionsAndServesNewOnes(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "well") }))
	defer server.Close()
	p, err := chaos.New(strings.TrimPrefix(server.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	// Each client keeps one connection of its own.
	client := func() func() error {
		c := &http.Client{Timeout: 200 * time.Millisecond, Transport: &http.Transport{MaxConnsPerHost: 1}}
		return func() error {
			res, err := c.Post("http://"+p.Addr(), "text/plain", strings.NewReader("x"))
			if err != nil {
				return err
			}
			defer res.Body.Close()
			text, err := io.ReadAll(res.Body)
			if err == nil && string(text) != "well" {
				err = fmt.Errorf("%q", text)
			}
			return err
		}
	}
	hangs := func(what string, err error) {
		t.Helper()
		var late net.Error
		if !errors.As(err, &late) || !late.Timeout() {
			t.Errorf("%s: %v, want a hang", what, err)
		}
	}
	well := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	first, second, third := client(), client(), client()
	well("before", first())
	well("before", third())
	p.Set(chaos.Strand)
	hangs("a connection from before", first())
	well("a new connection", second())
	well("the new connection again", second())
	well("a new connection of the one that gave up", first())
	p.Set(chaos.Strand)
	hangs("a connection from between the two", second())
	hangs("a connection from before both", third())
	well("its next", third())
	well("another's next", second())
	p.Set(chaos.Pass)
	if err := client()(); err != nil {
		t.Errorf("after the end: %v", err)
	}
}
