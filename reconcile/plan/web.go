package plan

import (
	"cmp"
	"iter"
	"slices"

	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// web is the changes that have steps, with the edges between them, as dense integers. What has no steps, because it stays
// as it is or only the inventory follows, hands on what it needs.
type web struct {
	Input
	changes []*Change
	index   map[schema.Instance]int
	before  [][]int // before[i]: changes that must be done before i, ascending
	soft    map[link]bool
	edges   []edge // while connecting
}

type link struct{ from, to int }

// edge says that from goes before to. A soft one gives way when it closes a circle.
type edge struct {
	link
	soft bool
}

func newWeb(in Input, all []*Change) *web {
	w := &web{Input: in, index: make(map[schema.Instance]int, len(all)), changes: make([]*Change, 0, len(all)), soft: map[link]bool{}}
	for _, c := range all {
		if len(c.Steps) > 0 {
			w.index[c.Instance] = len(w.changes)
			w.changes = append(w.changes, c)
		}
	}
	w.connectNeeds()
	w.connectRemovals(all)
	w.connectMoves()
	w.settle()
	return w
}

func (w *web) add(to int, from []int, soft bool) {
	for _, f := range from {
		if f != to {
			w.edges = append(w.edges, edge{link{f, to}, soft})
		}
	}
}

// settle turns the edges into sorted lists without doubles; a hard edge covers a soft one. The edges are dealt out by
// where they lead, so that only the few of one change are sorted.
func (w *web) settle() {
	ends := make([]int, len(w.changes)+1)
	for _, e := range w.edges {
		ends[e.to+1]++
	}
	for i := range w.changes {
		ends[i+1] += ends[i]
	}
	at, dealt := slices.Clone(ends), make([]edge, len(w.edges))
	for _, e := range w.edges {
		dealt[at[e.to]] = e
		at[e.to]++
	}
	w.before = make([][]int, len(w.changes))
	froms := make([]int, 0, len(dealt))
	for i := range w.before {
		mine := dealt[ends[i]:ends[i+1]]
		slices.SortFunc(mine, func(a, b edge) int {
			return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(weight(a.soft), weight(b.soft)))
		})
		begin := len(froms)
		for n, e := range mine {
			if n > 0 && mine[n-1].from == e.from {
				continue
			}
			froms = append(froms, e.from)
			if e.soft {
				w.soft[e.link] = true
			}
		}
		w.before[i] = froms[begin:len(froms):len(froms)]
	}
	w.edges = nil
}

func weight(soft bool) int {
	if soft {
		return 1
	}
	return 0
}

// connectNeeds puts what is needed before what needs it.
func (w *web) connectNeeds() {
	near := map[schema.Instance][]int{}
	for i, c := range w.changes {
		if c.Want != nil {
			for need := range w.needed(c.Instance.ID, c.After, c.Needs) {
				w.add(i, w.nearest(need, near), false)
			}
		}
	}
}

// needed is what an object refers to, and the providers of what it needs by fact.
func (w *web) needed(id schema.ID, after []schema.Instance, needs []schema.Fact) iter.Seq[schema.Instance] {
	return func(yield func(schema.Instance) bool) {
		for _, i := range after {
			if !yield(i) {
				return
			}
		}
		for _, fact := range needs {
			for _, p := range w.Want.Providers(fact) {
				if node := w.Want.Nodes[p]; node.ID != id && !yield(node.Instance) {
					return
				}
			}
		}
	}
}

// nearest is the changes that a needed instance stands for: itself when it has steps, otherwise the nearest among what it
// needs, so that order holds across what stays as it is.
func (w *web) nearest(i schema.Instance, near map[schema.Instance][]int) []int {
	if n, ok := w.index[i]; ok {
		return []int{n}
	}
	if found, ok := near[i]; ok {
		return found
	}
	near[i] = nil // the loader refuses circles; this keeps a broken graph from looping
	var found []int
	if node := w.Want.Node(i); node != nil {
		for need := range w.needed(i.ID, node.After, inventory.Facts(node.Needs)) {
			found = append(found, w.nearest(need, near)...)
		}
	}
	near[i] = unique(found)
	return near[i]
}

func unique(list []int) []int {
	slices.Sort(list)
	return slices.Compact(list)
}

// connectRemovals puts whatever needed a removed instance, by the inventory, before its removal. An update before a removal
// is soft: it may itself wait for what the removal releases.
func (w *web) connectRemovals(all []*Change) {
	removed, provided := map[schema.Instance]bool{}, map[schema.Fact][]schema.Instance{}
	for _, c := range all {
		if c.Want == nil && c.Entry == nil {
			removed[c.Instance] = true
			if entry := w.Inventory[c.Instance]; entry != nil {
				for _, fact := range inventory.Facts(entry.Provides) {
					provided[fact] = append(provided[fact], c.Instance)
				}
			}
		}
	}
	if len(removed) == 0 {
		return
	}
	needers := map[schema.Instance][]schema.Instance{}
	for i, entry := range w.Inventory {
		for _, need := range entry.After {
			if removed[need] && need != i {
				needers[need] = append(needers[need], i)
			}
		}
		for _, fact := range entry.Needs {
			for _, need := range provided[fact] {
				if need.ID != i.ID {
					needers[need] = append(needers[need], i)
				}
			}
		}
	}
	near := map[schema.Instance][]int{}
	for i, c := range w.changes {
		if removed[c.Instance] {
			for _, user := range w.users(c.Instance, needers, removed, near) {
				w.add(i, []int{user}, w.changes[user].Want != nil)
			}
		}
	}
}

// users is the changes that needed a removed instance, across what is removed without a step.
func (w *web) users(i schema.Instance, needers map[schema.Instance][]schema.Instance, removed map[schema.Instance]bool, near map[schema.Instance][]int) []int {
	if found, ok := near[i]; ok {
		return found
	}
	near[i] = nil
	var found []int
	for _, user := range needers[i] {
		if n, ok := w.index[user]; ok {
			found = append(found, n)
		} else if removed[user] {
			found = append(found, w.users(user, needers, removed, near)...)
		}
	}
	near[i] = unique(found)
	return near[i]
}

// connectMoves puts the release of an exclusive fact before its acquisition by another instance.
func (w *web) connectMoves() {
	holders := map[schema.Fact][]int{}
	for i, c := range w.changes {
		if len(c.Released) == 0 {
			continue
		}
		keeps := map[schema.Fact]bool{}
		for _, use := range c.Provides {
			keeps[use.Fact] = c.Want != nil
		}
		for _, use := range c.Released {
			if use.Exclusive && !keeps[use.Fact] {
				holders[use.Fact] = append(holders[use.Fact], i)
			}
		}
	}
	for i, c := range w.changes {
		for _, use := range c.Provides {
			if use.Exclusive && c.Want != nil {
				w.add(i, holders[use.Fact], false)
			}
		}
	}
}
