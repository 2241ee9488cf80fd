package nft

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"

	"plumbline/actuators"
)

// Elsewhere is a chain on a hook, with rules, in a table that is not of our form.
type Elsewhere struct {
	Family, Table, Chain string
	NAT                  bool     // it changes addresses; otherwise it filters
	Rules                []string // as nft writes them; of a machine without nft only how many there are
}

// Name is one word for it.
func (e Elsewhere) Name() string { return strings.Join([]string{e.Family, e.Table, e.Chain}, "-") }

// Reason is why nothing of it is declared.
func (e Elsewhere) Reason() string {
	return fmt.Sprintf("table %s %s, chain %s is not in the form of Plumbline's own tables; declare what it does, and then take it out: %s", e.Family, e.Table, e.Chain, strings.Join(e.Rules, "; "))
}

var familyNames = map[nftables.TableFamily]string{
	nftables.TableFamilyIPv4: "ip", nftables.TableFamilyIPv6: "ip6", nftables.TableFamilyINet: "inet",
	nftables.TableFamilyBridge: "bridge", nftables.TableFamilyARP: "arp", nftables.TableFamilyNetdev: "netdev",
}

// Others lists the chains that somebody else hooked up to change addresses (nat) or to filter, sorted. Those of our tables are
// told by the objects that they stand in the way of. A chain without rules is left out, and so are plain forwards that a chain begins with:
// see ForwardsElsewhere.
func Others(ctx context.Context, h actuators.Host, nat bool) ([]Elsewhere, error) {
	var out []Elsewhere
	var said []int // rules
	err := View(ctx, func(tx *Tx) error {
		out, said = nil, nil
		return tx.elsewhere(nat, func(c *nftables.Chain, rules []*nftables.Rule, unread error) {
			plain := 0
			if nat {
				_, plain = tx.plain(c, rules)
			}
			count := fmt.Sprintf("%d rules", len(rules)-plain)
			if unread != nil {
				count = "rules that cannot be read here"
			}
			if unread != nil || plain < len(rules) {
				out = append(out, Elsewhere{Family: familyNames[c.Table.Family], Table: c.Table.Name, Chain: c.Name, NAT: nat, Rules: []string{count}})
				said = append(said, plain)
			}
		})
	})
	for i := range out {
		out[i].tell(ctx, h, said[i])
	}
	slices.SortFunc(out, func(a, b Elsewhere) int { return cmp.Compare(a.Name(), b.Name()) })
	return out, err
}

// elsewhere visits the chains that somebody else hooked up to change addresses, or to filter, with their rules or why those cannot be read.
func (tx *Tx) elsewhere(nat bool, visit func(c *nftables.Chain, rules []*nftables.Rule, unread error)) error {
	chains, err := tx.ask().ListChains()
	if err != nil {
		return fmt.Errorf("cannot list nft chains: %w", err)
	}
	for _, c := range chains {
		own := c.Table.Name == table.Name && c.Table.Family == table.Family || c.Table.Name == filters.Name && c.Table.Family == filters.Family
		if own || c.Hooknum == nil || (c.Type == nftables.ChainTypeNAT) != nat {
			continue
		}
		if rules, err := tx.rules(c); err != nil || len(rules) > 0 {
			visit(c, rules, err)
		}
	}
	return nil
}

// tell asks nft for the text of the rules behind those that are said, if there is one.
func (e *Elsewhere) tell(ctx context.Context, h actuators.Host, said int) {
	out, err := h.Run(ctx, actuators.Cmd{Argv: []string{"nft", "--stateless", "list", "chain", e.Family, e.Table, e.Chain}})
	if err != nil {
		return
	}
	var rules []string
	for line := range strings.Lines(string(out.Stdout)) {
		line = strings.TrimSpace(line)
		head := strings.HasSuffix(line, "{") && (strings.HasPrefix(line, "table ") || strings.HasPrefix(line, "chain "))
		if line != "" && line != "}" && !head && !strings.HasPrefix(line, "type ") {
			rules = append(rules, line)
		}
	}
	if len(rules) > said {
		e.Rules = rules[said:]
	}
}
