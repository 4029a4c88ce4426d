package figures

// What the computation takes from the code and the template. Many of these constants are unexported, or of programs: here
// they stand once more by their names, and a test of infra/contract compares each with the code.
var (
	// Code has periods in seconds, and numbers.
	Code = map[string]float64{
		"authorizer.freshFor":              5,
		"authorizer.knownBytes":            64 << 20,
		"authorizer.entryCost":             320,
		"authorizer.accountCost":           320,
		"authorizer.maxLimits":             8192,
		"shared/origin.maxName":            253,
		"shared/usage.ReportEvery":         5,
		"shared/usage.maxCells":            4096,
		"shared/usage.KeepContributions":   6 * 86400,
		"shared/limiter.leastShare":        8,
		"functions/rotator.margin":         20,
		"functions/rotator.workers":        8,
		"functions/accounts.maxKeyLimit":   100_000,
		"functions/console.mostSorted":     1000,
		"functions/usage.mostKeys":         500,
		"shared/dynamo/control.MostLooked": 1000,
	}
	// Template has properties of template.yaml, by resource and path.
	Template = map[string]int{
		"Authorizer/MemorySize":                                                   512,
		"RotatorFunction/Timeout":                                                 240,
		"ProductsApi/MethodSettings/0/ThrottlingRateLimit":                        5000,
		"CounterFunction/Events/Slices/Properties/ParallelizationFactor":          4,
		"CounterFunction/Events/Slices/Properties/MaximumBatchingWindowInSeconds": 2,
	}
)

var (
	freshFor     = Code["authorizer.freshFor"]
	reportEvery  = Code["shared/usage.ReportEvery"]
	jobSeconds   = float64(Template["RotatorFunction/Timeout"])
	jobWorks     = jobSeconds - Code["functions/rotator.margin"]
	workersOfJob = Code["functions/rotator.workers"]
)
