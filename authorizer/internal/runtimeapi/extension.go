package runtimeapi

import (
	"fmt"
	"time"
)

// register asks for SIGTERM, which Lambda sends only where an extension is registered, and then says that the extension
// is ready. It has asked for no events, so nothing ever answers, and nobody has to read: the connection is only kept.
func register(api string, open dialer) (*conn, error) {
	c := newConn(api, open, time.Now)
	c.begin("POST", "/2020-01-01/extension/register")
	c.out = append(c.out, "Lambda-Extension-Name: latchkey\r\n"...)
	status, err := c.post(c.body([]byte(`{"events":[]}`)), time.Time{})
	if err == nil && status != 200 {
		err = fmt.Errorf("runtimeapi: registering was met with %d", status)
	}
	if err == nil && !plain(c.head.extensionID) {
		err = fmt.Errorf("%w: the extension has no ID", errAnswer)
	}
	if err == nil {
		err = c.ready()
	}
	if err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

// ready says that the extension is ready: without that word Lambda doesn't start the environment. The answer to registering may have closed
// the connection, by its header, or it was reset since; to say it again on another repeats nothing. A connection that was closed without
// a word of it takes the request before it is reset, and nobody hears of it: the Runtime API isn't known to do that.
func (c *conn) ready() error {
	c.begin("GET", "/2020-01-01/extension/event/next")
	c.out = append(c.out, "Lambda-Extension-Identifier: "...)
	c.out = append(c.out, c.head.extensionID...)
	c.out = append(c.out, "\r\n\r\n"...)
	var err error
	for range 2 {
		if err = c.dial(time.Time{}); err != nil {
			return err
		}
		if _, err = c.net.Write(c.out); err == nil {
			return nil
		}
		c.close()
	}
	return err
}
