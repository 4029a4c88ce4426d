package web

import (
	"errors"
	"fmt"
	"net/http"

	"latchkey/functions/internal/gateway"
	"latchkey/shared/api"
	"latchkey/shared/text"
)

// Line reads a member of a body that is a text of one line, of least to most characters.
func Line(s text.Secrets, member, typed string, least, most int) (text.Line, error) {
	line, err := s.ParseLine(typed, least, most)
	if err != nil {
		err = gateway.Invalid(TextField(member, least, most, err))
	}
	return line, err
}

// Block reads a member of a body that is a text of several lines, of least to most characters.
func Block(s text.Secrets, member, typed string, least, most int) (text.Block, error) {
	block, err := s.ParseBlock(typed, least, most)
	if err != nil {
		err = gateway.Invalid(TextField(member, least, most, err))
	}
	return block, err
}

// SecretInText is the code of a text that holds a secret.
const SecretInText = "secret_in_text"

// WhySecret says so without the text.
const WhySecret = "This looks like an API key. Leave it out, and rotate the key if it was shared."

// SecretInParameter refuses a parameter of the path or a header that would be stored with a secret in it.
func SecretInParameter(name string) *gateway.Problem {
	return &gateway.Problem{
		Status: http.StatusUnprocessableEntity, Code: "invalid", Text: "A parameter holds an API key.",
		Fields: []api.FieldError{{Pointer: name, Code: SecretInText, Detail: WhySecret}},
	}
}

// textCodes are the codes of refused texts, where they are other than those of TextField: programs may rely on them.
var textCodes = map[string]string{"name": "invalid_name", "reason": "invalid_reason", "email": "invalid_email"}

// TextField is the one table between the reasons for which a text is refused and what the API says about them. It names
// the member, never the text.
func TextField(member string, least, most int, why error) api.FieldError {
	code, detail := "invalid_text", "It must be a text that can be shown."
	switch {
	case errors.Is(why, text.ErrSecret):
		return gateway.Field(member, SecretInText, WhySecret)
	case errors.Is(why, text.ErrLength):
		code, detail = "bad_length", fmt.Sprintf("It must have %d to %d characters.", least, most)
	case errors.Is(why, text.ErrCharacter):
		code, detail = "bad_character", "It must have no control characters, and none that hide or reorder text."
	case errors.Is(why, text.ErrInvisible):
		code, detail = "invisible", "It must have characters that show."
	}
	if older, ok := textCodes[member]; ok {
		code = older
	}
	return gateway.Field(member, code, detail)
}
