package main

import (
	"net/url"
	"strings"
	"testing"
)

// A page repeats its own address in its forms, but no part of it that could be a secret.
func TestAPageDoesNotRepeatASecretOfItsAddress(t *testing.T) {
	secret := "ak_" + strings.Repeat("aB3", 11)
	const id = "/accounts/acc_01M8GA2PVX1D2PH9XMMTNZ71YK"
	for address, want := range map[string]string{
		"/": "/", id + "/keys/key_01M8GA2PVX1D2PH9XMMTNZ71YK?done=made": id + "/keys/key_01M8GA2PVX1D2PH9XMMTNZ71YK?done=made",
		id + "/keys?page=" + strings.Repeat("t", 200) + "&q=a+b": id + "/keys?page=" + strings.Repeat("t", 200) + "&q=a+b",
		"/" + secret: "/", id + "/keys/" + secret: "/", "/?x=" + secret: "/", "/?" + secret: "/", "/?" + secret + "=1": "/", id + "?a=1&a=" + secret: "/",
		"/%61k_" + secret[3:]: "/", "//example.com": "/",
	} {
		u, err := url.ParseRequestURI(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := ownAddress(u); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
