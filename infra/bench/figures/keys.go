package figures

import (
	"fmt"
	"math"
	"strings"
)

// What the jobs ask of the store: calls one after another, by the code of shared/dynamo/control and functions/rotator.
const (
	driftPerKey     = 2 // its policy record, and from the gate's side the key
	driftPerAccount = 4 // its keys' first page, the account, its record, and from the gate's side the account again
	purgePerKey     = 2 // a read and a transaction
	// A rotation that is delivered makes 7 to 8 calls of the store and Secrets Manager (functions/rotator/many_test.go), 2 of
	// them of the kind that Secrets Manager bounds.
	rotationPerKey = 7.5
	secretsPerKey  = 2
	// resumes is the time between two runs of a comparison, in seconds: the schedule of the job "resume".
	resumes = 600
)

// KeysTable is the table of what a number of keys asks for, whatever is called.
func KeysTable(s Sizes) string {
	n, m := float64(millions), float64(accounts)
	drift := (driftPerKey*n + driftPerAccount*m) * roundTrip
	perKey := driftPerKey + driftPerAccount*m/n
	fits := jobWorks / roundTrip / perKey
	purged := jobWorks / roundTrip / purgePerKey
	rotated := jobWorks * workersOfJob / roundTrip / rotationPerKey
	delivered := jobWorks * SecretWrites.Value / secretsPerKey
	bytes := n * float64(s.KeyControl+s.KeyGate)
	var b strings.Builder
	b.WriteString("| | a million keys | bound | so it holds up to |\n|---|---|---|---|\n")
	line := func(format string, v ...any) { fmt.Fprintf(&b, format+"\n", v...) }
	line("| a key's items in `control` and `gate`, copies in the index included | %.1f GB, $%.2f a month | – | – |", bytes/1e9, bytes/1e9*StoredMonth)
	line("| drift job, one key after another; a pass a day goes on every %s minutes | %s s: %s runs, %.1f hours | %s s a run | %s keys a run, %s a day |",
		whole(resumes/60), whole(drift), whole(math.Ceil(drift/jobWorks)), math.Ceil(drift/jobWorks)*resumes/3600, whole(jobWorks), whole(round2(fits)), whole(round2(fits*86400/resumes)))
	line("| keyring job, a query for each account; a sweep goes on every hour | %s s | %s s a run | %s accounts a run, %s a day |",
		whole(m*roundTrip), whole(jobWorks), whole(round2(jobWorks/roundTrip)), whole(round2(24*jobWorks/roundTrip)))
	line("| purge job, once a day | – | %s s | %s keys a day |", whole(jobWorks), whole(round2(purged)))
	line("| rotation job, a run of 5 minutes, %s keys at once | – | %s s | %s keys a run |", whole(workersOfJob), whole(jobWorks), whole(round2(rotated)))
	line("| the same with delivery | – | %s changes of secrets a second | %s keys a run |", whole(SecretWrites.Value), whole(round2(delivered)))
	line("| delivered secrets, if each key had one | $%s a month | %s secrets | %s keys |", whole(n*Secret), whole(SecretsInRegion.Value), whole(SecretsInRegion.Value))
	line("| creating keys in one account: %d write units of its partition for each | – | %s a second | %s keys a second |", s.AccountUnits, whole(ItemWrites.Value), whole(ItemWrites.Value/float64(s.AccountUnits)))
	line("| keys of one account | – | %s | the same |", whole(Code["functions/accounts.maxKeyLimit"]))
	line("| sorting an account's keys by anything but their age and name | – | %s keys | the same |", whole(Code["functions/console.mostSorted"]))
	line("| usage of an account in one answer | – | %s keys | the same |", whole(Code["functions/usage.mostKeys"]))
	line("| keys that an environment keeps in memory | – | %s MB | about %s keys |", whole(Code["authorizer.knownBytes"]/(1<<20)),
		whole(round2(keysInMemory(s))))
	line("| keys and products that an environment counts in an hour | – | %s at once | begins again under a new name at half of it |", whole(Code["shared/usage.maxCells"]))
	return b.String()
}

// keysInMemory is the number of keys that an environment keeps, each charged as the gate's cache does (costOf in authorizer/cache.go).
func keysInMemory(s Sizes) float64 {
	return Code["authorizer.knownBytes"] / (Code["authorizer.entryCost"] + Code["authorizer.accountCost"] + float64(s.PolicyMemory))
}

// SizesTable is the table of the items' sizes.
func SizesTable(s Sizes) string {
	var b strings.Builder
	b.WriteString("| item | bytes | units |\n|---|---|---|\n")
	for _, r := range []struct {
		name  string
		bytes int
		units string
	}{
		{"policy record, 2 products and 3 domains", s.Policy, fmt.Sprintf("%d to read", ReadUnits(s.Policy))},
		{"the same with 100 domains of 30 characters", s.PolicyMany, fmt.Sprintf("%d to read", ReadUnits(s.PolicyMany))},
		{"the largest that a change of a key may make, of domains of 253 characters", s.PolicyMost, fmt.Sprintf("%d to read", ReadUnits(s.PolicyMost))},
		{"account record", s.Account, fmt.Sprintf("%d to read", ReadUnits(s.Account))},
		{"lease", s.Lease, fmt.Sprintf("%d to write", WriteUnits(s.Lease))},
		{"report of 50 calls of 50 keys", s.Report, fmt.Sprintf("%d to write", WriteUnits(s.Report))},
		{"creating a key", s.KeyControl + s.KeyGate, fmt.Sprintf("%d to write", s.CreateUnits)},
		{"changing its name", 0, fmt.Sprintf("%d to write", s.ChangeUnits)},
	} {
		size := "–"
		if r.bytes > 0 {
			size = fmt.Sprint(r.bytes)
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", r.name, size, r.units)
	}
	return b.String()
}

// BoundsTable is the table of what AWS publishes.
func BoundsTable() string {
	var b strings.Builder
	b.WriteString("| bound | by default | raised on request | how sure |\n|---|---|---|---|\n")
	for _, x := range Bounds() {
		raised := "no"
		if x.Raised {
			raised = "yes"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", x.Name, whole(x.Value), raised, x.Sure)
	}
	return b.String()
}
