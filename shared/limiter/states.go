package limiter

import "container/list"

// states keeps the states of the limits that were used last.
type states struct {
	most  int
	named map[string]*list.Element
	order *list.List // the one used last in front
}

type namedState struct {
	name string
	state
}

func newStates(most int) *states {
	return &states{most: most, named: map[string]*list.Element{}, order: list.New()}
}

func (s *states) get(name string) *state {
	if e := s.order.Front(); e != nil {
		if n := e.Value.(*namedState); n.name == name {
			return &n.state
		}
	}
	if e, ok := s.named[name]; ok {
		s.order.MoveToFront(e)
		return &e.Value.(*namedState).state
	}
	if len(s.named) >= s.most {
		oldest := s.order.Back()
		s.order.Remove(oldest)
		delete(s.named, oldest.Value.(*namedState).name)
	}
	n := &namedState{name: name}
	s.named[name] = s.order.PushFront(n)
	return &n.state
}
