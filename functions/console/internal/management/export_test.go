package management

import "time"

// Timeout is the longest time that a call may take.
func (c *Client) Timeout() time.Duration { return c.http.Timeout }
