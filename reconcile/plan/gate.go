package plan

import (
	"fmt"
	"slices"

	"plumbline/schema"
)

// gate is a vertex between many changes and many that wait for all of them: m and n of them are m + n edges and not m * n.
type gate struct {
	kind gateKind
	fact schema.Fact
}

type gateKind string

const (
	provided gateKind = ""          // who provides the fact goes before who needs it
	unneeded gateKind = "#unneeded" // who needed it goes before who provided it goes
	released gateKind = "#released" // who held it alone goes before who takes it
)

// gateNames counts the gates of one name: a parted one has a second.
type gateNames map[string]int

func (names gateNames) name(g *gate) string {
	name := g.fact.String() + string(g.kind)
	if names[name]++; names[name] > 1 {
		return fmt.Sprintf("%s#%d", name, names[name])
	}
	return name
}

func (w *web) gate(v int) *gate { return &w.gates[v-len(w.changes)] }

// newGate makes a gate that waits for a list.
func (w *web) newGate(kind gateKind, fact schema.Fact, from []int) int {
	v := w.vertices()
	w.gates = append(w.gates, gate{kind: kind, fact: fact})
	w.add(v, from)
	return v
}

// through is how others wait for a list, for the sake of a fact: for a gate if there is something to gather.
func (w *web) through(kind gateKind, fact schema.Fact, from []int) []int {
	if len(from) < 2 {
		return from
	}
	return []int{w.newGate(kind, fact, from)}
}

// users lists who waits for each gate.
func (w *web) users() [][]int {
	users := make([][]int, len(w.gates))
	for v, froms := range w.before {
		for n := len(froms) - 1; n >= 0 && froms[n] >= len(w.changes); n-- {
			g := froms[n] - len(w.changes)
			users[g] = append(users[g], v)
		}
	}
	return users
}

// changesBefore is the changes that a gate waits for, also through other gates, ascending.
func (w *web) changesBefore(v int) []int {
	var out []int
	seen := map[int]bool{v: true}
	for stack := []int{v}; len(stack) > 0; {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		for _, from := range w.before[top] {
			switch {
			case from < len(w.changes):
				out = append(out, from)
			case !seen[from]:
				seen[from] = true
				stack = append(stack, from)
			}
		}
	}
	return unique(out)
}

// fold takes out the gates that save no edge: their users wait for what they waited for. A gate never waits for a later one.
func (w *web) fold() {
	users := w.users()
	for g := range w.gates {
		v := len(w.changes) + g
		before := w.before[v]
		users[g] = unique(users[g])
		if m, n := len(before), len(users[g]); m*n > m+n {
			continue
		}
		for _, user := range users[g] {
			w.replace(user, v, before)
			for _, from := range before {
				if from >= len(w.changes) {
					users[from-len(w.changes)] = append(users[from-len(w.changes)], user)
				}
			}
		}
		for _, from := range before {
			if from >= len(w.changes) {
				mine := &users[from-len(w.changes)]
				*mine = slices.DeleteFunc(*mine, func(user int) bool { return user == v })
			}
		}
		w.before[v] = nil
	}
}

// replace lets a user wait for a list instead of a gate, but never for itself.
func (w *web) replace(user, gate int, by []int) {
	list := make([]int, 0, len(w.before[user])+len(by))
	for _, from := range slices.Concat(w.before[user], by) {
		if from != gate && from != user {
			list = append(list, from)
		}
	}
	w.before[user] = unique(list)
}
