// Package quota keeps the limits of calls per UTC day and UTC month over all execution environments. Like package
// limiter, which keeps the limits per second, it is pure: time is an argument, and the table is reached by asking the
// caller to do so. docs/glossary.md explains lease, quota and group.
//
// # The guarantee
//
// Over all environments together, whatever dies, freezes, is delayed, lost or delivered twice: of the calls that the
// environments' own clocks put into a period, at most as many are admitted as the quota says. What an environment's
// clock is wrong by moves a call into the period before or after, for the quota and for the usage counters alike. The
// guarantee is suspended for a quota while its item can't be written (Result.Suspended), and for all once the writes of
// two have failed within ten seconds without a success between them.
//
// A call is decided by the number with which it began. After a number of a day or a month was lowered, raised or set, at
// most the larger of these is admitted in the period: the new number, and what was taken when the last write was done for
// a call that began with another one. What was taken counts the tokens in hand, which stay good. The gate begins no such
// call later than 10 s after the change, while the store can be read. The writes for a call end seconds after it began;
// those of an environment that is frozen meanwhile, when it goes on. Calls that were made while there was no number,
// neither of a day nor of a month, count for none.
//
// # How
//
// One item for each limit and month holds how many calls were taken in the month, and in each of its days. An
// environment adds n to both before it admits n calls, under the condition that neither sum passes its number. So
//
//	admitted + in hand + lost <= taken <= quota
//
// holds whatever becomes of an environment, and of an answer: a write that happened twice, or of which nobody knows
// that it happened, takes calls that nobody makes. Nothing is compared between clocks.
//
// The n calls are a lease. They stay good until the period ends, so a lease costs nothing but what is in hand when its
// holder dies, falls idle or finds the quota exhausted. It is therefore at most what the environment was called for in
// the last minute, and at most a 64th of what is left, which the write's condition checks again: as what is left gets
// less, so does what can be in the wrong hands, down to one call a write.
//
// Tokens that are no longer needed go back once: the environment forgets them, then a write subtracts them and puts a stamp
// into one of a few slots of the item, under the condition that what the slot holds is smaller. Stamps are of the
// environment's clock and only grow in a slot, so a write that comes late or twice subtracts nothing. One that is refused
// for the larger stamp of an environment whose clock is ahead is not repeated: its tokens are lost, as any may be. What was
// admitted while the item couldn't be written is added in the same way, before the limit's next lease or after a reply to any call
// ([Limiter.Due]), and repeated until it is known to be there, or until the slot holds a larger stamp and nobody can know any more: it is
// added once or never ([Dropped]).
//
// An environment remembers that a quota is exhausted until the period ends or the number changes, so that calls beyond
// it write nothing. Tokens that others give back later go to environments that don't know yet.
package quota
