// Package actuators is the contract of a kind: how a type of object is described, observed, compared, changed and undone.
//
// Below it one folder is one kind. A kind is written with types of its own (Def, Op) and erased to JSON at its border
// (Kind), so that plan, journal and wire carry the same bytes. The engine (reconcile) imports this package and never a
// kind; kinds never import each other nor the engine.
//
//	Describe (pure)   Outline → Resolve → Facts → Audit        from the declared spec
//	Observe           all of the scope, or an error            from the machine
//	Diff, Steps       pure                                     want, have → steps
//	Op                Preflight → Capture → Do → look | Undo   on the machine
package actuators
