package main

import (
	_ "embed"
	"encoding/binary"
	"sync"
)

//go:generate go run ./landgen -in land-50m.json -out land.bin

// world is the width and height of the map in grid units, as landgen packed it: 16 units a pixel at zoom 8.
const world = 1 << 20

//go:embed land.bin
var packedLand []byte

type point struct{ x, y int32 }

// ring is a closed line around land, or around a lake within it (then in the opposite direction), in grid units.
// A ring across the antimeridian sticks out of the world on one side.
type ring struct {
	points     []point
	minX, maxX int32
	minY, maxY int32
}

// land unpacks the rings when the first tile is asked for, so that search and routing start without them.
var land = sync.OnceValue(func() []ring { return unpack(packedLand) })

// unpack reads landgen's file. The file is part of the binary and a test reads all of it, so it isn't checked here.
func unpack(b []byte) []ring {
	count, n := binary.Uvarint(b)
	b = b[n:]
	rings := make([]ring, count)
	for i := range rings {
		length, n := binary.Uvarint(b)
		b = b[n:]
		r := ring{points: make([]point, length), minX: 1 << 30, minY: 1 << 30, maxX: -1 << 30, maxY: -1 << 30}
		var p point
		for j := range r.points {
			dx, nx := binary.Varint(b)
			dy, ny := binary.Varint(b[nx:])
			b = b[nx+ny:]
			p.x, p.y = p.x+int32(dx), p.y+int32(dy)
			r.points[j] = p
			r.minX, r.maxX = min(r.minX, p.x), max(r.maxX, p.x)
			r.minY, r.maxY = min(r.minY, p.y), max(r.maxY, p.y)
		}
		rings[i] = r
	}
	return rings
}
