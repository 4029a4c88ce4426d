// Package usage counts what keys did so that the numbers can be trusted: each execution environment reports what it
// has counted so far, in absolute values that only grow; folding the reports keeps the largest value of each
// environment and sums over the environments. Reports may be lost, repeated, late and out of order: the sum stays right.
//
// A count goes through five forms, each made of the one before:
//
//	Tally         in the gate's memory: the calls of one environment, by subject (account, key, product) and hour
//	Report        what a gate writes to the slices table: an Entry for each subject and hour that changed, with all that
//	              the environment has counted there so far
//	Contribution  what the counter makes of a batch of reports by Coalesce: the largest values of one environment for one
//	              subject and hour
//	Item, Stored  an item of the counters table and its content: what each environment has contributed, and the sums by
//	              key and account, hour and day. Fold merges a Batch of contributions into the items that it changes, which
//	              are written in one transaction
//	Row, Point    what a query reads of the sums, and what Summarise makes of the rows: an hour or day of an answer
//
// The numbers themselves are Counts in every form: a value for each Dimension.
//
// The package is pure. docs/glossary.md explains its words.
package usage
