package nft

import (
	"fmt"
	"maps"
	"slices"

	"github.com/google/nftables"
)

// apply queues the batch that takes away and adds elements.
func (tx *Tx) apply(s *Services, gone, added []Element) error {
	if len(gone)+len(added) == 0 && len(s.Broken) == 0 {
		return nil
	}
	tx.touch(s, gone, added)
	count, choosers := s.after(gone, added)
	strangers := s.strangers()
	if count > 0 || strangers {
		if err := tx.settle(s, shape(count > 0, choosers)); err != nil {
			return err
		}
		if err := tx.elementsInto(keys(gone), tx.conn.SetDeleteElements); err != nil {
			return err
		}
		if err := tx.elementsInto(added, tx.conn.SetAddElements); err != nil {
			return err
		}
	}
	tx.reap(s, count == 0 && !strangers, choosers)
	return nil
}

// touch notes what the batch changes, to be read again one by one if that is not much.
func (tx *Tx) touch(s *Services, gone, added []Element) {
	tx.many = len(gone)+len(added) > max(fewTouched, len(s.elements)/4)
	if !tx.many {
		tx.touched = places(gone, added)
	}
}

// after tells how many elements the batch leaves, and which chooser chains these need.
func (s *Services) after(gone, added []Element) (count int, choosers []string) {
	left := Services{choosers: maps.Clone(s.choosers)}
	for _, e := range gone {
		if e.Set == Balancers {
			left.choose(e.Value, -1)
		}
	}
	for _, e := range added {
		if e.Set == Balancers && isChooser(e.Value) {
			left.choose(e.Value, 1)
		}
	}
	return len(s.elements) - len(gone) + len(added), left.needed()
}

// settle brings chains and sets to the shape of the elements that the batch leaves: mends and adds first, because new
// elements refer to chains.
func (tx *Tx) settle(s *Services, wanted []chain) error {
	tx.queued = true
	if !s.present || s.dormant {
		tx.shaped = true
		tx.conn.AddTable(table) // without flags: awake
	}
	for _, def := range setDefs() {
		if _, ok := s.sets[def.Name]; !ok {
			tx.shaped = true
			if err := tx.conn.AddSet(def, nil); err != nil {
				return fmt.Errorf("cannot add nft set %s: %w", def.Name, err)
			}
		}
	}
	for _, want := range wanted {
		whole, err := tx.isWhole(s, want)
		if err != nil {
			return err
		}
		if !whole {
			tx.mend(s, want)
		}
	}
	return nil
}

// isWhole knows of chains that were looked at with their elements; one that no element needed so far is looked at now.
func (tx *Tx) isWhole(s *Services, want chain) (bool, error) {
	if len(s.elements) == 0 || isChooser(want.Name) && s.choosers[want.Name] == 0 {
		return tx.whole(s, want)
	}
	return !slices.Contains(s.Broken, want.Name), nil
}

func (tx *Tx) mend(s *Services, want chain) {
	tx.shaped = true
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
func (tx *Tx) reap(s *Services, all bool, needed []string) {
	if all {
		if s.present {
			tx.queued, tx.shaped = true, true
			tx.conn.DelTable(table)
		}
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.chains)) {
		if isChooser(name) && !slices.Contains(needed, name) {
			tx.queued, tx.shaped = true, true
			tx.conn.DelChain(s.chains[name])
		}
	}
}

func (tx *Tx) elementsInto(elements []Element, queue func(*nftables.Set, []nftables.SetElement) error) error {
	for _, def := range setDefs() {
		raws := make([]nftables.SetElement, 0, inSet(elements, def.Name))
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

func inSet(elements []Element, set string) (n int) {
	for _, e := range elements {
		if e.Set == set {
			n++
		}
	}
	return n
}

// keys are the elements as far as it takes to delete them.
func keys(elements []Element) []Element {
	out := make([]Element, len(elements))
	for i, e := range elements {
		out[i] = Element{Set: e.Set, Key: e.Key}
	}
	return out
}
