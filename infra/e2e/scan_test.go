package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// shown counts in how many answers each secret stood, of all stacks and tests.
var shown = ledger{seen: map[string][]string{}}

type ledger struct {
	mu   sync.Mutex
	seen map[string][]string // by secret, the operations that showed it
}

var secretShape = regexp.MustCompile(`\bak_[0-9A-Za-z]{33}\b|\blki_[0-9A-Za-z_-]{43}\b`)

func (l *ledger) note(method, path string, a answer) {
	var head bytes.Buffer
	_ = a.header.Write(&head)
	found := map[string]bool{}
	for _, s := range secretShape.FindAllString(head.String()+"\n"+string(a.body), -1) {
		found[s] = true
	}
	path, _, _ = strings.Cut(path, "?")
	l.mu.Lock()
	defer l.mu.Unlock()
	for s := range found {
		l.seen[s] = append(l.seen[s], fmt.Sprintf("%s %s %d", method, path, a.status))
	}
}

// needles are the forms in which a secret could hide.
type needles map[string]string // text to find, what it is

func (l *ledger) needles(more ...string) needles {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := needles{}
	add := func(secret string) {
		name := "of " + secret[:7] + "…"
		n[secret] = name
		// Without the prefix too: it may be split off, or be followed by another separator.
		for _, text := range []string{secret, secret[strings.IndexByte(secret, '_')+1:]} {
			n[text] = name
			n[strings.ToLower(text)] = "lower case " + name // as names of hosts have it: whose it was can be found out
			n[hex.EncodeToString([]byte(text))] = "hex " + name
			n[strings.ToUpper(hex.EncodeToString([]byte(text)))] = "hex " + name
			for shift := range 3 { // a text inside a longer one is encoded in one of three ways
				encoded := base64.StdEncoding.EncodeToString(append(make([]byte, shift), text...))
				encoded = encoded[(shift*8+5)/6 : len(encoded)-4]
				n[encoded] = "base64 " + name
				n[strings.NewReplacer("+", "-", "/", "_").Replace(encoded)] = "base64url " + name
			}
		}
	}
	for s := range l.seen {
		add(s)
	}
	for _, s := range more {
		add(s)
	}
	return n
}

// in reports which of the needles are in a text. Each has a window of its own length; the first bytes sort most out.
func (n needles) in(text []byte) (found []string) {
	index := map[string][]string{}
	for needle := range n {
		index[needle[:8]] = append(index[needle[:8]], needle)
	}
	for i := 0; i+8 <= len(text); i++ {
		for _, needle := range index[string(text[i:i+8])] {
			if bytes.HasPrefix(text[i:], []byte(needle)) {
				found = append(found, n[needle])
			}
		}
	}
	return found
}

// secretsLeft looks for every secret of the suite wherever the stack writes: the items of all tables and the files of
// the data directory, logs, events and stream state among them. The exceptions are the two places where secrets belong.
func secretsLeft(s *stack) (leaks []string) {
	n := shown.needles(s.DemoSecret)
	for secret, where := range shown.seen {
		first := 0
		for _, w := range where {
			if !strings.HasSuffix(w, "/reveal 200") {
				first++
			}
		}
		if first > 1 {
			leaks = append(leaks, fmt.Sprintf("%s… in %d answers: %s", secret[:7], first, strings.Join(where, ", ")))
		}
	}
	items, err := eachItem(s.DynamoDB, func(table string, text []byte) {
		for _, f := range n.in(text) {
			leaks = append(leaks, f+" in the table "+table)
		}
	})
	if err != nil {
		leaks = append(leaks, "the tables can't be read: "+err.Error())
	}
	files := 0
	err = filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			if err == nil && d.Name() == "secrets" && filepath.Dir(path) == s.dir {
				return filepath.SkipDir // what plays Secrets Manager
			}
			return err
		}
		if path == filepath.Join(s.dir, "run.json") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		for _, f := range n.in(text) {
			leaks = append(leaks, f+" in the file "+d.Name())
		}
		return nil
	})
	if err != nil {
		leaks = append(leaks, "the data directory can't be read: "+err.Error())
	}
	fmt.Printf("looked for %d secrets in %d items and %d files\n", len(shown.seen)+1, items, files)
	return leaks
}

// secretsInLog looks into what the runner printed. Its ready lines show the demo secret, once. A mark of the runner's own
// redaction says that somebody logged a secret or a query string, which is as bad.
func secretsInLog(s *stack) (leaks []string) {
	log := s.out.String()
	log = strings.Replace(log, s.DemoSecret, "", 1)
	for _, f := range shown.needles(s.DemoSecret).in([]byte(log)) {
		leaks = append(leaks, f+" in the log")
	}
	for line := range strings.Lines(log) {
		if strings.Contains(line, "[redacted]") {
			leaks = append(leaks, "something had to be redacted in the log: "+strings.TrimSpace(line))
		}
	}
	return leaks
}

// oddLines are the log lines of functions that lack a member which all others have: a query for it would miss them.
// Metrics, and what the Lambda client writes of errors, are no log lines of ours.
func oddLines(log string) (odd []string) {
	seen := 0
	for line := range strings.Lines(log) {
		_, text, ok := strings.Cut(line, " | {")
		var doc map[string]any
		if !ok || json.Unmarshal([]byte("{"+text), &doc) != nil || doc["_aws"] != nil || doc["errorMessage"] != nil {
			continue
		}
		seen++
		for _, key := range []string{"timestamp", "level", "message"} {
			if text, ok := doc[key].(string); !ok || text == "" {
				odd = append(odd, "no "+key+" in the log line "+strings.TrimSpace(line))
			}
		}
	}
	fmt.Printf("looked at %d log lines of functions\n", seen)
	return odd
}

// eachItem reads all items of all tables.
func eachItem(endpoint string, visit func(table string, text []byte)) (items int, err error) {
	db := dynamodb.New(dynamodb.Options{
		Region: "us-east-1", BaseEndpoint: &endpoint,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "local", SecretAccessKey: "local"}, nil
		}),
	})
	ctx := context.Background()
	tables, err := db.ListTables(ctx, &dynamodb.ListTablesInput{})
	if err != nil {
		return 0, err
	}
	for _, table := range tables.TableNames {
		pages := dynamodb.NewScanPaginator(db, &dynamodb.ScanInput{TableName: &table, ConsistentRead: aws.Bool(true)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				return items, err
			}
			for _, item := range page.Items {
				items++
				visit(table, flatten(nil, &types.AttributeValueMemberM{Value: item}))
			}
		}
	}
	return items, nil
}

// flatten joins all texts and bytes of an item.
func flatten(b []byte, v types.AttributeValue) []byte {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		b = append(append(b, v.Value...), '\n')
	case *types.AttributeValueMemberB:
		b = append(append(b, v.Value...), '\n')
	case *types.AttributeValueMemberSS:
		b = append(b, strings.Join(v.Value, "\n")+"\n"...)
	case *types.AttributeValueMemberBS:
		b = append(append(b, bytes.Join(v.Value, []byte("\n"))...), '\n')
	case *types.AttributeValueMemberL:
		for _, one := range v.Value {
			b = flatten(b, one)
		}
	case *types.AttributeValueMemberM:
		for name, one := range v.Value {
			b = flatten(append(append(b, name...), '\n'), one)
		}
	}
	return b
}

func TestTheScanFindsASecretInEachOfItsForms(t *testing.T) {
	const secret = "ak_0123456789abcdefghijklmnopqrstuvw"
	n := (&ledger{}).needles(secret)
	for name, text := range map[string]string{
		"plain": `{"a":"` + secret + `"}`, "without its prefix": "x/" + secret[3:], "hex": hex.EncodeToString([]byte("aa" + secret)),
		"base64": base64.StdEncoding.EncodeToString([]byte("a" + secret + "bc")), "base64 shifted": base64.StdEncoding.EncodeToString([]byte("ab" + secret)),
		"base64url": base64.RawURLEncoding.EncodeToString([]byte("~~?" + secret)),
	} {
		if len(n.in([]byte(text))) == 0 {
			t.Errorf("%s: not found", name)
		}
	}
	if found := n.in([]byte("ak_0123…tuvw and " + secret[:20])); len(found) > 0 {
		t.Errorf("a preview is taken for the secret: %v", found)
	}
}
