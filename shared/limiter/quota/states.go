package quota

import "container/list"

// states keeps the states of the limits that were used last.
type states struct {
	most   int
	named  map[Name]*list.Element
	order  *list.List // the one used last in front
	cursor *list.Element
}

func newStates(most int) *states {
	return &states{most: most, named: map[Name]*list.Element{}, order: list.New()}
}

// get returns a limit's state and makes it the one used last. forgotten is told the one that has to go for a new one.
func (s *states) get(name Name, forgotten func(*state)) *state {
	if e, ok := s.named[name]; ok {
		s.order.MoveToFront(e)
		return e.Value.(*state)
	}
	if len(s.named) >= s.most {
		oldest := s.order.Back()
		if s.cursor == oldest {
			s.cursor = oldest.Prev()
		}
		gone := s.order.Remove(oldest).(*state)
		delete(s.named, gone.limit.Name)
		forgotten(gone)
	}
	n := &state{limit: Limit{Name: name}}
	s.named[name] = s.order.PushFront(n)
	return n
}

// peek returns a limit's state, or nil.
func (s *states) peek(name Name) *state {
	if e, ok := s.named[name]; ok {
		return e.Value.(*state)
	}
	return nil
}

// walk returns one state after the other, from those not used for long to those used last and round again.
func (s *states) walk() *state {
	if s.cursor == nil {
		s.cursor = s.order.Back()
	}
	if s.cursor == nil {
		return nil
	}
	at := s.cursor
	s.cursor = at.Prev()
	return at.Value.(*state)
}

func (s *states) each(do func(*state)) {
	for e := s.order.Front(); e != nil; e = e.Next() {
		do(e.Value.(*state))
	}
}
