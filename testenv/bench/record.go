package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"time"
)

// recordFile keeps what the page was written from, so that a part of it can be measured again.
const recordFile = "docs/performance.json"

// record is what was measured.
type record struct {
	Machine  string           `json:"machine"`
	Runs     []ran            `json:"runs"` // the last for each size, and the last of the substrates under size 0
	Measures []measure        `json:"measures"`
	Skipped  []skipped        `json:"skipped,omitempty"`
	Trials   []trial          `json:"trials,omitempty"`
	Profiles map[string][]hot `json:"profiles,omitempty"`
}

// ran says when a size was measured, and how busy the machine was with other work and this.
type ran struct {
	Size  int       `json:"size"`
	Begun time.Time `json:"begun"`
	Took  float64   `json:"seconds"`
	Load  string    `json:"load"` // load average when it ended
}

// skipped is a measure that was not taken.
type skipped struct {
	Row  string `json:"row"`
	Size int    `json:"size"`
	Why  string `json:"why"`
}

// openRecord reads what was measured before; nothing is no error.
func openRecord() (*record, error) {
	r := &record{Profiles: map[string][]hot{}}
	data, err := os.ReadFile(recordFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(data, r)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what was measured before: %w", err)
	}
	return r, nil
}

func (r *record) save() error {
	data, err := json.MarshalIndent(r, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(recordFile, append(data, '\n'), 0o644)
}

// forget drops what was measured at a size, for it is measured anew.
func (r *record) forget(size int) {
	r.Measures = slices.DeleteFunc(r.Measures, func(m measure) bool { return m.Size == size })
	r.Skipped = slices.DeleteFunc(r.Skipped, func(s skipped) bool { return s.Size == size })
	r.Runs = slices.DeleteFunc(r.Runs, func(o ran) bool { return o.Size == size })
}

// end notes that a size was measured.
func (r *record) end(size int, begun time.Time) {
	r.Machine = machine()
	r.Runs = append(r.Runs, ran{size, begun.UTC().Truncate(time.Second), time.Since(begun).Round(time.Second).Seconds(), load()})
	slices.SortFunc(r.Runs, func(a, b ran) int { return a.Size - b.Size })
}

func (r *record) add(m measure) { r.Measures = append(r.Measures, m) }

func (r *record) get(row string, size int) (measure, bool) {
	at := slices.IndexFunc(r.Measures, func(m measure) bool { return m.Row == row && m.Size == size })
	if at < 0 {
		return measure{}, false
	}
	return r.Measures[at], true
}

// skip notes why rows are not measured at a size.
func (r *record) skip(size int, why string, names ...string) {
	for _, name := range names {
		r.Skipped = append(r.Skipped, skipped{name, size, why})
	}
}

// why tells why a row is not there at a size; "" when nobody said it.
func (r *record) why(row string, size int) string {
	for _, s := range r.Skipped {
		if s.Row == row && s.Size == size {
			return s.Why
		}
	}
	return ""
}

// sizes are all that were measured, in order.
func (r *record) sizes() []int {
	var out []int
	for _, m := range r.Measures {
		if !slices.Contains(out, m.Size) {
			out = append(out, m.Size)
		}
	}
	slices.Sort(out)
	return out
}

// points are the effort of a row over the sizes that exponents are fitted to.
func (r *record) points(row string) []point {
	var out []point
	for _, size := range r.sizes() {
		if m, ok := r.get(row, size); ok && size >= fitFrom {
			out = append(out, point{float64(size), effort(m).Seconds()})
		}
	}
	return out
}
