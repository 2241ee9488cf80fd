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
// A step is asked by Preflight when everything that it needs is there: the first steps of a lane all before anything is
// done, a later one just before its Capture.
//
//	schedule.go  which job runs next          lane.go    what a lane does with its outcome
//	step.go      forward: one step            undo.go    back: one step
//	look.go      looking and waiting          resume.go  the journal read back
//	result.go    what it all came to          input.go   what a run is given
package run
