// Package schema loads the topology of one commit: CUE in, a validated Graph out. Beside it stand the CUE files that
// describe what a topology may hold, one per kind; they are embedded, and topologies import them as
// "plumbline.internal/schema".
//
//	fs.FS → Source → Evaluate (CUE: in process or in a worker) → Evaluation → resolver → Graph
//	                                                                  └──────────┴→ Problems, with places and remedies
//
// CUE decides what one object may look like. Everything between objects is decided here, in Go, over their JSON: names,
// hosts, facts, circles, capacity. The package knows no kind by itself; Kinds tells it what a kind's JSON means.
//
// It is the only package that imports cuelang.org/go. It reads nothing but the file system that it is given, and no
// clock, network or environment. Every package of Plumbline may import it, and it imports none of them.
package schema
