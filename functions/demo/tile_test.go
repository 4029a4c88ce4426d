package main

import (
	"bytes"
	"image"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
)

// pixelAt is the tile, and the pixel in it, that shows a place.
func pixelAt(at place, zoom uint) (tileID, int, int) {
	n := float64(int(tileSize) << zoom)
	x := (at.Lon + 180) / 360 * n
	y := (0.5 - math.Asinh(math.Tan(at.Lat*math.Pi/180))/(2*math.Pi)) * n
	return tileID{zoom, int(x) / tileSize, int(y) / tileSize}, int(x) % tileSize, int(y) % tileSize
}

func TestTileShowsLandAndSeaWhereTheyAre(t *testing.T) {
	for name, want := range map[string]struct {
		at    place
		cover uint8
	}{
		"centre of Africa":      {place{5, 22}, 255},
		"Kansas":                {place{38.5, -98}, 255},
		"central Australia":     {place{-25, 134}, 255},
		"Siberia":               {place{62, 105}, 255},
		"Chukotka, east of 180": {place{66.8, -178}, 255},
		"Antarctica at 180":     {place{-84.8, 179}, 255},
		"Antarctica at 0":       {place{-80, 0}, 255},
		"mid-Pacific":           {place{0, -150}, 0},
		"mid-Atlantic":          {place{30, -45}, 0},
		"Indian Ocean":          {place{-30, 80}, 0},
		"Caspian Sea, a hole":   {place{42, 50.5}, 0},
		"Hudson Bay":            {place{59, -85}, 0},
		"North Sea":             {place{56, 3}, 0},
	} {
		for zoom := range uint(maxZoom + 1) {
			id, x, y := pixelAt(want.at, zoom)
			if got := paint(id).AlphaAt(x, y).A; got != want.cover {
				t.Errorf("%s at zoom %d: coverage %d, want %d", name, zoom, got, want.cover)
			}
		}
	}
}

func landShare(images ...*image.Alpha) float64 {
	sum, n := 0, 0
	for _, img := range images {
		for _, a := range img.Pix {
			sum += int(a)
		}
		n += len(img.Pix)
	}
	return float64(sum) / float64(n) / 255
}

func TestLandIsAThirdOfTheMapAtEveryZoom(t *testing.T) {
	whole := landShare(paint(tileID{}))
	if whole < 0.20 || whole > 0.40 {
		t.Errorf("zoom 0 is %.1f %% land, want 20 to 40", whole*100)
	}
	for zoom := uint(1); zoom <= 4; zoom++ {
		var all []*image.Alpha
		for y := range 1 << zoom {
			for x := range 1 << zoom {
				all = append(all, paint(tileID{zoom, x, y}))
			}
		}
		if got := landShare(all...); math.Abs(got-whole) > 0.002 {
			t.Errorf("zoom %d is %.2f %% land, zoom 0 %.2f %%", zoom, got*100, whole*100)
		}
	}
}

// Neighbours at the antimeridian: the last column of the easternmost tile lies beside the first of the westernmost.
func TestNoSeamAtTheAntimeridian(t *testing.T) {
	for zoom := range uint(7) {
		n := 1 << zoom
		rows, breaks := 0, 0
		for y := range n {
			east, west := paint(tileID{zoom, n - 1, y}), paint(tileID{zoom, 0, y})
			for row := range tileSize {
				a, b := int(east.AlphaAt(254, row).A), int(west.AlphaAt(1, row).A)
				atSeam := [2]int{int(east.AlphaAt(255, row).A), int(west.AlphaAt(0, row).A)}
				rows++
				if abs(atSeam[0]-atSeam[1]) > 64 {
					breaks++
				}
				if a == b && (a == 0 || a == 255) && (abs(atSeam[0]-a) > 160 || abs(atSeam[1]-a) > 160) {
					t.Errorf("zoom %d, tile row %d, pixel row %d: a line at the antimeridian: %d %v %d", zoom, y, row, a, atSeam, b)
				}
			}
		}
		// Where a coast crosses, the two columns may differ; there are few such places.
		if limit := 20; breaks > limit {
			t.Errorf("zoom %d: the two sides of the antimeridian are unlike in %d of %d rows, want at most %d", zoom, breaks, rows, limit)
		}
	}
}

// A tile's pixels are the average of its four children's: no tile is shifted against the others, so borders fit too.
func TestTilesAgreeWithTheirChildren(t *testing.T) {
	for _, id := range []tileID{{0, 0, 0}, {2, 2, 1}, {3, 7, 2}, {3, 0, 2}, {4, 8, 5}, {5, 31, 9}, {6, 33, 20}, {7, 67, 42}} {
		parent := paint(id)
		worst := 0
		for quarter := range 4 {
			dx, dy := quarter%2, quarter/2
			child := paint(tileID{id.zoom + 1, id.x*2 + dx, id.y*2 + dy})
			for y := range tileSize / 2 {
				for x := range tileSize / 2 {
					sum := 0
					for k := range 4 {
						sum += int(child.AlphaAt(2*x+k%2, 2*y+k/2).A)
					}
					worst = max(worst, abs(sum/4-int(parent.AlphaAt(x+dx*128, y+dy*128).A)))
				}
			}
		}
		// Islands narrower than a pixel, in one another's way, are added up and held at full; a few levels are rounding.
		if worst > 24 {
			t.Errorf("tile %v differs from its children by up to %d of 255", id, worst)
		}
	}
}

func abs(n int) int { return max(n, -n) }

func get(t *testing.T, target string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	routes().ServeHTTP(w, r)
	if got := w.Header().Get("Access-Control-Allow-Origin"); got != "*" {
		t.Errorf("GET %s: Access-Control-Allow-Origin %q", target, got)
	}
	return w
}

func TestTileIsAPNGOfTheWorldWhateverTheView(t *testing.T) {
	w := get(t, "/map/1/tile/basic/main/0/0/0.png?view=Unified")
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/png" {
		t.Fatalf("status %d, type %s", w.Code, w.Header().Get("Content-Type"))
	}
	plain := get(t, "/map/1/tile/basic/main/0/0/0.png")
	if !bytes.Equal(plain.Body.Bytes(), w.Body.Bytes()) {
		t.Error("view changed the picture")
	}
	night := get(t, "/map/1/tile/basic/night/0/0/0.png")
	for name, body := range map[string]*bytes.Buffer{"main": plain.Body, "night": night.Body} {
		img, err := png.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		if img.Bounds() != image.Rect(0, 0, tileSize, tileSize) {
			t.Errorf("%s: bounds %v", name, img.Bounds())
		}
		_, x, y := pixelAt(place{5, 22}, 0)
		if got := img.At(x, y); got != looks[name].land {
			t.Errorf("%s: Africa is %v", name, got)
		}
		_, x, y = pixelAt(place{0, -150}, 0)
		if got := img.At(x, y); got != looks[name].sea {
			t.Errorf("%s: the Pacific is %v", name, got)
		}
	}
}

func TestUnchangedTileIsNotSentTwice(t *testing.T) {
	const target = "/map/1/tile/basic/main/3/4/2.png"
	tag := get(t, target).Header().Get("ETag")
	w := get(t, target, "If-None-Match", tag)
	if w.Code != http.StatusNotModified || w.Body.Len() != 0 {
		t.Errorf("status %d with %d bytes, want 304 without a body", w.Code, w.Body.Len())
	}
	if cache := w.Header().Get("Cache-Control"); cache != "private, no-cache" {
		t.Errorf("Cache-Control %q lets a copy be shown without asking the gate", cache)
	}
}

func FuzzParseTileID(f *testing.F) {
	f.Add("0", "0", "0.png")
	f.Add("8", "255", "255.png")
	f.Add("-1", "0", "0.png")
	f.Add("007", "1e3", "+1.png")
	f.Add("9", "999999999", "99999999999999999999.png")
	f.Fuzz(func(t *testing.T, z, x, y string) {
		id, p := parseTileID(z, x, y)
		if p != nil {
			if p.status != http.StatusBadRequest && p.status != http.StatusNotFound {
				t.Errorf("status %d", p.status)
			}
			return
		}
		if id.zoom > maxZoom || id.x < 0 || id.y < 0 || id.x>>id.zoom != 0 || id.y>>id.zoom != 0 {
			t.Errorf("%q/%q/%q was read as %v", z, x, y, id)
		}
	})
}

// A tile should take a few milliseconds; 50 would be felt.
func BenchmarkTile(b *testing.B) {
	land()
	for zoom := range uint(maxZoom + 1) {
		id, _, _ := pixelAt(place{66, 179}, zoom)
		b.Run("zoom="+strconv.Itoa(int(zoom)), func(b *testing.B) {
			for b.Loop() {
				encode(paint(id), looks["main"])
			}
		})
	}
}

func BenchmarkUnpackLand(b *testing.B) {
	for b.Loop() {
		unpack(packedLand)
	}
}
