package recordings

import (
	"slices"
	"testing"
)

func TestEachAnswerSaysWhoSawIt(t *testing.T) {
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	seen, seenOnAWS, byService := map[string]bool{}, 0, map[string]int{}
	for _, r := range all {
		if r.Name == "" || r.Source == "" || len(r.Input) == 0 || len(r.Wanted) == 0 || !slices.Contains(Services, r.Service) ||
			!slices.Contains([]string{Recorded, Asserted, Documented, Reported, Inferred}, r.Grade) {
			t.Errorf("%s %q: a part is missing or unknown", r.Service, r.Name)
		}
		if seen[r.Service+r.Name] {
			t.Errorf("%s %q is there twice", r.Service, r.Name)
		}
		seen[r.Service+r.Name] = true
		byService[r.Service]++
		if r.Grade == Recorded || r.Grade == Asserted {
			seenOnAWS++
		}
	}
	if seenOnAWS < 60 {
		t.Errorf("%d answers were seen on AWS, want 60 or more", seenOnAWS)
	}
	for _, s := range Services {
		if byService[s] < 3 {
			t.Errorf("%s: %d answers", s, byService[s])
		}
	}
	t.Log(seenOnAWS, byService)
}

func TestAMemberThatATestDoesNotKnowIsAnError(t *testing.T) {
	r := Recording{Input: []byte(`{"a":1}`), Wanted: []byte(`{"b":1,"c":2}`)}
	var in struct{ A int }
	var wanted struct{ B int }
	if err := r.Read(&in, &wanted); err == nil {
		t.Error("c was walked past")
	}
}
