package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"latchkey/shared/authz"
	"latchkey/shared/product"
	"latchkey/shared/product/lock"
)

const repository = "../../.."

func TestWhatIsGeneratedIsCommitted(t *testing.T) {
	files := os.DirFS(repository)
	out, _, err := generate(files, lock.Named{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{codeFile, templateFile, lockFile} {
		committed, err := os.ReadFile(repository + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(out[name], committed) {
			t.Errorf("%s is stale: make catalogue", name)
		}
	}
}

// files is a repository with one product and a template that is nothing but its marks.
func files(products string) fstest.MapFS {
	return fstest.MapFS{
		catalogueFile: {Data: []byte(`{"products":[` + products + `]}`)},
		lockFile:      {},
		templateFile:  {Data: []byte("before\n" + begin + "what stood there\n" + end + "after\n")},
	}
}

const good = `{"id":"a","name":"A","kind":"api","sample_path":"/a/b/1","docs_url":"https://docs.example/a","classes":[
	{"id":"a","name":"A","prefixes":["/a/b/","/a/c/"],"qps":{"enterprise":1,"self_serve":1},"max_qps":2},
	{"id":"a.x","name":"X","prefixes":["/a/b/x/","/z/"],"qps":{"enterprise":1,"self_serve":1},"max_qps":2}]}`

func TestEachOutermostPrefixHasOneRoute(t *testing.T) {
	out, _, err := generate(files(good), lock.Named{})
	if err != nil {
		t.Fatal(err)
	}
	text := string(out[templateFile])
	var routed []string
	for _, line := range strings.Split(text, "\n") {
		if path, ok := strings.CutSuffix(strings.TrimSpace(line), "{proxy+}:"); ok {
			routed = append(routed, path)
		}
		if _, upstream, ok := strings.Cut(line, "${Upstream}"); ok {
			upstream, _, _ = strings.Cut(upstream, "{proxy}")
			routed = append(routed, "to "+upstream)
		}
	}
	if got := strings.Join(routed, " "); got != "/a/b/ to /a/b/ /a/c/ to /a/c/ /z/ to /z/" {
		t.Errorf("routes: %s", got)
	}
	if !strings.HasPrefix(text, "before\n"+begin) || !strings.HasSuffix(text, end+"after\n") || strings.Contains(text, "what stood there") {
		t.Error("text outside of the marks changed, or text between them stayed")
	}
}

// TestTheLimitsOfAccountsAreInTheCode as the file has them, of one type or of both.
func TestTheLimitsOfAccountsAreInTheCode(t *testing.T) {
	for limits, want := range map[string]string{
		`{"enterprise":30,"self_serve":20}`: "MaxQPS: 2, AccountQPS: map[account.Type]int{account.Enterprise: 30, account.SelfServe: 20}},",
		`{"self_serve":20}`:                 "MaxQPS: 2, AccountQPS: map[account.Type]int{account.SelfServe: 20}},",
		`{}`:                                "MaxQPS: 2},",
	} {
		out, _, err := generate(files(strings.Replace(good, `"max_qps":2`, `"max_qps":2,"account_qps":`+limits, 1)), lock.Named{})
		if err != nil || !strings.Contains(string(out[codeFile]), want) {
			t.Errorf("%s: %v\n%s", limits, err, out[codeFile])
		}
	}
}

func TestACatalogueThatCannotBeRoutedOrShownIsRefused(t *testing.T) {
	for name, change := range map[string][2]string{
		"a sample with a query":             {`/a/b/1"`, `/a/b/1?x=1"`},
		"a sample that climbs":              {`/a/b/1"`, `/a/b/../1"`},
		"a sample with an encoded slash":    {`/a/b/1"`, `/a/b/%2f1"`},
		"a sample with an empty segment":    {`/a/b/1"`, `/a/b//1"`},
		"a sample that ends a shell string": {`/a/b/1"`, `/a/b/1'"`},
		"a sample that isn't escaped":       {`/a/b/1"`, `/a/b/é"`},
		"a sample of nobody":                {`/a/b/1"`, `/b/1"`},
		"docs without a host":               {`https://docs.example/a`, `https:///a`},
		"docs that are no URL":              {`https://docs.example/a`, `https://docs.example/%zz`},
		"docs by another scheme":            {`https://docs.example/a`, `javascript:1`},
		"a prefix with a variable":          {`"/z/"`, `"/{z}/"`},
		"a prefix that ends a YAML string":  {`"/z/"`, `"/z\"/"`},
		"a prefix with an empty segment":    {`"/z/"`, `"/z//z/"`},
		"a prefix that climbs":              {`"/z/"`, `"/z/../"`},
	} {
		broken := strings.Replace(good, change[0], change[1], 1)
		if broken == good {
			t.Fatalf("%s: nothing changed", name)
		}
		if out, _, err := generate(files(broken), lock.Named{}); err == nil || out != nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestAWideningIsRefusedUnlessItIsNamed, and then nothing is written: neither the lock nor code nor routes.
func TestAWideningIsRefusedUnlessItIsNamed(t *testing.T) {
	f := files(good)
	first, _, err := generate(f, lock.Named{})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range first {
		f[name] = &fstest.MapFile{Data: text}
	}
	wider := strings.Replace(good, `"/z/"`, `"/z/","/y/"`, 1)
	f[catalogueFile] = &fstest.MapFile{Data: []byte(`{"products":[` + wider + `]}`)}
	if out, _, err := generate(f, lock.Named{}); err == nil || out != nil || !strings.Contains(err.Error(), "WIDEN=a") {
		t.Errorf("silent: %v", err)
	}
	out, report, err := generate(f, lock.Named{Widened: []string{"a"}})
	if err != nil || len(report.Gained["a"]) != 1 {
		t.Fatalf("named: %+v, %v", report, err)
	}
	if !bytes.HasPrefix(out[lockFile], first[lockFile]) || len(out[lockFile]) == len(first[lockFile]) {
		t.Error("the lock was changed, or nothing was added to it")
	}
	if code := string(out[codeFile]); !strings.Contains(code, `[]ID{"a"}`) {
		t.Errorf("the gate wouldn't know of it:\n%s", code)
	}
}

// TestAClassThatComesToTakeEncodedSlashesIsNamed, of the catalogue that is shipped too, and the gate's code has it.
func TestAClassThatComesToTakeEncodedSlashesIsNamed(t *testing.T) {
	const class = `"prefixes": ["/traffic/"], `
	f := shipped(t, class, class+`"encoded_slash": true, `)
	if out, _, err := generate(f, lock.Named{}); err == nil || out != nil || !strings.Contains(err.Error(), "WIDEN=traffic") || !strings.Contains(err.Error(), "/traffic/*%2F*") {
		t.Errorf("silent: %v", err)
	}
	out, _, err := generate(f, lock.Named{Widened: []string{"traffic"}})
	if err != nil {
		t.Fatal(err)
	}
	if code := string(out[codeFile]); !strings.Contains(code, `{Product: "traffic", Prefix: "/traffic/", Coverage: Coverage{Since: []consent.Version{"4-`) || !strings.Contains(code, `[]ID{"traffic"}`) {
		t.Errorf("the gate wouldn't know of it:\n%s", code)
	}
}

// shipped is the repository with one text of its catalogue changed.
func shipped(t *testing.T, from, to string) fstest.MapFS {
	t.Helper()
	f := fstest.MapFS{}
	for _, name := range []string{catalogueFile, lockFile, templateFile} {
		f[name] = &fstest.MapFile{Data: []byte(read(t, repository, name))}
	}
	text := string(f[catalogueFile].Data)
	if strings.Count(text, from) != 1 {
		t.Skip("the catalogue isn't the shipped one")
	}
	f[catalogueFile].Data = []byte(strings.Replace(text, from, to, 1))
	return f
}

// TestAnEmptyLockBeginsWithTheCatalogueAsItIs: a shipped product that somebody changed before there was a lock is open as it is to the keys
// that stand, and nothing of it has to be named.
func TestAnEmptyLockBeginsWithTheCatalogueAsItIs(t *testing.T) {
	f := shipped(t, `"prefixes": ["/map/"]`, `"prefixes": ["/map/", "/styles/"], "encoded_slash": true`)
	if _, _, err := generate(f, lock.Named{}); err == nil || !strings.Contains(err.Error(), "docs/guides/products.md") {
		t.Errorf("with the shipped lock: %v", err)
	}
	f[lockFile] = &fstest.MapFile{}
	out, report, err := generate(f, lock.Named{})
	if err != nil || len(report.Gained)+len(report.Closed)+len(report.Lost) > 0 {
		t.Fatalf("%+v, %v", report, err)
	}
	h, err := lock.Read(string(out[lockFile]))
	if err != nil || len(h.Changed) > 0 || len(h.Narrowed) > 0 {
		t.Fatalf("%+v, %v", h, err)
	}
	products, err := product.Parse(f[catalogueFile].Data)
	if err != nil {
		t.Fatal(err)
	}
	c, err := product.WithHistory(products, h.OfCatalogue())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/map/x", "/map/x%2Fy", "/styles/x", "/styles/x%2Fy", "/search/x%2Fy", "/traffic/x"} {
		if target := authz.TargetOf(path, c); !target.Canonical || !target.Coverage.Standing {
			t.Errorf("%s was open to the keys that stand, and is closed: %+v", path, target)
		}
	}
}

// TestALostLockIsNotReplaced: what keys were shown couldn't be told any more.
func TestALostLockIsNotReplaced(t *testing.T) {
	f := files(good)
	delete(f, lockFile)
	if out, _, err := generate(f, lock.Named{}); err == nil || out != nil {
		t.Error("another lock was begun")
	}
}

func TestATemplateWithoutItsMarksIsRefused(t *testing.T) {
	for name, template := range map[string]string{
		"none": "", "no end": begin, "no beginning": end, "end before the beginning": end + begin, "two": begin + end + begin + end, "two beginnings": begin + end + begin,
	} {
		f := files(good)
		f[templateFile] = &fstest.MapFile{Data: []byte(template)}
		if _, _, err := generate(f, lock.Named{}); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
