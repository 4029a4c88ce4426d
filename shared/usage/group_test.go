package usage_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"latchkey/shared/product"
	"latchkey/shared/usage"
)

// splits are all groupings, with the names of the calls that drawRows draws.
var splits = map[string]usage.Grouping{"key": usage.GroupKey, "product": usage.GroupProduct, "reason": usage.GroupReason, "host": usage.GroupHost}

func usageProduct(n int) product.ID { return product.ID(fmt.Sprint("p", n)) }

// drawRows draws counters of up to 12 keys, which have more names of each kind than are shown.
func drawRows(t *rapid.T, points int) (rows []usage.Row) {
	codes := []string{"allowed", "domain_not_allowed", "qps_exceeded", "key_revoked", "key_blocked", "key_disabled", "key_expired", "origin_missing", "product_not_allowed", "ip_not_allowed", "secret_expired"}
	for range rapid.IntRange(0, 60).Draw(t, "rows") {
		code := rapid.SampledFrom(codes).Draw(t, "code")
		n := rapid.Int64Range(1, 1000).Draw(t, "calls")
		host := rapid.SampledFrom([]string{"-", "*", "*refused", fmt.Sprintf("h%d.example", rapid.IntRange(0, 12).Draw(t, "host"))}).Draw(t, "name")
		rows = append(rows, usage.Row{
			Start: noon.Add(time.Duration(rapid.IntRange(-1, points).Draw(t, "at")) * time.Hour), Key: keyID(rapid.IntRange(0, 12).Draw(t, "key")),
			Product: usageProduct(rapid.IntRange(0, 10).Draw(t, "product")), Counts: usage.Counts{usage.Dimension("c:c:" + code): n, usage.Dimension("o:" + host + ":" + code): n},
		})
	}
	return rows
}

// TestGroupsAddUpToTheWholeInEachPoint, whatever they split by, also where the rows that they come from were read later than the points and have
// more, or fewer, calls. No group has less than nothing, at most eight have a name, and none that has no name of its own.
func TestGroupsAddUpToTheWholeInEachPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		by := rapid.SampledFrom([]string{"key", "product", "reason", "host"}).Draw(t, "by")
		n := rapid.IntRange(1, 5).Draw(t, "points")
		q := usage.Query{From: noon, To: noon.Add(time.Duration(n) * time.Hour), Step: time.Hour, Group: splits[by]}
		own := usage.Summarise(q, drawRows(t, n))
		later := usage.NewSumming(q)
		later.Add(drawRows(t, n))
		for _, groups := range [][]usage.Group{own.Groups, later.Groups(own.Points)} {
			sums, named := make([]int64, n), 0
			for i, g := range groups {
				all := int64(0)
				for at, calls := range g.Series {
					if calls < 0 {
						t.Fatalf("%s: %d calls", g.Name, calls)
					}
					sums[at], all = sums[at]+calls, all+calls
				}
				if all != g.Calls || g.Rest && (i != len(groups)-1 || g.Name != "") {
					t.Fatalf("group %d: %+v", i, g)
				}
				if !g.Rest {
					named++
				}
				if by == "host" && g.Name == usage.OtherHost {
					t.Fatal("hosts without a name of their own have one")
				}
			}
			if named > usage.ShownGroups {
				t.Fatalf("%d groups", named)
			}
			for at, p := range own.Points {
				if want := map[bool]int64{true: p.Refused, false: p.Requests}[by == "reason"]; sums[at] != want {
					t.Fatalf("by %s, point %d: the groups have %d calls, the point %d", by, at, sums[at], want)
				}
			}
		}
	})
}

// TestTheGroupsWithTheMostCallsAreTold: eight of ten products, the most first, and two together.
func TestTheGroupsWithTheMostCallsAreTold(t *testing.T) {
	var rows []usage.Row
	for i := range 10 {
		rows = append(rows, usage.Row{Start: noon.Add(time.Duration(i%2) * time.Hour), Key: keyID(1), Product: usageProduct(i), Counts: usage.Counts{"c:c:allowed": int64(10 + i), "c:p:qps_exceeded": 1}})
	}
	q := usage.Query{From: noon, To: noon.Add(2 * time.Hour), Step: time.Hour, Group: usage.GroupProduct}
	got := ""
	for _, g := range usage.Summarise(q, rows).Groups {
		got += fmt.Sprintln(g.Name, g.Rest, g.Calls, g.Series)
	}
	want := "p9 false 20 [0 20]\np8 false 19 [19 0]\np7 false 18 [0 18]\np6 false 17 [17 0]\np5 false 16 [0 16]\np4 false 15 [15 0]\np3 false 14 [0 14]\np2 false 13 [13 0]\n true 23 [11 12]\n"
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
	q.Group = 0
	if groups := usage.Summarise(q, rows).Groups; groups != nil {
		t.Errorf("nobody asked for %v", groups)
	}
}
