// Package run drives a plan to its end: forward, and back where a lane fails. Resuming after a crash is the same code
// with a journal that is not empty. It decides when a step is done and what is undone; it knows no kind and does no I/O
// but through the executors of the hosts and the store.
//
// A step, with the journal record that each arrow writes (synced, before the arrow is followed):
//
//	pending ─ look: as planned? ─ Preflight ─ Capture
//	   │
//	   ▼ begun{before, have}
//	begun ─ Do ─ look until it equals the prediction and is settled ─ Confirm ──► done
//	   │                                                                            │
//	   │ error, unknown and not seen, never settled, not confirmed                  │ another step of the lane failed
//	   ▼                                                                            ▼
//	   └──────────────────────────► Undo ─ look until it is as before ◄─────────────┘
//	                                  ├─► undone
//	                                  ├─► kept    one-way by its kind
//	                                  └─► stuck   three times in vain: its instance is frozen, what it stands on is left
//
// A lane:
//
//	waiting ─► checking ─► running ─► applied
//	   │           │           │ failed{why}
//	   │           │           ▼
//	   │           └──────► undoing ─► rolled back
//	   └─► blocked (a lane that it needs did not go through) | held | not run
//
// A verb whose connection broke is done again over a new one, twice at most: every verb may be, and the host lets none run
// beside itself. What is still unknown then is decided by the look.
//
// A step is asked by Preflight when everything that it needs is there: the first steps of a lane all before anything is
// done, a later one just before its Capture.
//
// Steps of one op on one host whose op does many at once (actuators.Many) go together, as a crew, whatever their lanes:
// one Capture, one transaction of the journal for all that are begun, one Do, one look, one transaction for all that are
// done. Each keeps its own outcome: one that fails leaves the crew and its lane goes back, the others go on. Looks of a kind
// and host before anything is done go together always. Who must wait for the journal, a host or a container gathers company
// meanwhile, so that crews grow with the load and a lone step waits for nobody.
//
// What a step costs the engine: one record before Do and one after, written with those of all others that wait (two syncs
// for each transaction, however many records), one call each of Capture and Do, one look after, and its share of a look before.
//
//	schedule.go  which crew runs next         crew.go    who goes together
//	queue.go     crews that are ready         home.go    what follows when a crew comes home
//	step.go      forward: Capture, Do, look   undo.go    back
//	call.go      verbs on a host              look.go    looking and waiting
//	gate.go      what many wait for together
//	lane.go      what a lane does with it     scribe.go  the journal, many records at a time
//	self.go      what the controller itself stands on
//	result.go    what it all came to          input.go   what a run is given
//	resume.go    the journal read back        limit.go   on how many hosts at once
package run
