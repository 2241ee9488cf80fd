package diff

import "plumbline/schema"

// Only keeps what concerns the accepted instances, for healing some of a datacenter.
func (r Result) Only(accept func(schema.Instance) bool) Result {
	var out Result
	for _, c := range r.Changes {
		if accept(c.Instance) {
			out.Changes = append(out.Changes, c)
		}
	}
	for _, f := range r.Refusals {
		if accept(f.Instance) {
			out.Refusals = append(out.Refusals, f)
		}
	}
	for _, n := range r.Notes {
		if accept(n.Instance) {
			out.Notes = append(out.Notes, n)
		}
	}
	return out
}
