package session

import (
	"slices"
	"strings"
)

// Browser names the browser that signed in and the system that it runs on, so that a person tells their sessions apart. The names are those of the tables
// below and no others: nothing of what a browser sends is kept. The zero value: nobody knows.
type Browser struct{ Name, System string }

// named is a name, and a part of User-Agent that browsers of that name send.
type named struct{ part, name string }

// Most browsers send the parts of others too: the first that fits counts.
var (
	browsers = []named{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"Chrome/", "Chrome"},
		{"CriOS/", "Chrome"},
		{"Version/", "Safari"},
	}
	systems = []named{
		{"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Windows NT", "Windows"}, {"Macintosh", "macOS"}, {"Linux", "Linux"},
	}
)

// longestAgent bounds what is read of User-Agent. What browsers send is shorter.
const longestAgent = 512

// BrowserOf reads User-Agent. It knows both names, or none.
func BrowserOf(userAgent string) Browser {
	userAgent = userAgent[:min(len(userAgent), longestAgent)]
	first := func(list []named) string {
		for _, one := range list {
			if strings.Contains(userAgent, one.part) {
				return one.name
			}
		}
		return ""
	}
	return Browser{first(browsers), first(systems)}.known()
}

// known is the browser if the tables have both names.
func (b Browser) known() Browser {
	has := func(list []named, name string) bool {
		return slices.ContainsFunc(list, func(one named) bool { return one.name == name })
	}
	if has(browsers, b.Name) && has(systems, b.System) {
		return b
	}
	return Browser{}
}

// String is the browser as it is stored.
func (b Browser) String() string {
	if b == (Browser{}) {
		return ""
	}
	return b.Name + "/" + b.System
}

// storedBrowser reads what String wrote. Names of another release are none.
func storedBrowser(text string) Browser {
	name, system, _ := strings.Cut(text, "/")
	return Browser{name, system}.known()
}
