package streams

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// state is the checkpoints of all mappings. It is written whole, by rename, so that a crash leaves the old or the new.
// It isn't synced to the disk: after a power cut, older checkpoints only mean that records come again.
type state struct {
	file string

	mu       sync.Mutex
	Mappings map[string]*mappingState `json:"mappings"`
}

type mappingState struct {
	Stream string                 `json:"stream"`
	Since  int64                  `json:"since"` // second of the first start
	Shards map[string]*shardState `json:"shards"`
}

type shardState struct {
	After  string `json:"after,omitempty"`  // sequence number of the last record that is done, with all before it
	Closed bool   `json:"closed,omitempty"` // read out: its children may start
}

func loadState(file string) (*state, error) {
	s := &state{file: file, Mappings: map[string]*mappingState{}}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil
	}
	if err != nil {
		return nil, fmt.Errorf("streams: %w", err)
	}
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("streams: checkpoints in %s: %w", file, err)
	}
	return s, nil
}

// of returns the state of a mapping; another stream ARN means another table, which starts afresh.
func (s *state) of(m *Mapping) *mappingState {
	ms := s.Mappings[m.Name]
	if ms == nil || ms.Stream != m.StreamARN {
		ms = &mappingState{Stream: m.StreamARN, Since: time.Now().Unix(), Shards: map[string]*shardState{}}
		s.Mappings[m.Name] = ms
		_ = s.save() // if it fails, so will the next, which is reported
	}
	return ms
}

// ready lists the shards that may be read now: those not read out whose parent is read out or gone.
func (s *state) ready(m *Mapping, shards []Shard) []Shard {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := s.of(m)
	known := map[string]bool{}
	for _, sh := range shards {
		known[sh.ID] = true
	}
	var ready []Shard
	for _, sh := range shards {
		closed := func(id string) bool { return ms.Shards[id] != nil && ms.Shards[id].Closed }
		if !closed(sh.ID) && (!known[sh.Parent] || closed(sh.Parent)) {
			ready = append(ready, sh)
		}
	}
	for id, sh := range ms.Shards {
		if len(shards) > 0 && !known[id] && sh.Closed {
			delete(ms.Shards, id)
		}
	}
	return ready
}

// start says after which sequence number to go on, and before which second records don't count.
func (s *state) start(m *Mapping, shardID string) (after string, since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := s.of(m)
	if sh := ms.Shards[shardID]; sh != nil {
		after = sh.After
	}
	if m.StartLatest {
		since = time.Unix(ms.Since, 0)
	}
	return after, since
}

func (s *state) set(m *Mapping, shardID string, sh shardState) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ms := s.of(m)
	if old := ms.Shards[shardID]; old != nil && *old == sh {
		return nil
	}
	ms.Shards[shardID] = &sh
	return s.save()
}

func (s *state) save() error {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	tmp := filepath.Join(filepath.Dir(s.file), "."+filepath.Base(s.file)+".tmp")
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, s.file)
}
