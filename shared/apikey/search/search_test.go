package search_test

import (
	"testing"

	"latchkey/shared/apikey"
	"latchkey/shared/apikey/search"
)

// TestANameIsFoundAsPeopleTypeIt, without accents, with the apostrophe of the keyboard, without a hamza; but codes and domains are compared as they are.
func TestANameIsFoundAsPeopleTypeIt(t *testing.T) {
	k := apikey.Key{ID: "key_01JQA7N9Q1S3V5X7Z9B1D3F5H7", Name: "Clé d’été", Labels: []string{"الإنتاج"}, Domains: []string{"xn--4gbrim.xn--pgbs0dh"}, Current: apikey.StoredSecret{Preview: "ak_7Kf2…x9Qd"}}
	for typed, want := range map[string]bool{
		"Clé d'été": true, "cle ete": true, "CLE D’ETE": true, "الانتاج": true, "الإنتاج": true, "cles": false, "https://موقع.تونس/صفحة": true, "موقع.تونس": true,
		"ak_7kf2": true, "ak_7kf́2": false, "ák_7kf2": false, "ـ": false, "\u0301": false,
	} {
		if got := search.Parse(typed).Find(k); got != want {
			t.Errorf("%q finds it: %v", typed, got)
		}
	}
}

// TestAKeyIsFoundByPartsOfWhatItIsKnownBy: each word counts, in any order and case, and short ones aren't looked for in codes.
func TestAKeyIsFoundByPartsOfWhatItIsKnownBy(t *testing.T) {
	k := apikey.Key{
		ID: "key_01JQA7N9Q1S3V5X7Z9B1D3F5H7", Name: "Fleet map, web", Labels: []string{"Production"}, Domains: []string{"*.fjordlast.example", "xn--kln-sna.example"},
		Apps:     []string{"android com.fjordlast.driver DA:39:A3:EE:5E:6B:4B:0D:32:55:BF:EF:95:60:18:90:AF:D8:07:09"},
		Current:  apikey.StoredSecret{Preview: "ak_7Kf2…x9Qd"},
		Outgoing: &apikey.Outgoing{StoredSecret: apikey.StoredSecret{Preview: "ak_0ld0…9q9q"}},
	}
	for typed, want := range map[string]bool{
		"": true, "  ": true, "web FLEET": true, "fleet nothing": false, "mapweb": false, "prod map": true, "fjordlast.example": true, "köln.example": true,
		"q1s3v5x7": true, "h7": false, "AK_7KF2…X9QD": true, "ak_7Kf2...x9Qd": true, "9q9q": true, "com.fjordlast.driver web": true, "da:39": true, "ee:": false,
	} {
		if got := search.Parse(typed).Find(k); got != want {
			t.Errorf("%q finds it: %v", typed, got)
		}
	}
	for typed, want := range map[string]bool{
		"https://t44.fjordlast.example/x": false, "https://xn--kln-sna.example/a?b=c#d": true, "https://köln.example": true, "köln.example:8443/x": true,
		"http://user@köln.example/": true, "https://": false, "https:///x": false, "https://other.example/köln.example": false, "e/köln.example": false, "://": false,
	} {
		if got := search.Parse(typed).Find(k); got != want {
			t.Errorf("%q finds it: %v", typed, got)
		}
	}
	if k.Domains = k.Domains[:1]; search.Parse("xn--").Find(k) {
		t.Error("an empty label finds a key without a domain in Unicode")
	}
	if search.Nothing.Find(k) {
		t.Error("nothing finds it")
	}
}
