package main

import (
	_ "embed"
	"encoding/csv"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

//go:embed cities.csv
var cityList string // name, country, ISO code, latitude, longitude; sorted by name

type city struct {
	name, country, code string
	at                  place
	folded              string // the name as fold leaves it, to search in
}

var cities = sync.OnceValue(func() []city {
	rows, err := csv.NewReader(strings.NewReader(cityList)).ReadAll()
	if err != nil { // the list is part of the binary, and tests read all of it
		panic(err)
	}
	list := make([]city, len(rows))
	for i, row := range rows {
		at, ok := parsePlace(row[3] + "," + row[4])
		if !ok {
			panic("cities.csv: bad place of " + row[0])
		}
		list[i] = city{row[0], row[1], row[2], at, fold(row[0])}
	}
	return list
})

// found is one result, in the words that map APIs commonly use.
type found struct {
	Type    string `json:"type"`
	Address struct {
		Municipality string `json:"municipality"`
		Country      string `json:"country"`
		CountryCode  string `json:"countryCode"`
	} `json:"address"`
	Position place `json:"position"`
}

type searchAnswer struct {
	Summary struct {
		Query        string `json:"query"`
		NumResults   int    `json:"numResults"`
		TotalResults int    `json:"totalResults"`
	} `json:"summary"`
	Results []found `json:"results"`
}

// serveSearch finds cities by a part of their names, best match first.
func serveSearch(w http.ResponseWriter, r *http.Request) {
	query, limit, p := parseSearch(r.PathValue("query"), r.URL.Query()["limit"])
	if p != nil {
		write(w, *p)
		return
	}
	matches := search(query)
	answer := searchAnswer{Results: []found{}}
	answer.Summary.Query, answer.Summary.TotalResults = query, len(matches)
	for _, c := range matches[:min(limit, len(matches))] {
		f := found{Type: "Geography", Position: c.at}
		f.Address.Municipality, f.Address.Country, f.Address.CountryCode = c.name, c.country, c.code
		answer.Results = append(answer.Results, f)
	}
	answer.Summary.NumResults = len(answer.Results)
	writeJSON(w, answer)
}

const (
	maxQuery     = 100 // bytes
	defaultLimit = 10
	maxLimit     = 100
)

// parseSearch reads "amster.json" and the values of the parameter limit, 1 to 100.
func parseSearch(segment string, limits []string) (query string, limit int, p *problem) {
	query, isJSON := strings.CutSuffix(segment, ".json")
	if !isJSON {
		p := notFound("format_unknown", "searches end in .json")
		return "", 0, &p
	}
	if fold(query) == "" || len(query) > maxQuery || !utf8.ValidString(query) {
		p := badValue("query_malformed", "a query is 1 to "+strconv.Itoa(maxQuery)+" bytes of text")
		return "", 0, &p
	}
	switch len(limits) {
	case 0:
		return query, defaultLimit, nil
	case 1:
		if n, ok := number(limits[0]); ok && n >= 1 && n <= maxLimit {
			return query, n, nil
		}
	}
	p = new(problem)
	*p = badValue("limit_malformed", "limit is 1 to "+strconv.Itoa(maxLimit))
	return "", 0, p
}

// search lists the cities whose names contain the query: those that begin with it first, then those of which a word
// does, then the rest.
func search(query string) []city {
	q := fold(query)
	var ranks [3][]city
	for _, c := range cities() {
		switch i := strings.Index(c.folded, q); {
		case i == 0:
			ranks[0] = append(ranks[0], c)
		case strings.Contains(c.folded, " "+q):
			ranks[1] = append(ranks[1], c)
		case i > 0:
			ranks[2] = append(ranks[2], c)
		}
	}
	return slices.Concat(ranks[:]...)
}

// plainLetters are those that have no accent to take off.
var plainLetters = strings.NewReplacer("ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ß", "ss", "æ", "ae", "œ", "oe", "ı", "i", "-", " ", "'", " ")

// fold makes names comparable as people type them: lower case, no accents, single spaces.
func fold(s string) string {
	plain := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFD.String(s))
	return strings.Join(strings.Fields(plainLetters.Replace(plain)), " ")
}
