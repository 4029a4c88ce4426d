package streams

import "testing"

func TestFilterMatchesAsEventPatterns(t *testing.T) {
	const record = `{"eventName":"INSERT","dynamodb":{"Keys":{"pk":{"S":"A#1"}},"SizeBytes":54,"StreamViewType":"NEW_IMAGE",
		"NewImage":{"pk":{"S":"A#1"},"sk":{"S":"KEY#7"},"n":{"N":"5"},"b":{"BOOL":true},"e":{"S":""},"z":{"NULL":true},
		"ss":{"SS":["x","y"]},"l":{"L":[{"S":"p"},{"S":"q"}]}}}}`
	sk := func(m string) string { return `{"dynamodb":{"NewImage":{"sk":{"S":[` + m + `]}}}}` }
	for pattern, want := range map[string]bool{
		`{"eventName":["INSERT","MODIFY"]}`:                                  true,
		`{"eventName":["REMOVE"]}`:                                           false,
		`{"eventName":["insert"]}`:                                           false,
		`{"eventName":[{"equals-ignore-case":"insert"}]}`:                    true,
		sk(`"KEY#7"`):                                                        true,
		sk(`{"prefix":"KEY#"}`):                                              true,
		sk(`{"prefix":"AUDIT#"}`):                                            false,
		sk(`{"prefix":"AUDIT#"},{"prefix":"KEY"}`):                           true,
		sk(`{"suffix":"#7"}`):                                                true,
		sk(`{"anything-but":"KEY#7"}`):                                       false,
		sk(`{"anything-but":["x","y"]}`):                                     true,
		sk(`{"anything-but":{"prefix":"KEY"}}`):                              false,
		sk(`{"anything-but":{"prefix":"ACCOUNT"}}`):                          true,
		sk(`{"exists":true}`):                                                true,
		sk(`{"exists":false}`):                                               false,
		`{"dynamodb":{"OldImage":{"sk":{"S":["x"]}}}}`:                       false,
		`{"dynamodb":{"OldImage":{"sk":[{"exists":true}]}}}`:                 false,
		`{"dynamodb":{"OldImage":{"sk":{"S":[{"exists":false}]}}}}`:          true,
		`{"dynamodb":{"OldImage":{"sk":{"S":[{"anything-but":"x"}]}}}}`:      false,
		`{"dynamodb":{"NewImage":[{"exists":true}]}}`:                        false, // leaves only
		`{"dynamodb":{"NewImage":{"n":{"N":["5"]}}}}`:                        true,
		`{"dynamodb":{"NewImage":{"n":{"N":[5]}}}}`:                          false, // numbers are strings there
		`{"dynamodb":{"NewImage":{"n":{"N":[{"numeric":["=",5]}]}}}}`:        false,
		`{"dynamodb":{"SizeBytes":[54]}}`:                                    true,
		`{"dynamodb":{"SizeBytes":[{"numeric":[">",50,"<=",54]}]}}`:          true,
		`{"dynamodb":{"SizeBytes":[{"numeric":[">",54]}]}}`:                  false,
		`{"dynamodb":{"SizeBytes":[{"numeric":["<",54]}]}}`:                  false,
		`{"dynamodb":{"SizeBytes":[{"numeric":[">=",54]}]}}`:                 true,
		`{"dynamodb":{"NewImage":{"b":{"BOOL":[true]}}}}`:                    true,
		`{"dynamodb":{"NewImage":{"b":{"BOOL":[false]}}}}`:                   false,
		`{"dynamodb":{"NewImage":{"e":{"S":[""]}}}}`:                         true,
		`{"dynamodb":{"NewImage":{"ss":{"SS":["y"]}}}}`:                      true,
		`{"dynamodb":{"NewImage":{"ss":{"SS":["w"]}}}}`:                      false,
		`{"dynamodb":{"NewImage":{"l":{"L":{"S":["q"]}}}}}`:                  true,
		`{"eventName":["INSERT"],"dynamodb":{"Keys":{"pk":{"S":["B"]}}}}`:    false, // and
		`{"$or":[{"eventName":["REMOVE"]},{"dynamodb":{"SizeBytes":[54]}}]}`: true,
		`{"$or":[{"eventName":["REMOVE"]},{"dynamodb":{"SizeBytes":[5]}}]}`:  false,
		`{"eventName":[null]}`:                                               false,
	} {
		f, err := ParseFilter(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			continue
		}
		if got := f.match([]byte(record)); got != want {
			t.Errorf("%s: %v, want %v", pattern, got, want)
		}
	}
	if !(Filter{}).match([]byte(record)) {
		t.Error("no filter lets nothing through")
	}
	either, err := ParseFilter(`{"eventName":["REMOVE"]}`, `{"eventName":["INSERT"]}`)
	if err != nil || !either.match([]byte(record)) {
		t.Errorf("one of two patterns is enough: %v", err)
	}
}

func TestParseFilterRefusesWhatItDoesNotKnow(t *testing.T) {
	for _, bad := range []string{
		``, `[]`, `{}`, `{"a":{}}`, `{"a":"x"}`, `{"a":[]}`, `{"a":[["x"]]}`, `{"a":[{}]}`, `{"a":[{"wildcard":"x*"}]}`, `{"a":[{"cidr":"10.0.0.0/8"}]}`,
		`{"a":[{"prefix":1}]}`, `{"a":[{"exists":"yes"}]}`, `{"a":[{"numeric":[">"]}]}`, `{"a":[{"numeric":[">","5"]}]}`, `{"a":[{"numeric":["~",5]}]}`,
		`{"a":[{"anything-but":[]}]}`, `{"$or":[{"a":["x"]}]}`, `{"$or":[1,2]}`, `{"a":["x"]} {}`, `{"a":[{"prefix":"x","suffix":"y"}]}`,
	} {
		if _, err := ParseFilter(bad); err == nil {
			t.Errorf("%s: accepted", bad)
		}
	}
}

func TestParseReadsATemplatesProperties(t *testing.T) {
	m, err := Parse(map[string]any{
		"Stream": "whatever", "StartingPosition": "LATEST", "BatchSize": 1000, "MaximumBatchingWindowInSeconds": "5", "ParallelizationFactor": 10.0,
		"MaximumRetryAttempts": 3, "MaximumRecordAgeInSeconds": 3600, "BisectBatchOnFunctionError": true, "FunctionResponseTypes": []any{"ReportBatchItemFailures"},
		"FilterCriteria":    map[string]any{"Filters": []any{map[string]any{"Pattern": `{"eventName":["INSERT"]}`}}},
		"DestinationConfig": map[string]any{"OnFailure": map[string]any{"Type": "S3", "Destination": "arn:aws:s3:::b"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !m.StartLatest || m.BatchSize != 1000 || m.BatchingWindow.Seconds() != 5 || m.ParallelizationFactor != 10 || m.MaximumRetryAttempts != 3 ||
		m.MaximumRecordAge.Hours() != 1 || !m.Bisect || !m.ReportFailures || !m.OnFailureS3 || len(m.Filter.patterns) != 1 || m.Disabled {
		t.Errorf("%+v", m)
	}
	m, err = Parse(map[string]any{"StartingPosition": "TRIM_HORIZON", "Enabled": false, "MaximumRecordAgeInSeconds": -1})
	if err != nil || m.BatchSize != 100 || m.ParallelizationFactor != 1 || m.MaximumRetryAttempts != -1 || m.MaximumRecordAge != 0 || !m.Disabled || m.StartLatest {
		t.Errorf("defaults: %+v %v", m, err)
	}
	for name, v := range map[string]any{
		"StartingPosition": "AT_TIMESTAMP", "TumblingWindowInSeconds": 5, "BatchSize": 1.5, "Enabled": "maybe", "FunctionResponseTypes": []any{"Other"},
		"FilterCriteria": map[string]any{}, "DestinationConfig": map[string]any{"OnSuccess": 1}, "ParallelizationFactor": []any{},
	} {
		if _, err := Parse(map[string]any{name: v}); err == nil {
			t.Errorf("%s %v: accepted", name, v)
		}
	}
}

func FuzzParseFilter(f *testing.F) {
	f.Add(`{"a":[{"numeric":[">",5]}]}`, `{"a":6}`)
	f.Add(`{"$or":[{"a":[null]},{"b":{"c":[{"exists":false}]}}]}`, `{"b":[{"c":[1,[2]]}]}`)
	f.Fuzz(func(t *testing.T, pattern, record string) {
		if filter, err := ParseFilter(pattern); err == nil {
			filter.match([]byte(record))
		}
	})
}
