package nft

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/nftables"

	"plumbline/actuators"
)

// strange tells what stands in the table, is not the mark's object's, and changes what becomes of its packets, each with what
// takes it away: the table's hooked chains, then elements in order. Nothing of that is taken away by itself: who put it there had a reason, or is at work just now. A chain
// without a hook is reached by no packet, unless a rule of ours was altered, which Broken tells.
func (s *Services) strange(mark actuators.Mark, elements []Element, hooked []string) []string {
	out := hooked
	for _, e := range elements {
		if e.Set != Forwards && e.Set != Balancers {
			continue
		}
		for _, set := range [...]string{Balancers, Masq} {
			one, ok := s.elements[place{set, e.Key}]
			if ok && (one.mark == nil || one.mark.Installation != mark.Installation || one.mark.ID != mark.ID) {
				out = append(slices.Clip(out), one.strange())
			}
		}
	}
	return out
}

// hooked are the chains of a table that are on a hook and not ours, each with what takes it away; sorted.
func hooked(t *nftables.Table, chains map[string]*nftables.Chain, ours func(name string) bool) (out []string) {
	for name, c := range chains {
		if c.Hooknum != nil && !ours(name) {
			out = append(out, "chain "+name+" on a hook; remedy: nft delete chain "+families[t.Family]+" "+t.Name+" "+name)
		}
	}
	slices.Sort(out)
	return out
}

var families = map[nftables.TableFamily]string{nftables.TableFamilyIPv4: "ip", nftables.TableFamilyINet: "inet"}

// Strange refuses what only a person may take away.
func Strange(found []string) error {
	return fmt.Errorf("%w: the nft table of Plumbline holds what is not its own and stands in the way: %s", actuators.ErrRefused, strings.Join(found, "; "))
}

var baseChains = map[string]bool{"prerouting": true, "output": true, "postrouting": true}

// strange names an element that is somebody else's: by its mark, or with the command that removes it when it is nobody's.
func (e Element) strange() string {
	text := e.Set + " " + e.Key
	if mark := e.Mark(); mark != nil {
		return text + " of " + string(mark.ID) + ", installation " + mark.Installation
	}
	return text + "; remedy: nft delete element ip " + table.Name + " " + e.Set + " { " + nftKey(e.Key) + " }"
}

// nftKey is a service as nft(8) writes it.
func nftKey(service string) string {
	endpoint, proto, _ := strings.Cut(service, "/")
	address, port, _ := strings.Cut(endpoint, ":")
	return address + " . " + proto + " . " + port
}
