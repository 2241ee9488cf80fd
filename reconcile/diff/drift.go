package diff

import (
	"plumbline/actuators"
	"plumbline/reconcile/inventory"
)

// Finding is how the live state of an instance stands to what was last applied.
type Finding struct {
	Class DriftClass
	Diff  actuators.Diff
	Why   string // of Unseen
}

// DriftClass says how live and last applied differ.
type DriftClass string

// The classes. Clean is no drift; Unseen says nothing and is never taken as clean.
const (
	Clean   DriftClass = "clean"
	Changed DriftClass = "changed"
	Gone    DriftClass = "missing"
	Unseen  DriftClass = "unknown"
)

// Drift compares what was seen with what was last applied to an instance. A commit that is not applied yet plays no part.
func Drift(kind *actuators.Kind, entry *inventory.Entry, w *World, installation string) Finding {
	have, known, why := w.of(entry.Instance.ID, nil).have(kind, entry.Instance.Host, installation, true)
	if !known {
		return Finding{Class: Unseen, Why: why}
	}
	d, err := kind.Diff(entry.Spec, have)
	switch {
	case err != nil:
		return Finding{Class: Unseen, Why: err.Error()}
	case have.Here != nil && !have.Owned:
		return Finding{Class: Changed, Diff: unowned(kind, entry, have)}
	case d.Action == actuators.None:
		return Finding{Class: Clean}
	case have.Here == nil:
		return Finding{Class: Gone, Diff: d}
	}
	return Finding{Class: Changed, Diff: d}
}

// unowned is the difference of a thing that took the place of ours, or that lost our mark: what else of it differs comes first.
func unowned(kind *actuators.Kind, entry *inventory.Entry, have actuators.HaveJSON) actuators.Diff {
	d := actuators.Diff{Action: actuators.Adopting}
	holder := "nobody"
	if have.Mark != nil {
		holder = "installation " + have.Mark.Installation
	}
	have.Owned = true
	if fields, err := kind.Diff(entry.Spec, have); err == nil {
		d.Changes = fields.Changes
	}
	d.Field("mark", holder, "ours", actuators.EffectNever)
	return d
}
