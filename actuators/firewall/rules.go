package firewall

import (
	"strconv"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
)

// writer renders one config.
type writer struct {
	chain string
	mark  string
	out   nft.Filter
}

// render is the chain that a config is written as. The second word of a rule's comment is its place in the spec.
func render(name string, mark actuators.Mark, c Config) (*nft.Filter, error) {
	w := &writer{chain: nft.ChainPrefix + name, mark: mark.String(), out: nft.Filter{Hook: c.On, Policy: c.Default}}
	w.set("", "ifname", c.Interfaces)
	if len(c.Interfaces) > 0 {
		w.rule("interfaces", nft.NotFrom(w.chain), nft.Accept())
	}
	if c.On == "input" {
		w.rule("loopback", nft.Loopback(), nft.Accept())
	}
	w.rule("established", nft.Established(), nft.Accept())
	if c.On == "input" {
		w.rule("neighbours", nft.Neighbours(), nft.Accept())
	}
	if err := w.list("deny", c.Deny, nft.Drop()); err != nil {
		return nil, err
	}
	err := w.list("allow", c.Allow, nft.Accept())
	return w.out.Sorted(), err
}

// set adds a set of the object; the one without a suffix, for the interfaces, is always there and bears the mark.
func (w *writer) set(suffix, kind string, elements []string) {
	w.out.Sets = append(w.out.Sets, nft.FilterSet{Name: w.chain + suffix, Type: kind, Interval: suffix != "", Elements: elements, Comment: w.mark})
}

func (w *writer) rule(word string, words ...[]nft.Expr) {
	w.out.Rules = append(w.out.Rules, nft.Rule(w.mark+" "+word, words...))
}

func (w *writer) list(name string, rules []Rule, verdict []nft.Expr) error {
	for i, r := range rules {
		if err := w.one(name+"."+strconv.Itoa(i), r, verdict); err != nil {
			return err
		}
	}
	return nil
}

// one writes a rule of the spec: one rule, or one for each address family that it names.
func (w *writer) one(word string, r Rule, verdict []nft.Expr) error {
	from4, from6, err := families(r.From)
	if err != nil {
		return err
	}
	var rest []nft.Expr
	if r.Proto != "" {
		rest = nft.Protocol(protocols[r.Proto])
	}
	suffix := "/" + word
	if len(r.Ports) > 0 {
		w.set(suffix+"/ports", "inet_service", texts(r.Ports))
		rest = append(rest, nft.To(w.chain+suffix+"/ports")...)
	}
	if len(r.From) == 0 {
		w.rule(word, rest, verdict)
	}
	if len(from4) > 0 {
		w.set(suffix+"/from4", "ipv4_addr", from4)
		w.rule(word, nft.Source4(w.chain+suffix+"/from4"), rest, verdict)
	}
	if len(from6) > 0 {
		w.set(suffix+"/from6", "ipv6_addr", from6)
		w.rule(word, nft.Source6(w.chain+suffix+"/from6"), rest, verdict)
	}
	return nil
}

// parse reads a chain back into the form of the spec. What of the chain is not as that form would be written is altered.
func parse(name string, f *nft.Filter) Config {
	c := Config{On: f.Hook, Default: f.Policy}
	sets := map[string][]string{}
	for _, s := range f.Sets {
		sets[s.Name] = s.Elements
	}
	chain := nft.ChainPrefix + name
	c.Interfaces = sets[chain]
	for _, r := range f.Rules {
		list, index, ok := place(r.Comment)
		into := map[string]*[]Rule{"deny": &c.Deny, "allow": &c.Allow}[list]
		if !ok || into == nil || index > len(*into) {
			continue
		}
		if index == len(*into) {
			*into = append(*into, Rule{})
		}
		(*into)[index] = read(r, chain+"/"+list+"."+strconv.Itoa(index), sets)
	}
	c.Altered = altered(name, f, c)
	return c
}

// place is where in the spec a rule comes from: the word after the mark, "allow.0".
func place(comment string) (list string, index int, ok bool) {
	words := strings.Fields(comment)
	if len(words) != 2 {
		return "", 0, false
	}
	list, number, _ := strings.Cut(words[1], ".")
	index, err := strconv.Atoi(number)
	return list, index, err == nil && index >= 0
}

func read(r nft.FilterRule, prefix string, sets map[string][]string) Rule {
	var out Rule
	if number, ok := r.Protocol(); ok {
		out.Proto = protocolName(number)
	}
	for _, p := range sets[prefix+"/ports"] {
		out.Ports = append(out.Ports, Ports(p))
	}
	out.From = append(append(out.From, sets[prefix+"/from4"]...), sets[prefix+"/from6"]...)
	return out
}

func protocolName(number byte) string {
	for name, n := range protocols {
		if n == number {
			return name
		}
	}
	return strconv.Itoa(int(number))
}
