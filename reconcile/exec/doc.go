// Package exec calls the operations of kinds on a host: in this process (Local), or in `plumb exec --stdio` at the other
// end of a pipe (Dial, Serve). Both ends of the pipe, the real Host (NewMachine) and the watcher that undoes what nobody
// confirmed (Recover, WatchConfirm) are here; no decision of the engine is.
//
// It imports schema and actuators and no kind. The engine, cmd/plumb and tests of kinds import it.
//
// README.md describes the protocol and draws the life of a step that wants a confirmation.
package exec
