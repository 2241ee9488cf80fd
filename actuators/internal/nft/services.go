package nft

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/google/nftables"

	"plumbline/actuators"
)

// Services is what the table "ip plumb" holds.
type Services struct {
	Elements []Element // sorted
	Broken   []string  // chains that are absent or not as the elements need them: what they serve is dead

	present   bool
	sets      map[string]*nftables.Set
	chains    map[string]*nftables.Chain
	strangers bool // chains or sets that are not ours
}

// Read reads the table, until nobody changed anything meanwhile. A table of that name which is not ours reads as empty.
func Read(ctx context.Context) (Services, error) {
	var s Services
	err := View(ctx, func(tx *Tx) (err error) {
		s, err = tx.services()
		return err
	})
	return s, err
}

func (tx *Tx) services() (Services, error) {
	var s Services
	var err error
	if s.present, err = tx.table(table); err != nil || !s.present {
		return s, err
	}
	if s.sets, err = tx.sets(table); err != nil {
		return s, err
	}
	if s.chains, err = tx.chains(table); err != nil {
		return s, err
	}
	s.strangers = s.unknown()
	for _, def := range setDefs() {
		if live, ok := s.sets[def.Name]; ok && isOurs(live, def) {
			elements, err := tx.elements(live)
			if err != nil {
				return s, err
			}
			s.Elements = append(s.Elements, elements...)
		}
	}
	slices.SortFunc(s.Elements, compareElements)
	s.Broken, err = tx.broken(s)
	return s, err
}

// BrokenFor are the broken chains that an object depends on: those that all use, and its own chooser if it has one.
func (s Services) BrokenFor(chooser string) []string {
	var out []string
	for _, name := range s.Broken {
		if !isChooser(name) || name == chooser {
			out = append(out, name)
		}
	}
	return out
}

func isOurs(live, def *nftables.Set) bool {
	return live.Comment == ours && live.IsMap == def.IsMap && live.KeyType.Name == def.KeyType.Name
}

// unknown tells whether the table holds what no shape has.
func (s Services) unknown() bool {
	known := map[string]bool{"prerouting": true, "output": true, "postrouting": true}
	for name := range s.chains {
		if !known[name] && !isChooser(name) {
			return true
		}
	}
	return len(s.sets) > s.known()
}

func (s Services) known() (n int) {
	for _, def := range setDefs() {
		if live, ok := s.sets[def.Name]; ok && isOurs(live, def) {
			n++
		}
	}
	return n
}

// foreign refuses a table of our name that somebody else made.
func (s Services) foreign() error {
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

func (tx *Tx) broken(s Services) ([]string, error) {
	var names []string
	for _, want := range shape(s.Elements) {
		whole, err := tx.whole(s, want)
		if err != nil {
			return nil, err
		}
		if !whole {
			names = append(names, want.Name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// whole tells whether a chain is hooked as it must be and holds exactly its rules.
func (tx *Tx) whole(s Services, want chain) (bool, error) {
	live, ok := s.chains[want.Name]
	if !ok || !sameHook(live, want.Chain) {
		return false, nil
	}
	rules, err := tx.rules(live)
	if err != nil {
		return false, err
	}
	if len(rules) != len(want.rules) {
		return false, nil
	}
	for i, rule := range rules {
		if !sameRule(byte(table.Family), rule.Exprs, want.rules[i]) {
			return false, nil
		}
	}
	return true, nil
}

func sameHook(a, b *nftables.Chain) bool {
	return a.Type == b.Type && samePointer(a.Hooknum, b.Hooknum) && samePointer(a.Priority, b.Priority) && samePointer(a.Policy, b.Policy)
}

func samePointer[T comparable](a, b *T) bool {
	return (a == nil) == (b == nil) && (a == nil || *a == *b)
}

// settle brings chains and sets to the shape of the elements that the batch leaves: mends and adds first, because new
// elements refer to chains.
func (tx *Tx) settle(s Services, after []Element) error {
	tx.queued = true
	if !s.present {
		tx.conn.AddTable(table)
	}
	for _, def := range setDefs() {
		if _, ok := s.sets[def.Name]; !ok {
			if err := tx.conn.AddSet(def, nil); err != nil {
				return fmt.Errorf("cannot add nft set %s: %w", def.Name, err)
			}
		}
	}
	for _, want := range shape(after) {
		whole, err := tx.whole(s, want)
		if err != nil {
			return err
		}
		if !whole {
			tx.mend(s, want)
		}
	}
	return nil
}

func (tx *Tx) mend(s Services, want chain) {
	if live, ok := s.chains[want.Name]; ok {
		tx.conn.FlushChain(live)
		if !sameHook(live, want.Chain) {
			tx.conn.DelChain(live)
		}
	}
	tx.conn.AddChain(want.Chain)
	for _, rule := range want.rules {
		tx.conn.AddRule(&nftables.Rule{Table: table, Chain: want.Chain, Exprs: rule})
	}
}

// reap takes away what the elements need no more: chooser chains, or with the last element the table.
func (tx *Tx) reap(s Services, after []Element) {
	if len(after) == 0 && !s.strangers {
		if s.present {
			tx.queued = true
			tx.conn.DelTable(table)
		}
		return
	}
	needed := choosers(after)
	for _, name := range slices.Sorted(maps.Keys(s.chains)) {
		if isChooser(name) && !slices.Contains(needed, name) {
			tx.queued = true
			tx.conn.DelChain(s.chains[name])
		}
	}
}

// apply queues the batch that takes away and adds elements.
func (tx *Tx) apply(s Services, gone, added []Element) error {
	after := remaining(s.Elements, gone, added)
	if len(gone)+len(added) == 0 && len(s.Broken) == 0 {
		return nil
	}
	if len(after) > 0 || s.strangers {
		if err := tx.settle(s, after); err != nil {
			return err
		}
		if err := tx.elementsInto(gone, tx.conn.SetDeleteElements); err != nil {
			return err
		}
		if err := tx.elementsInto(added, tx.conn.SetAddElements); err != nil {
			return err
		}
	}
	tx.reap(s, after)
	return nil
}

// remaining is what live becomes, in no order.
func remaining(live, gone, added []Element) []Element {
	replaced := byPlace(gone)
	maps.Copy(replaced, byPlace(added))
	out := make([]Element, 0, len(live)+len(added))
	for _, e := range live {
		if _, ok := replaced[e.place()]; !ok {
			out = append(out, e)
		}
	}
	return append(out, added...)
}

func (tx *Tx) elementsInto(elements []Element, queue func(*nftables.Set, []nftables.SetElement) error) error {
	for _, def := range setDefs() {
		var raws []nftables.SetElement
		for _, e := range elements {
			if e.Set != def.Name {
				continue
			}
			raw, err := e.raw(def)
			if err != nil {
				return err
			}
			raws = append(raws, raw)
		}
		if err := queue(def, raws); err != nil {
			return fmt.Errorf("cannot queue elements of nft set %s: %w", def.Name, err)
		}
	}
	return nil
}

// Sort puts elements into their one order.
func Sort(elements []Element) []Element {
	slices.SortFunc(elements, func(a, b Element) int {
		return cmp.Or(compareElements(a, b), cmp.Compare(a.Value, b.Value))
	})
	return elements
}
