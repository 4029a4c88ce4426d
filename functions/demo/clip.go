package main

// clipper cuts rings to a box (Sutherland and Hodgman: one side after the other). The rasteriser's fixed-point numbers
// overflow far outside its picture, and a tile at zoom 8 sees a sliver of Eurasia. It keeps its buffers between rings.
type clipper struct{ in, out []point }

// ring gives what lies in the box of a ring moved by shift. A part outside becomes a line along the box's edge, which
// lies off the picture. The answer holds until the next call.
func (c *clipper) ring(r ring, shift int32, b box) []point {
	c.in = c.in[:0]
	for _, p := range r.points {
		c.in = append(c.in, point{p.x + shift, p.y})
	}
	if r.minX+shift < b.minX {
		c.side(func(p point) int32 { return p.x - b.minX })
	}
	if r.maxX+shift > b.maxX {
		c.side(func(p point) int32 { return b.maxX - p.x })
	}
	if r.minY < b.minY {
		c.side(func(p point) int32 { return p.y - b.minY })
	}
	if r.maxY > b.maxY {
		c.side(func(p point) int32 { return b.maxY - p.y })
	}
	return c.in
}

// side keeps what is on the good side of one edge, where inside (the distance from the edge) isn't negative.
func (c *clipper) side(inside func(point) int32) {
	if len(c.in) == 0 {
		return
	}
	c.out = c.out[:0]
	last := c.in[len(c.in)-1]
	lastIn := inside(last)
	for _, p := range c.in {
		in := inside(p)
		if (in < 0) != (lastIn < 0) {
			c.out = append(c.out, between(last, p, lastIn, in))
		}
		if in >= 0 {
			c.out = append(c.out, p)
		}
		last, lastIn = p, in
	}
	c.in, c.out = c.out, c.in
}

// between is the point where the line from p to q crosses the edge, by their distances from it.
func between(p, q point, dp, dq int32) point {
	along := func(a, b int32) int32 { return a + int32(int64(b-a)*int64(dp)/int64(dp-dq)) }
	return point{along(p.x, q.x), along(p.y, q.y)}
}
