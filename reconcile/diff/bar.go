package diff

import "slices"

// Bar is the result with more refusals, of rules that judge what a comparison came to: what they name, and what waits for
// it, is taken out of the changes. In is what the comparison was of.
func (r Result) Bar(in Input, refusals []Refusal) Result {
	if len(refusals) == 0 {
		return r
	}
	c := &comparison{Input: in, Result: Result{Changes: slices.Clone(r.Changes), Refusals: slices.Concat(r.Refusals, refusals), Notes: r.Notes}}
	c.block()
	c.sort()
	return c.Result
}
