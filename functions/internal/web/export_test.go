package web

// Remembered is the number of people whose changes of this hour the environment knows.
func (c *PersonChanges) Remembered() int { return len(c.known.count) }
