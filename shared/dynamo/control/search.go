package control

import (
	"unicode/utf8"

	plain "latchkey/shared/text"
)

// maxSearchName keeps a sort key below DynamoDB's 1024 bytes: folding makes some characters many.
const maxSearchName = 512

// searchName is a name as the list of accounts is sorted and searched by.
func searchName(name string) string {
	folded := plain.Fold(name)
	for len(folded) > maxSearchName {
		_, n := utf8.DecodeLastRuneInString(folded)
		folded = folded[:len(folded)-n]
	}
	return folded
}
