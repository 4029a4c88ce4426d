// Package figures computes what the gate costs and which bound a large installation meets first: from sizes that the
// code's own encoders give, periods of the code, the limiter's simulation, and what AWS publishes. It measures nothing.
// infra/bench/cost and infra/bench/scale print its tables, and tests of infra/contract hold the documents to them.
package figures

// Prices in dollars, on demand, us-east-1, by AWS's price pages as collected in November 2026. Prices are lower with
// volume (API Gateway's from 333 million calls a month on); these are the first tier's.
const (
	WriteUnit   = 0.625 / 1e6 // of 1 KB; a transaction takes two for each
	ReadUnit    = 0.125 / 1e6 // of 4 KB, strongly consistent
	Invocation  = 0.20 / 1e6
	GBSecond    = 0.0000133 // arm64
	RESTCall    = 3.50 / 1e6
	StoredMonth = 0.25 // a GB in DynamoDB, for a month; a gibibyte, strictly
	Secret      = 0.40 // a month in Secrets Manager
)

// vCPU is the memory, in MB, at which a function has one whole processor; it has a share in proportion below.
const vCPU = 1769

// Sure is the certainty of a published bound.
type Sure string

// How sure.
const (
	Documented Sure = "documented"
	Reported   Sure = "reported"
	Unverified Sure = "unverified"
)

// Bound is one of AWS's bounds.
type Bound struct {
	Name   string
	Value  float64
	Raised bool // on request
	Sure   Sure
}

// The bounds that the tables compare with.
var (
	ItemWrites      = Bound{"write units a second of one item, or one partition", 1000, false, Documented}
	ItemReads       = Bound{"read units a second of one item, or one partition", 3000, false, Documented}
	TableWrites     = Bound{"write units a second of one table on demand", 40_000, true, Documented}
	TableReads      = Bound{"read units a second of one table on demand", 40_000, true, Documented}
	GatewayCalls    = Bound{"calls a second of all APIs of an account in a Region (2,500 in newer Regions)", 10_000, true, Documented}
	Concurrency     = Bound{"execution environments that work at once, of all functions", 1000, true, Documented}
	CallsOfOne      = Bound{"calls a second for each of them", 10, false, Reported}
	NewEnvironments = Bound{"new environments of a function in 10 s", 1000, false, Documented}
	SecretWrites    = Bound{"changes of secrets' values or stages a second", 50, false, Documented}
	SecretsInRegion = Bound{"secrets of an account in a Region", 500_000, false, Reported}
)

// Bounds are all of them, in the order of the page.
func Bounds() []Bound {
	return []Bound{
		GatewayCalls, Concurrency, CallsOfOne, NewEnvironments, ItemReads, ItemWrites, TableReads, TableWrites,
		SecretWrites, SecretsInRegion,
	}
}
