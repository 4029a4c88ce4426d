package apikey

import "strings"

// PlaceByName is a key's place among the keys of its account, ordered by name in any case, and by ID where names are equal. Places are
// compared byte by byte: no name has a zero byte. A name that is longer than names may be is ordered by what it begins with.
func (k Key) PlaceByName() string {
	name := []rune(k.Name)
	return strings.ToLower(string(name[:min(len(name), MaxNameRunes)])) + "\x00" + string(k.ID)
}
