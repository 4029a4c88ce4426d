package management

import "time"

// Timeout is how long a call may take.
func (c *Client) Timeout() time.Duration { return c.http.Timeout }
