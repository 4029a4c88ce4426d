package locale

import "strings"

var accents = strings.NewReplacer("a", "á", "e", "é", "i", "í", "o", "ö", "u", "ü", "y", "ý", "c", "ç", "n", "ñ", "s", "š",
	"A", "Â", "E", "Ê", "I", "Î", "O", "Ô", "U", "Û", "C", "Č", "N", "Ň", "S", "Š")

// pseudonymise makes texts longer by a third and accents them, so that what is cut off, too narrow or not translated shows.
func pseudonymise(messages Catalogue) Catalogue {
	out := Catalogue{}
	for key, m := range messages {
		forms := Message{}
		for form, text := range m {
			if strings.HasPrefix(key, "format.") {
				forms[form] = text
				continue
			}
			forms[form] = "[" + accent(text) + strings.Repeat("~", len(text)/3) + "]"
		}
		out[key] = forms
	}
	return out
}

// accent leaves placeholders as they are.
func accent(text string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(text, "{")
		b.WriteString(accents.Replace(before))
		if !found {
			return b.String()
		}
		name, rest, _ := strings.Cut(after, "}")
		b.WriteString("{" + name + "}")
		text = rest
	}
}
