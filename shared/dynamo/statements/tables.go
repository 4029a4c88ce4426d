package statements

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"latchkey/shared/account"
	"latchkey/shared/dynamo"
	"latchkey/shared/usage/statement"
)

// Table holds an account's part of a statement: the lines of its rows, byte by byte as they are hashed and served.
type Table struct {
	Account account.ID
	parts   []part
	rows    int
	size    int    // bytes as they are stored
	sha     string // of the account's own table, with the line of columns
	carried Carried
}

type part struct {
	rows   int
	packed []byte
}

const (
	partRows = 1000
	// maxPart bounds a part as it is stored, and maxTable the parts of an account that are written in one transaction: DynamoDB takes 400 KB and
	// 4 MB.
	maxPart  = 350 << 10
	maxTable = 3 << 20
)

// ErrTooLarge says that rows don't fit into an item: their names are longer than any of ours.
var ErrTooLarge = errors.New("statements: rows that are larger than an item")

// NewTable packs an account's rows, as many as there are. A table without rows needs no place.
func NewTable(columns []string, m statement.Month, id account.ID, rows []statement.Row) (Table, error) {
	t := Table{Account: id, rows: len(rows)}
	sum := sha256.New()
	_, _ = sum.Write(statement.Line(columns))
	for len(rows) > 0 {
		n := min(partRows, len(rows))
		text := statement.Encode(columns, m, rows[:n])
		_, _ = sum.Write(text)
		p := part{n, pack(text)}
		if t.size += len(p.packed); len(p.packed) > maxPart {
			return Table{}, fmt.Errorf("%w: %s", ErrTooLarge, id)
		}
		t.parts, rows = append(t.parts, p), rows[n:]
	}
	t.sha = hex.EncodeToString(sum.Sum(nil))
	return t, nil
}

// Empty is the hash of a table without rows.
func Empty(columns []string) string {
	sum := sha256.Sum256(statement.Line(columns))
	return hex.EncodeToString(sum[:])
}

// Carrying returns the table with what it has of earlier months. It is written with it, or not at all.
func (t Table) Carrying(c Carried) Table {
	t.carried = c
	return t
}

// Parts is the number of items that the table takes in a transaction, and Size their bytes.
func (t Table) Parts() int {
	parts := len(t.parts)
	if t.large() {
		parts = 1
	}
	if t.carried.added {
		parts++
	}
	return parts
}

// Size is the size of what a transaction holds of the table, in bytes.
func (t Table) Size() int {
	if t.large() {
		return 0
	}
	return t.size
}

// Rows is the number of its rows.
func (t Table) Rows() int { return t.rows }

func pack(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}

// mostText bounds what a part unpacks to.
const mostText = 64 << 20

func unpack(packed []byte) ([]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, fmt.Errorf("statements: %w: %w", dynamo.ErrUnreadable, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, mostText))
	if err != nil {
		return nil, fmt.Errorf("statements: %w: %w", dynamo.ErrUnreadable, err)
	}
	return text, nil
}

func monthPK(m statement.Month) string { return "M#" + m.String() }

// items are those that stand in the month.
func (t Table) items(m statement.Month) (list []dynamo.Item) {
	if t.large() {
		return []dynamo.Item{t.pointer(m)}
	}
	for i, p := range t.parts {
		list = append(list, t.item(p, monthPK(m), fmt.Sprintf("%s#%04d", t.Account, i)))
	}
	return list
}

func (t Table) item(p part, pk, sk string) dynamo.Item {
	item := key(pk, sk)
	item["v"], item["n"], item["sha256"] = dynamo.N(version), dynamo.N(int64(p.rows)), dynamo.S(t.sha)
	item["z"] = &types.AttributeValueMemberB{Value: p.packed}
	return item
}

// Page is a page of a final statement.
type Page struct {
	Lines  []byte // of the table
	Rows   int
	SHA256 string // of the whole table of the page's last account
	Next   string // the after of the next page; "" at the end
}

// Read reads up to so many lines of a final statement behind a place: of one account, or of all where it is "".
func (s *Store) Read(ctx context.Context, m statement.Month, id account.ID, after string, limit int) (p Page, err error) {
	prefix := ""
	if id != "" {
		prefix = string(id) + "#"
	}
	last, skip, err := place(after, prefix)
	if err != nil {
		return p, err
	}
	// Parts are read few at a time: most pages are a part or two.
	err = s.eachPart(ctx, m, prefix, last, 8, func(at string, item dynamo.Item) (bool, error) {
		if p.Rows == limit {
			p.Next = last + "#" + strconv.Itoa(skip)
			return false, nil
		}
		text, err := partOf(item)
		if err != nil {
			return false, err
		}
		p.SHA256, _ = dynamo.GetS(item, "sha256")
		lines := bytes.SplitAfter(text, []byte("\n"))
		lines = lines[min(skip, len(lines)) : len(lines)-1] // what follows the last line break is nothing
		n := min(limit-p.Rows, len(lines))
		p.Lines = append(p.Lines, bytes.Join(lines[:n], nil)...)
		p.Rows += n
		if n < len(lines) {
			p.Next = last + "#" + strconv.Itoa(skip+n)
			return false, nil
		}
		last, skip = at, 0
		return true, nil
	})
	return p, err
}

func partOf(item dynamo.Item) ([]byte, error) {
	format, _ := dynamo.GetN(item, "v")
	packed, ok := item["z"].(*types.AttributeValueMemberB)
	if !ok || format != version {
		return nil, fmt.Errorf("statements: %w", dynamo.ErrUnreadable)
	}
	return unpack(packed.Value)
}

// place reads a cursor: the last part that is done with, and how many lines of the next one are.
func place(after, prefix string) (last string, skip int, err error) {
	if after == "" {
		return "", 0, nil
	}
	i := strings.LastIndexByte(after, '#')
	if i < 0 {
		return "", 0, dynamo.ErrCursor
	}
	last = after[:i]
	if skip, err = strconv.Atoi(after[i+1:]); err != nil || skip < 0 || last != "" && !strings.HasPrefix(last, prefix) {
		return "", 0, dynamo.ErrCursor
	}
	return last, skip, nil
}

// Rows reads all rows of an account in a final statement.
func (s *Store) Rows(ctx context.Context, state State, id account.ID) (rows []statement.Row, err error) {
	err = s.eachPart(ctx, state.Month, string(id)+"#", "", 0, func(_ string, item dynamo.Item) (bool, error) {
		text, err := partOf(item)
		if err != nil {
			return false, err
		}
		list, err := statement.Decode(state.Columns, text)
		if err != nil {
			return false, fmt.Errorf("statements: %w: %w", dynamo.ErrUnreadable, err)
		}
		rows = append(rows, list...)
		return true, nil
	})
	return rows, err
}

// Digest reads all that is written of a month: the SHA-256 of its table, in hexadecimal, and how many rows it has.
func (s *Store) Digest(ctx context.Context, state State) (sha string, rows int64, err error) {
	sum := sha256.New()
	_, _ = sum.Write(statement.Line(state.Columns))
	err = s.eachPart(ctx, state.Month, "", "", 0, func(_ string, item dynamo.Item) (bool, error) {
		text, err := partOf(item)
		if err != nil {
			return false, err
		}
		_, _ = sum.Write(text)
		n, _ := dynamo.GetN(item, "n")
		rows += n
		return true, nil
	})
	return hex.EncodeToString(sum.Sum(nil)), rows, err
}
