// Command landgen turns Natural Earth's land polygons (TopoJSON, as the npm package world-atlas carries them) into the
// compact file that the demo embeds. It is run manually, once; ../PROVENANCE.md says how.
//
// What it does, so that the function needn't: joins arcs to rings, unwraps rings that cross the antimeridian, closes
// Antarctica below the edge of the map, projects to Web Mercator, rounds to a 2^20 grid and packs differences as varints.
package main

import (
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math"
	"os"
)

// world is the width of the map in grid units. It must agree with ../land.go.
const world = 1 << 20

type topology struct {
	Transform struct{ Scale, Translate [2]float64 }
	Arcs      [][][2]float64
	Objects   map[string]struct {
		Geometries []struct {
			Type string
			Arcs json.RawMessage
		}
	}
}

type lonLat struct{ lon, lat float64 }

type point struct{ x, y int }

func main() {
	in := flag.String("in", "", "TopoJSON file with an object named land")
	out := flag.String("out", "land.bin", "the packed file")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		log.Fatal(err)
	}
}

func run(in, out string) error {
	raw, err := os.ReadFile(in)
	if err != nil {
		return err
	}
	var topo topology
	if err := json.Unmarshal(raw, &topo); err != nil {
		return err
	}
	sets, err := arcSets(topo)
	if err != nil {
		return err
	}
	arcs := decodeArcs(topo)
	var rings [][]point
	points := 0
	for _, set := range sets {
		ring := project(closeAroundPole(unwrap(join(arcs, set))))
		if len(ring) < 3 {
			continue // rounded to nothing, or wholly off the map
		}
		rings = append(rings, ring)
		points += len(ring)
	}
	packed := pack(rings)
	fmt.Printf("%d rings, %d points, %d bytes\n", len(rings), points, len(packed))
	return os.WriteFile(out, packed, 0o644)
}

// arcSets lists the arc numbers of every ring, outer rings and holes alike: drawn together, a hole's opposite direction
// cancels what lies around it.
func arcSets(topo topology) ([][]int, error) {
	var sets [][]int
	for _, g := range topo.Objects["land"].Geometries {
		polygons := make([][][]int, 1)
		into := any(&polygons)
		switch g.Type {
		case "MultiPolygon":
		case "Polygon":
			into = &polygons[0]
		default:
			return nil, fmt.Errorf("landgen: geometry %q is no polygon", g.Type)
		}
		if err := json.Unmarshal(g.Arcs, into); err != nil {
			return nil, err
		}
		for _, p := range polygons {
			sets = append(sets, p...)
		}
	}
	if len(sets) == 0 {
		return nil, fmt.Errorf("landgen: no rings in object land")
	}
	return sets, nil
}

func decodeArcs(topo topology) [][]lonLat {
	scale, translate := topo.Transform.Scale, topo.Transform.Translate
	arcs := make([][]lonLat, len(topo.Arcs))
	for i, arc := range topo.Arcs {
		var x, y float64
		for _, d := range arc {
			x, y = x+d[0], y+d[1]
			arcs[i] = append(arcs[i], lonLat{x*scale[0] + translate[0], y*scale[1] + translate[1]})
		}
	}
	return arcs
}

// join strings arcs together; ^n means arc n backwards, and each arc begins where the one before it ended. The closing
// point, a repetition of the first, stays.
func join(arcs [][]lonLat, set []int) []lonLat {
	var ring []lonLat
	for _, n := range set {
		backwards := n < 0
		if backwards {
			n = ^n
		}
		arc := arcs[n]
		for i := range arc {
			p := arc[i]
			if backwards {
				p = arc[len(arc)-1-i]
			}
			if i > 0 || len(ring) == 0 {
				ring = append(ring, p)
			}
		}
	}
	return ring
}

// unwrap makes longitudes continuous: a step of more than half the world is the shorter step across the antimeridian.
// The ring then lies where its middle is in [-180, 180), so some rings stick out; the renderer draws them on both sides.
func unwrap(ring []lonLat) []lonLat {
	low, high := ring[0].lon, ring[0].lon
	for i := 1; i < len(ring); i++ {
		ring[i].lon -= 360 * math.Round((ring[i].lon-ring[i-1].lon)/360)
		low, high = min(low, ring[i].lon), max(high, ring[i].lon)
	}
	shift := 360 * math.Floor(((low+high)/2+180)/360)
	for i := range ring {
		ring[i].lon -= shift
	}
	return ring
}

// closeAroundPole closes a ring that goes round the world (Antarctica) below the edge of the map.
func closeAroundPole(ring []lonLat) []lonLat {
	first, last := ring[0], ring[len(ring)-1]
	if math.Abs(last.lon-first.lon) < 180 {
		return ring[:len(ring)-1]
	}
	return append(ring, lonLat{last.lon, -90}, lonLat{first.lon, -90})
}

// project maps to the grid: x from the antimeridian eastwards, y from 85.05° north southwards. Beyond 86° the latitude
// is held, which is off the map and finite. Points that round to the one before them are dropped.
func project(ring []lonLat) []point {
	var out []point
	visible := false
	for _, p := range ring {
		lat := max(-86, min(86, p.lat)) * math.Pi / 180
		q := point{
			x: int(math.Round((p.lon + 180) / 360 * world)),
			y: int(math.Round((0.5 - math.Asinh(math.Tan(lat))/(2*math.Pi)) * world)),
		}
		visible = visible || q.y >= 0 && q.y <= world
		if len(out) == 0 || out[len(out)-1] != q {
			out = append(out, q)
		}
	}
	if !visible {
		return nil
	}
	return out
}

func pack(rings [][]point) []byte {
	b := binary.AppendUvarint(nil, uint64(len(rings)))
	for _, ring := range rings {
		b = binary.AppendUvarint(b, uint64(len(ring)))
		var last point
		for _, p := range ring {
			b = binary.AppendVarint(b, int64(p.x-last.x))
			b = binary.AppendVarint(b, int64(p.y-last.y))
			last = p
		}
	}
	return b
}
