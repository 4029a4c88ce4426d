package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxZoom is as deep as the land data is worth drawing: a pixel is 600 m there, the coast is good to about 1 km.
const maxZoom = 8

// tileID names a tile of the usual grid: 2^z by 2^z tiles, x from the antimeridian eastwards, y from the north.
type tileID struct {
	zoom uint
	x, y int
}

// serveTile answers with a PNG. The query string, `view` among it, changes nothing: the map has no borders to argue over.
func serveTile(w http.ResponseWriter, r *http.Request) {
	colours, p := parseLook(r.PathValue("layer"), r.PathValue("style"))
	if p != nil {
		write(w, *p)
		return
	}
	id, p := parseTileID(r.PathValue("z"), r.PathValue("x"), r.PathValue("y"))
	if p != nil {
		write(w, *p)
		return
	}
	body := encode(paint(id), colours)
	sum := sha256.Sum256(body)
	w.Header().Set("Content-Type", "image/png")
	// A cached tile is offered to the gate again each time, so a revoked key stops showing maps; the ETag keeps that cheap.
	w.Header().Set("Cache-Control", "private, no-cache")
	w.Header().Set("ETag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

func parseLook(layer, style string) (*look, *problem) {
	if layer != "basic" {
		p := notFound("layer_unknown", "the demo has one layer: basic")
		return nil, &p
	}
	l, ok := looks[style]
	if !ok {
		p := notFound("style_unknown", "the demo has the styles main and night")
		return nil, &p
	}
	return l, nil
}

// parseTileID reads z, x and "y.png". Numbers have one spelling, so a tile has one address.
func parseTileID(z, x, y string) (tileID, *problem) {
	y, isPNG := strings.CutSuffix(y, ".png")
	if !isPNG {
		p := notFound("format_unknown", "tiles end in .png")
		return tileID{}, &p
	}
	zoom, okZ := number(z)
	column, okX := number(x)
	row, okY := number(y)
	if !okZ || !okX || !okY {
		p := badValue("tile_malformed", "zoom, x and y are whole numbers")
		return tileID{}, &p
	}
	if zoom > maxZoom {
		p := badValue("tile_out_of_range", "zoom is 0 to "+strconv.Itoa(maxZoom))
		return tileID{}, &p
	}
	if n := 1 << zoom; column >= n || row >= n {
		p := badValue("tile_out_of_range", "x and y are 0 to "+strconv.Itoa(n-1)+" at this zoom")
		return tileID{}, &p
	}
	return tileID{uint(zoom), column, row}, nil
}

// number reads a decimal number of up to nine digits without sign or leading zeros.
func number(s string) (int, bool) {
	if s == "" || len(s) > 9 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	n := 0
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}
