// Package sim is a datacenter that is only a model: hosts hold what live states kinds would show, an op changes them to
// what it predicts, an undo takes its own change back. Plans of any size run on it in moments, with faults that a test
// chooses. It knows no kind: whatever is registered works, because Predict tells what Do would make. The conformance
// suite (testenv/conform) holds both sides to each other: it passes on the model as on real hosts.
//
//	w := sim.New(all.Registry(), sim.Options{})
//	c := reconcile.New(reconcile.Options{…, Dial: w.Dial})
//	w.Sabotage(vm, "memory.now", 64<<20)
//	w.Fail("edge1", sim.Fault{Op: "add", How: sim.Refuse})
//	w.Kill("ns1")
//
// With Options.Dir the model is kept in files, one a host and kind, that several processes share.
//
// What the model does not know: one object's effect on another (a VM without its network still starts), and anything in
// the status half that Predict does not tell.
package sim
