package nft

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/nftables"

	"plumbline/schema"
)

// Foreign is a port that a rule of somebody else's table forwards.
type Foreign struct {
	Element
	Where string // "table ip mynat, chain pre, rule 5": the handle, which `nft delete rule` asks for
}

// ForwardsElsewhere lists the ports that plain rules of other tables forward: those that match a destination address of IPv4, a protocol and
// ports, and nothing else, and change only the destination. What stands in a chain behind another kind of rule is left out, for that rule
// may keep packets from it.
func ForwardsElsewhere(ctx context.Context) ([]Foreign, error) {
	var out []Foreign
	err := View(ctx, func(tx *Tx) error {
		out = nil
		return tx.elsewhere(true, func(c *nftables.Chain, rules []*nftables.Rule, _ error) {
			forwards, _ := tx.plain(c, rules)
			out = append(out, forwards...)
		})
	})
	return out, err
}

// plain are the forwards of the plain rules that a chain begins with, and how many rules those are.
func (tx *Tx) plain(c *nftables.Chain, rules []*nftables.Rule) (forwards []Foreign, count int) {
	if *c.Hooknum != *nftables.ChainHookPrerouting || c.Table.Family != nftables.TableFamilyIPv4 && c.Table.Family != nftables.TableFamilyINet {
		return nil, 0
	}
	for _, r := range rules {
		f := plainForward{ports: tx.ports(c.Table)}
		if !f.read(r.Exprs) {
			break
		}
		for _, e := range f.elements() {
			forwards = append(forwards, Foreign{e, fmt.Sprintf("table %s %s, chain %s, rule %d", familyNames[c.Table.Family], c.Table.Name, c.Name, r.Handle)})
		}
		count++
	}
	return forwards, count
}

// ports reads the members of a set of ports.
func (tx *Tx) ports(t *nftables.Table) func(set string) [][]byte {
	return func(name string) (all [][]byte) {
		set, err := tx.ask().GetSetByName(t, name)
		if err != nil || set.Interval || set.IsMap {
			return nil
		}
		members, err := tx.ask().GetSetElements(set)
		if err != nil {
			return nil
		}
		for _, m := range members {
			all = append(all, m.Key)
		}
		return all
	}
}

// Unmarked are the forwards of other tables by the object that wants them, or is named after them.
func Unmarked(all []Foreign, kind string, wanted Wanted) []Owned {
	var out []Owned
	at := map[schema.ID]int{}
	for _, f := range all {
		id, _ := unmarkedOf(f.Element, kind, wanted, []string{Forwards})
		n, there := at[id]
		if !there {
			n = len(out)
			at[id] = n
			out = append(out, Owned{ID: id})
		}
		out[n].Elements = append(out[n].Elements, f.Element)
		if !slices.Contains(out[n].Elsewhere, f.Where) {
			out[n].Elsewhere = append(out[n].Elsewhere, f.Where)
		}
	}
	for _, o := range out {
		slices.Sort(o.Elsewhere)
	}
	return out
}
