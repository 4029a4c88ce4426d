package keytest

import (
	"bytes"
	"hash/fnv"
	"io"
	"os"
	"sync"
	"testing"
)

// Deep says whether tests run their long forms: big numbers and real time, with LATCHKEY_DEEP=1.
func Deep() bool { return os.Getenv("LATCHKEY_DEEP") == "1" }

// Buffer is a bytes.Buffer that is safe for concurrent use, for what a program writes while a test reads it.
type Buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

var harnesses = struct {
	sync.Mutex
	byTest map[string]uint64
}{byTest: map[string]uint64{}}

// RandomOf is randomness of a test's own: the same in each run of the test binary, another one for each test and for
// each further source that a test asks for. Tests that share a real engine so never repeat each other's IDs and
// transaction tokens.
func RandomOf(t testing.TB) io.Reader {
	harnesses.Lock()
	defer harnesses.Unlock()
	harnesses.byTest[t.Name()]++
	sum := fnv.New64a()
	_, _ = io.WriteString(sum, t.Name())
	return Random(sum.Sum64() + harnesses.byTest[t.Name()])
}
