// Package conform is the suite that says what a kind is: whoever passes it keeps the promises that the engine builds on.
// A test of a kind calls Run on a host that it may change, most often one of testenv/lab. It is a package of ordinary
// code, so that kinds of other modules can be held to it too. Tests import it, nothing else.
//
//	look ─ foreign ─ create ─ update … ─ sabotage, heal ─ break, mend ─ remove ─ restore, remove ─ look
//	        │
//	        └ untouched, refused, adopted and given back
//
// Every step of the way is exercised:
//
//	Preflight, Capture ─ nothing changed
//	Undo ─ nothing changed                       after no Do
//	Do cut at its 1st, 2nd, … call to the host, then at a moment of its time
//	   └ Undo, twice ─ as before                 after half a Do
//	Do ─ as predicted, settled ─ Do ─ the same
//	   └ Undo, twice ─ as before ─ Capture, Do
package conform
