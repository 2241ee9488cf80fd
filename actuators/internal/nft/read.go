package nft

import (
	"errors"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"golang.org/x/sys/unix"
)

// services reads the whole table, which probably holds as many elements as expected. A table of that name which is not ours reads as one without elements.
func (tx *Tx) services(expected int) (*Services, error) {
	s := newServices(nil)
	if err := tx.frame(s); err != nil || !s.present {
		return s, err
	}
	var err error
	all := make([]Element, 0, expected+expected/8)
	for _, def := range setDefs() {
		if live, ok := s.sets[def.Name]; ok && isOurs(live, def) {
			if all, err = tx.dump(live, all); err != nil {
				return nil, err
			}
		}
	}
	whole := newServices(all)
	whole.present, whole.dormant, whole.sets, whole.chains = true, s.dormant, s.sets, s.chains
	whole.Broken, err = tx.broken(whole)
	return whole, err
}

// frame reads which sets and chains the table has, if it is there.
func (tx *Tx) frame(s *Services) (err error) {
	s.sets, s.chains = nil, nil
	if s.present, s.dormant, err = tx.table(table); err != nil || !s.present {
		return err
	}
	if s.sets, err = tx.sets(table); err != nil {
		return err
	}
	s.chains, err = tx.chains(table)
	return err
}

// dormant stands among broken chains for the whole table.
const dormant = "table, dormant"

func (tx *Tx) broken(s *Services) ([]string, error) {
	var names []string
	if s.dormant {
		names = append(names, dormant)
	}
	for _, want := range s.shape() {
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
func (tx *Tx) whole(s *Services, want chain) (bool, error) {
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

// again reads those elements that the batch touched, and sets and chains if it touched any of those, so that the answer for
// what was changed is the kernel's and not our own.
func (tx *Tx) again(s *Services) error {
	if tx.shaped {
		if err := tx.frame(s); err != nil {
			return err
		}
	}
	for _, p := range tx.touched {
		if err := tx.look(s, p); err != nil {
			return err
		}
	}
	if !tx.shaped {
		return nil
	}
	var err error
	s.Broken, err = tx.broken(s)
	return err
}

// look reads the one element of a place (NFT_MSG_GETSETELEM with a key).
func (tx *Tx) look(s *Services, p place) error {
	set, ok := s.sets[p.set]
	if !ok {
		return fmt.Errorf("cannot read %s: the set is gone", p)
	}
	key, err := encode(set.KeyType, p.key)
	if err != nil {
		return err
	}
	s.drop(p)
	raw, err := tx.ask().FindSetElements(set, []nftables.SetElement{{Key: key}})
	if errors.Is(err, unix.ENOENT) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read %s: %w", p, err)
	}
	for _, r := range raw {
		e := Element{Set: p.set, Key: p.key, Comment: r.Comment}
		if set.IsMap {
			if e.Value, err = decode(set.DataType, r.Val); err != nil {
				return fmt.Errorf("cannot read the value of %s: %w", p, err)
			}
		}
		s.add(e)
	}
	return nil
}
