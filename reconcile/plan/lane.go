package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// lanes groups the changes that have to succeed together: the instances of one object, and whatever depends on each other,
// but shared ground, which is a lane of its own that others need. It writes each change's Lane; lanes count from 1.
func lanes(w *web, atomic bool) []Lane {
	group := newGroups(len(w.changes))
	objects := map[schema.ID]int{}
	for i, c := range w.changes {
		if first, ok := objects[c.Instance.ID]; ok {
			group.join(first, i)
		} else {
			objects[c.Instance.ID] = i
		}
		for _, from := range w.before[i] {
			if !c.Ground && !w.changes[from].Ground {
				group.join(from, i)
			}
		}
		if atomic {
			group.join(0, i)
		}
	}
	return numbered(w, group)
}

func numbered(w *web, group groups) []Lane {
	var out []Lane
	ids := map[int]int{}
	for i, c := range w.changes {
		root := group.find(i)
		id, ok := ids[root]
		if !ok {
			id = len(out) + 1
			ids[root] = id
			out = append(out, Lane{ID: id, Ground: c.Ground})
		}
		c.Lane = id
		out[id-1].Objects = append(out[id-1].Objects, c.Instance)
	}
	for i, c := range w.changes {
		for _, from := range w.before[i] {
			lane := &out[c.Lane-1]
			if other := w.changes[from].Lane; other != c.Lane && !slices.Contains(lane.Needs, other) {
				lane.Needs = append(lane.Needs, other)
			}
		}
	}
	for i := range out {
		slices.Sort(out[i].Needs)
	}
	return out
}

// groups is a union-find over dense integers; a root is its group's least member.
type groups []int

func newGroups(n int) groups {
	g := make(groups, n)
	for i := range g {
		g[i] = i
	}
	return g
}

func (g groups) find(i int) int {
	for g[i] != i {
		g[i] = g[g[i]]
		i = g[i]
	}
	return i
}

func (g groups) join(a, b int) {
	a, b = g.find(a), g.find(b)
	g[max(a, b)] = min(a, b)
}

func digest(steps []actuators.Step) string {
	sum := sha256.New()
	for _, s := range steps {
		fmt.Fprintf(sum, "%s\x00%s\x00%s\x00%d\x00", s.Instance, s.Host, s.Op, s.Version)
		sum.Write(s.Params)
		io.WriteString(sum, "\x00")
	}
	return "sha256:" + hex.EncodeToString(sum.Sum(nil))
}
