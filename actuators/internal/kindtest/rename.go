package kindtest

import (
	"plumbline/actuators"
	"plumbline/schema"
)

// Rename gives what is there another name and spec as the engine plans it, and the bench of that name.
func (b Bench) Rename(to schema.ID, spec any) (Bench, []Done) {
	b.T.Helper()
	have, was := b.Have(spec), b.At.ID
	b.At = to.On(b.At.Host)
	sub := b.Subject()
	steps, after, err := b.Kind.Rename(sub, was, b.want(spec, false), have)
	if err != nil {
		b.T.Fatalf("%s: cannot be renamed: %v", was, err)
	}
	renamed := actuators.HaveJSON{Here: after, Mark: &sub.Mark, Owned: true}
	d, err := b.Kind.Diff(b.want(spec, false), renamed)
	if err == nil && d.Action != actuators.None {
		var more []actuators.Step
		more, err = b.Kind.Steps(sub, d, b.want(spec, false), renamed)
		steps = append(steps, more...)
	}
	if err != nil {
		b.T.Fatalf("%s: %v", to, err)
	}
	var all []Done
	for _, step := range steps {
		done, err := b.Try(step)
		all = append(all, done)
		if err != nil {
			b.T.Fatalf("%s: %v", step.Summary, err)
		}
	}
	return b, all
}
