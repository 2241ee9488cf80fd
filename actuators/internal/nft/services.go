package nft

import (
	"cmp"
	"maps"
	"slices"

	"github.com/google/nftables"

	"plumbline/actuators"
	"plumbline/schema"
)

// Services is what the table "ip plumb" holds, indexed so that one object among many costs what that one has.
type Services struct {
	Broken []string // chains that are absent or not as the elements need them: what they serve is dead; sorted

	present  bool
	dormant  bool // no chain of the table is on its hook
	elements map[place]*entry
	owners   map[schema.ID][]*entry // by the ID of the mark, whose installation differs at times; "" = without a mark
	choosers map[string]int         // how many elements need the chain
	sets     map[string]*nftables.Set
	chains   map[string]*nftables.Chain
}

// entry is an element with its mark read once.
type entry struct {
	Element
	mark *actuators.Mark
}

func (e *entry) owner() owner {
	if e.mark == nil {
		return owner{}
	}
	return owner{e.mark.ID, e.mark.Installation}
}

func newServices(elements []Element) *Services {
	s := &Services{elements: make(map[place]*entry, len(elements)), owners: make(map[schema.ID][]*entry, len(elements)), choosers: map[string]int{}}
	comment, mark := "", (*actuators.Mark)(nil) // neighbours often bear the same
	for _, e := range elements {
		if e.Comment != comment {
			comment, mark = e.Comment, e.Mark()
		}
		s.put(&entry{e, mark})
	}
	return s
}

func (s *Services) add(e Element) { s.put(&entry{e, e.Mark()}) }

func (s *Services) put(one *entry) {
	e := one.Element
	s.elements[e.place()] = one
	s.owners[one.owner().id] = append(s.owners[one.owner().id], one)
	if e.Set == Balancers && isChooser(e.Value) {
		s.choosers[e.Value]++
	}
}

// drop forgets what stands in a place; the cost grows with the number of elements of its owner.
func (s *Services) drop(p place) {
	one, ok := s.elements[p]
	if !ok {
		return
	}
	delete(s.elements, p)
	id := one.owner().id
	s.owners[id] = slices.DeleteFunc(s.owners[id], func(e *entry) bool { return e == one })
	if len(s.owners[id]) == 0 {
		delete(s.owners, id)
	}
	if one.Set == Balancers {
		s.choose(one.Value, -1)
	}
}

func (s *Services) choose(chain string, n int) {
	if s.choosers[chain] += n; s.choosers[chain] <= 0 {
		delete(s.choosers, chain)
	}
}

// at is what stands in a place; the zero element when nothing does.
func (s *Services) at(p place) Element {
	if one, ok := s.elements[p]; ok {
		return one.Element
	}
	return Element{}
}

// of gives the elements of the mark's object, whatever their hash, in no order.
func (s *Services) of(mark actuators.Mark) []Element {
	out := make([]Element, 0, len(s.owners[mark.ID]))
	for _, one := range s.owners[mark.ID] {
		if one.mark != nil && one.mark.Installation == mark.Installation {
			out = append(out, one.Element)
		}
	}
	return out
}

// needed are the chooser chains that elements need, sorted.
func (s *Services) needed() []string { return slices.Sorted(maps.Keys(s.choosers)) }

// shape gives the chains that the elements need now.
func (s *Services) shape() []chain { return shape(len(s.elements) > 0, s.needed()) }

// brokenFor are the broken chains that an object depends on: those that all use, and its own chooser if it has one.
func (s *Services) brokenFor(elements []Element) []string {
	var out []string
	for _, name := range s.Broken {
		if !isChooser(name) || slices.ContainsFunc(elements, func(e Element) bool { return e.Set == Balancers && e.Value == name }) {
			out = append(out, name)
		}
	}
	return out
}

func isOurs(live, def *nftables.Set) bool {
	return live.Comment == ours && live.IsMap == def.IsMap && live.KeyType.Name == def.KeyType.Name
}

// strangers tells whether the table holds chains or sets that no shape has.
func (s *Services) strangers() bool {
	for name := range s.chains {
		if !baseChains[name] && !isChooser(name) {
			return true
		}
	}
	return len(s.sets) > s.known()
}

func (s *Services) known() (n int) {
	for _, def := range setDefs() {
		if live, ok := s.sets[def.Name]; ok && isOurs(live, def) {
			n++
		}
	}
	return n
}

// foreign refuses a table of our name that somebody else made.
func (s *Services) foreign() error {
	if s.present && s.known() == 0 && (len(s.sets) > 0 || len(s.chains) > 0) {
		return actuators.Foreign("the nft table ip " + table.Name)
	}
	for _, def := range setDefs() {
		if live, ok := s.sets[def.Name]; ok && !isOurs(live, def) {
			return actuators.Foreign("nft set ip " + table.Name + " " + def.Name)
		}
	}
	return nil
}

// Sort puts elements into their one order.
func Sort(elements []Element) []Element {
	slices.SortFunc(elements, compareFully)
	return elements
}

// Sorted is Sort of a copy, or the elements themselves when they are in order.
func Sorted(elements []Element) []Element {
	if slices.IsSortedFunc(elements, compareFully) {
		return elements
	}
	return Sort(slices.Clone(elements))
}

func compareFully(a, b Element) int {
	return cmp.Or(compareElements(a, b), cmp.Compare(a.Value, b.Value))
}
