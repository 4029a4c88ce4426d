package gateclient

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"latchkey/shared/jsonscan"
)

// refusal is the error that an answer stands for: the SDK's for a condition that didn't hold, with the item that it was about, else one
// with DynamoDB's code.
func (c *Client) refusal(r *http.Response, text string) error {
	err := c.stated(r.Header.Get("X-Amzn-Errortype"), text)
	return fmt.Errorf("status %d, request %q: %w", r.StatusCode, r.Header.Get("X-Amzn-Requestid"), err)
}

func (c *Client) stated(code, text string) error {
	if text == "" { // as some refusals of AWS's front are
		text = "{}"
	}
	var kind, other, message string
	a := answer{jsonscan.New(text, maxDepth)}
	if !a.Object(func(name string) bool {
		switch { // as encoding/json tells names apart, by which the SDK's client reads them
		case strings.EqualFold(name, "__type"):
			return a.stringInto(&kind)
		case strings.EqualFold(name, "message"):
			return a.stringInto(&message)
		case strings.EqualFold(name, "code"):
			return a.stringInto(&other) || a.Skip()
		default:
			return a.Skip()
		}
	}) || !a.End() {
		return errAnswer
	}
	for _, c := range [...]string{kind, other, "UnknownError"} {
		if code == "" {
			code = c
		}
	}
	code, _, _ = strings.Cut(code, ":")
	if _, name, ok := strings.Cut(code, "#"); ok {
		code = name
	}
	if token := c.config.SessionToken; token != "" { // which AWS may quote where a signature is wrong
		message = strings.ReplaceAll(message, token, "[session token]")
	}
	failed := &types.ConditionalCheckFailedException{Message: &message}
	if code != failed.ErrorCode() {
		return &smithy.GenericAPIError{Code: code, Message: message}
	}
	var err error
	if failed.Item, err = itemOf(text, "Item"); err != nil {
		return err
	}
	return failed
}

// stringInto reads a string or null.
func (a *answer) stringInto(text *string) (ok bool) {
	if a.Null() {
		return true
	}
	*text, ok = a.text()
	return ok
}

// skewThreshold is the difference between two clocks from which on it is corrected: AWS takes signatures of 5 minutes before and after.
const skewThreshold = 4 * time.Minute

// correct sets the clock that requests are signed by, if the Date of a refusal says that it is wrong. A refusal that was on the way for long, as
// through a freeze, or that a cache answered, says nothing of that.
func (c *Client) correct(header http.Header, sent, received time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil || header.Get("Age") != "" {
		return
	}
	skew := time.Duration(c.skew.Load())
	if date.Before(sent.Add(skew-skewThreshold)) || date.After(received.Add(skew+skewThreshold)) {
		c.skew.Store(int64(date.Sub(received)))
	}
}
