package main

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"
	"image/png"

	"golang.org/x/image/vector"
)

const tileSize = 256 // pixels

// look is a style: the colours of no land, all land, and the shore between them.
type look struct {
	sea, land, shore color.RGBA
	palette          color.Palette
}

var looks = map[string]*look{
	"main":  newLook(color.RGBA{0xa6, 0xcd, 0xe3, 0xff}, color.RGBA{0xf4, 0xf0, 0xe3, 0xff}, color.RGBA{0x6f, 0x9d, 0xb8, 0xff}),
	"night": newLook(color.RGBA{0x0c, 0x16, 0x26, 0xff}, color.RGBA{0x2a, 0x39, 0x4e, 0xff}, color.RGBA{0x5b, 0x7d, 0xa3, 0xff}),
}

// newLook makes a palette of which entry n is the colour of a pixel that is n/255 land. Half-covered pixels lean to the
// shore's colour, which draws a fine coast line at no cost.
func newLook(sea, land, shore color.RGBA) *look {
	l := &look{sea: sea, land: land, shore: shore, palette: make(color.Palette, 256)}
	for n := range l.palette {
		// The shore's weight rises from none at the ends to all in the middle.
		edge := 4 * n * (255 - n) * 256 / (255 * 255)
		mix := func(sea, land, shore uint8) uint8 {
			plain := (int(sea)*(255-n) + int(land)*n + 127) / 255
			return uint8((plain*(256-edge) + int(shore)*edge) / 256)
		}
		l.palette[n] = color.RGBA{mix(sea.R, land.R, shore.R), mix(sea.G, land.G, shore.G), mix(sea.B, land.B, shore.B), 0xff}
	}
	return l
}

// encode makes a PNG of a coverage image: the coverage is the palette index.
func encode(land *image.Alpha, l *look) []byte {
	var b bytes.Buffer
	img := &image.Paletted{Pix: land.Pix, Stride: land.Stride, Rect: land.Rect, Palette: l.palette}
	encoder := png.Encoder{CompressionLevel: png.BestSpeed}
	if err := encoder.Encode(&b, img); err != nil { // a buffer takes all that is written, and the size is right
		panic(err)
	}
	return b.Bytes()
}

// box is a rectangle in grid units.
type box struct{ minX, maxX, minY, maxY int32 }

// paint tells how much of each pixel of a tile is land, 0 to 255. Rings that stick out of the world are drawn on the
// other side too; where two copies or two rings touch, their common edge cancels, so there is no seam.
func paint(id tileID) *image.Alpha {
	perPixel := int32(world / tileSize >> id.zoom)
	left, top := int32(id.x)*tileSize*perPixel, int32(id.y)*tileSize*perPixel
	margin := 2 * perPixel
	view := box{left - margin, left + tileSize*perPixel + margin, top - margin, top + tileSize*perPixel + margin}

	canvas := vector.NewRasterizer(tileSize, tileSize)
	canvas.DrawOp = draw.Src
	var clip clipper
	for _, r := range land() {
		for shift := int32(-world); shift <= world; shift += world {
			if r.maxX+shift < view.minX || r.minX+shift > view.maxX || r.maxY < view.minY || r.minY > view.maxY {
				continue
			}
			line := clip.ring(r, shift, view)
			for i, p := range line {
				x, y := float32(p.x-left)/float32(perPixel), float32(p.y-top)/float32(perPixel)
				if i == 0 {
					canvas.MoveTo(x, y)
				} else {
					canvas.LineTo(x, y)
				}
			}
			canvas.ClosePath()
		}
	}
	out := image.NewAlpha(image.Rect(0, 0, tileSize, tileSize))
	canvas.Draw(out, out.Rect, image.Opaque, image.Point{})
	return out
}
