// Package limiter keeps the limits of queries per second over all execution environments. It is pure: time is
// an argument, and the store is reached by asking the caller to do so. docs/glossary.md explains lease and class.
//
// # The guarantee
//
// Over all environments together, whatever dies, freezes, is delayed or delivered twice, and however wrong their
// clocks are: in any interval of t whole seconds at most limit x (t + 1) calls are admitted for limits up to 100, and
// limit x (t + 2) above. Clocks need only run at the same rate. It is suspended for a
// limit while its item can't be written (Result.Fallback), and for all limits once the writes of two have failed without a
// success between them, until one is written again.
//
// # How
//
// One item per limit, of a key and class or of an account and class, holds the window that is open, its capacity and how much of it is used. Windows are
// numbered and only advance. An environment adds n to "used" of a window and learns what stood there before, so each
// n is a separate slot: the grant is the part of the slot below the capacity. A write to a window that is over is
// refused by its condition and answers with the window that is open; a repeated one only wastes tokens.
//
// Write O(w) for the instant in which window w was opened, E(w) for the last grant out of w, and life for how long a
// granted token may be used, measured by its holder from before the request. The rule is that w+1 may open at
//
//	R(w+1) = 1 s + max(E(w-1) + wait, R(w))
//
// at the earliest, where for limits up to 100 wait = life = 0.1 s, and above it wait = 0 and life = 1 s. R advances by
// a second or more with each window, so R(w+k) >= E(w) + wait + k-1 for every k >= 2. The tokens of w are dead by
// E(w) + life. Up to 100 that makes O(w+t+1) >= dead(w) + t: no interval of t seconds meets more than t+1 windows.
// Above, O(w+t+2) >= dead(w) + t: none meets more than t+2. Opening late costs nothing, since R counts from R.
//
// Above 100 a write may take tokens of w+1 along, out of a quarter of it: they are added to what is used of w+1 before anybody
// opens it. They may be used from R(w+1), as their holder bounds it, until 2 s after they were asked for. Their write had a grant out
// of w, so E(w) is no earlier than that, R(w+3) >= 1 s + R(w+2) >= 2 s + E(w), and they are dead by R(w+3): as every token of a window v,
// they are used between R(v) and R(v+2), of which an interval of t seconds meets t+2. Half the writes of a limit that is far from exhausted
// are saved by it.
//
// No environment knows O, E or R exactly, and none needs to: each keeps an upper bound, on its own monotonic clock, of
// base(w) = max(E(w-1) + wait, R(w)). It sees answers only after the fact, so the moment of an answer bounds what the
// answer reports. Every write carries its writer's bound as an age ("base was at least this long ago"), which only
// grows truer until somebody reads it; a reader takes the better of the two bounds.
//
// A call under several limits ([Call]) takes a token of each, and each token must be alive when the last one is there: so the
// guarantee of each limit holds as if it were the only one. A token that has died meanwhile is taken again, and one that no
// call was admitted by is kept. A limit that memory knows to be exhausted refuses before any is asked.
//
// Clocks of different environments are compared in one case alone, so that a lone call that meets a new environment
// is not refused for what was used long ago: an item whose last write is 20 s old by two wall clocks, each wrong by up
// to 5 s, was not written in the last second.
package limiter
