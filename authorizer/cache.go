package main

import (
	"latchkey/shared/account"
	"latchkey/shared/apikey"
	"latchkey/shared/authz"
)

// entry is the cached result of one read of the store by a secret's hash.
type entry struct {
	hash   apikey.Hash
	readAt moment // before the read
	// policy is nil for a secret that the store doesn't know, and for a record that can't be read.
	policy     *authz.Compiled
	unreadable bool
	account    *accountEntry // of the policy's account, one for all its keys; nil without a policy

	cost       int
	in         *list
	next, prev *entry
}

// entryCost is the memory of an entry itself: the struct, its place in the map, and the map's slack.
const entryCost = 320

// accountCost is the memory of an account's record, its type and end included. It is counted for each key, though the
// keys of an account share it.
const accountCost = 320

func costOf(policy *authz.Compiled) int {
	if policy == nil {
		return entryCost
	}
	return entryCost + accountCost + policy.MemoryCost()
}

// list is a ring of entries, the most recently used first, with its memory.
type list struct {
	root  entry
	bytes int
}

func (l *list) init() { l.root.next, l.root.prev = &l.root, &l.root }

func (l *list) pushFront(e *entry) {
	e.in, e.next, e.prev = l, l.root.next, &l.root
	e.next.prev, e.prev.next = e, e
	l.bytes += e.cost
}

func (l *list) remove(e *entry) {
	e.next.prev, e.prev.next = e.prev, e.next
	e.in, e.next, e.prev = nil, nil, nil
	l.bytes -= e.cost
}

func (l *list) last() *entry {
	if l.root.prev == &l.root {
		return nil
	}
	return l.root.prev
}

// accountEntry is the cached result of one read of an account's record. It is kept as long as an entry of one of the
// account's keys is.
type accountEntry struct {
	id         account.ID
	readAt     moment // before the read; the zero moment: it was never read
	record     authz.Account
	read       bool // the store has answered
	unreadable bool
	keys       int // entries that use it
	accepted   int // memory of what the account has accepted, which the cache counts once
}

// cache holds entries within fixed bytes. Known secrets and unknown ones have budgets of their own, so that no number
// of made-up secrets pushes out a real one. Known secrets are kept in two segments: a secret starts on probation and is
// protected from its second use on, so that a walk over many keys once doesn't push out those in constant use.
type cache struct {
	entries   map[apikey.Hash]*entry
	accounts  map[account.ID]*accountEntry
	probation list
	protected list
	unknown   list
	accepted  int // memory of what the accounts have accepted

	knownBytes   int
	unknownBytes int
}

// protectedShare is the part of the known budget, in percent, that keys in constant use may take.
const protectedShare = 80

func newCache(knownBytes, unknownBytes int) *cache {
	c := &cache{entries: map[apikey.Hash]*entry{}, accounts: map[account.ID]*accountEntry{}, knownBytes: knownBytes, unknownBytes: unknownBytes}
	c.probation.init()
	c.protected.init()
	c.unknown.init()
	return c
}

// get finds an entry and counts as a use of it.
func (c *cache) get(hash apikey.Hash) *entry {
	if e := c.protected.root.next; e != &c.protected.root && e.hash == hash { // the one used last
		return e
	}
	e := c.entries[hash]
	if e == nil || e.in.root.next == e {
		if e != nil && e.in == &c.probation {
			c.protect(e)
		}
		return e
	}
	if e.in == &c.unknown {
		c.unknown.remove(e)
		c.unknown.pushFront(e)
		return e
	}
	c.protect(e)
	return e
}

func (c *cache) protect(e *entry) {
	e.in.remove(e)
	c.protected.pushFront(e)
	for c.protected.bytes > c.knownBytes/100*protectedShare {
		oldest := c.protected.last()
		if oldest == e {
			return
		}
		c.protected.remove(oldest)
		c.probation.pushFront(oldest)
	}
}

// put stores what a read said, in place of what an earlier one did.
func (c *cache) put(hash apikey.Hash, readAt moment, policy *authz.Compiled, unreadable bool) *entry {
	e := c.entries[hash]
	home := &c.probation
	if policy == nil && !unreadable {
		home = &c.unknown
	}
	if e == nil {
		e = &entry{hash: hash}
		c.entries[hash] = e
	} else {
		if e.in == &c.protected && home == &c.probation {
			home = &c.protected
		}
		e.in.remove(e)
	}
	e.readAt, e.policy, e.unreadable, e.cost = readAt, policy, unreadable, costOf(policy)
	c.link(e)
	home.pushFront(e)
	c.evict(e)
	return e
}

// keep stores what a read said of an account, in place of what an earlier one did.
func (c *cache) keep(a *accountEntry, readAt moment, record authz.Account, unreadable bool) {
	cost := record.MemoryCost()
	if c.accounts[a.id] == a { // else no key of it is in memory any more
		c.accepted += cost - a.accepted
		a.accepted = cost
	}
	a.readAt, a.read, a.unreadable, a.record = readAt, true, unreadable, record
}

// evict makes room, but not at the cost of the entry that has just come.
func (c *cache) evict(keep *entry) {
	for c.unknown.bytes > c.unknownBytes && c.unknown.last() != keep {
		c.drop(c.unknown.last())
	}
	for c.probation.bytes+c.protected.bytes+c.accepted > c.knownBytes {
		oldest := c.probation.last()
		if oldest == nil || oldest == keep {
			oldest = c.protected.last()
		}
		if oldest == nil || oldest == keep {
			return
		}
		c.drop(oldest)
	}
}

func (c *cache) drop(e *entry) {
	e.in.remove(e)
	delete(c.entries, e.hash)
	c.unlink(e)
}

// link gives an entry the record of its policy's account.
func (c *cache) link(e *entry) {
	if e.account != nil && e.policy != nil && e.account.id == e.policy.Account {
		return
	}
	c.unlink(e)
	if e.policy == nil {
		return
	}
	a := c.accounts[e.policy.Account]
	if a == nil {
		a = &accountEntry{id: e.policy.Account}
		c.accounts[a.id] = a
	}
	a.keys++
	e.account = a
}

func (c *cache) unlink(e *entry) {
	a := e.account
	if e.account = nil; a == nil {
		return
	}
	if a.keys--; a.keys == 0 {
		c.accepted -= a.accepted
		delete(c.accounts, a.id)
	}
}
