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
// # What a push costs
//
// With a Cache (WithCache) the cost of a load follows what changed, as far as CUE and the kinds are concerned; only
// linear work over sorted arrays and maps remains for the whole:
//
//	fs.FS ── Hasher ──→ stock: files by hash, unread ──→ closure per package ──→ key
//	                                                                             ├ in memory, or on the shelf ─→ objects, positions
//	                                                                             └ dirty ─→ Source{Only} ─→ Pool ─→ kept if sound
//	objects ─→ resolver ── memo ──→ kinds are asked about what changed, or whose neighbours did
//
// Of the tree only directories are listed whose hash the load before did not meet. Dirty packages are evaluated in jobs of
// bounded size, each kept as it ends. Of the mistakes the first are told and the others counted.
//
// A key is the hash of all that has a part in a package: the schema, CUE, the code here that evaluates, the module file, and
// name and hash of every file in the package's closure: its own, those of the same package in the directories above, and
// both for what it imports. A cache can therefore not be out of date, and nothing ever invalidates it. Results with
// mistakes are not kept: their packages are evaluated at each load. Fields are located by a second evaluation of the
// packages concerned, and only for a mistake.
//
// A Pool keeps its limited children for the next evaluation; a Worker starts one for each.
//
// It is the only package that imports cuelang.org/go. It reads nothing but the file system that it is given and
// the directory of a Cache, and no network or environment. Every package of Plumbline may import it, and it imports none of them.
package schema
