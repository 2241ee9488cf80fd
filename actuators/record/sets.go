package record

import (
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	"plumbline/schema"
)

// types are the record types of this kind, in order.
var types = []string{"A", "AAAA", "CNAME", "TXT"}

const (
	markLabel = "_plumb."
	markTTL   = 60 // seconds; nobody asks for marks but us, over transfers
	typesWord = "types="
)

// sets are the records that a spec wants.
func (s Spec) sets(name string) []dns.RRset {
	var out []dns.RRset
	add := func(typ string, data []string) {
		if len(data) > 0 {
			out = append(out, dns.RRset{Name: plain(name), Type: typ, TTL: s.TTL, Data: data})
		}
	}
	add("A", s.A)
	add("AAAA", s.AAAA)
	if s.CNAME != "" {
		add("CNAME", []string{s.CNAME + "."})
	}
	var texts []string
	for _, text := range s.TXT {
		texts = append(texts, dns.QuoteText(text))
	}
	slices.Sort(texts)
	add("TXT", texts)
	return out
}

// config reads sets into the form that is compared.
func config(sets []dns.RRset) Config {
	var c Config
	ttls := map[string]uint32{}
	for _, set := range sets {
		if len(set.Data) == 0 {
			continue
		}
		ttls[set.Type] = set.TTL
		switch set.Type {
		case "A":
			c.A = unique(set.Data)
		case "AAAA":
			c.AAAA = unique(set.Data)
		case "CNAME":
			c.CNAME = plain(set.Data[0])
		case "TXT":
			for _, data := range set.Data {
				c.TXT = append(c.TXT, dns.UnquoteText(data))
			}
			c.TXT = unique(c.TXT)
		}
	}
	c.TTL, c.TTLs = ttl(ttls)
	return c
}

// ttl is the one TTL of all types, or each of them.
func ttl(ttls map[string]uint32) (uint32, map[string]uint32) {
	var one uint32
	first := true
	for _, ttl := range ttls {
		if !first && ttl != one {
			return 0, ttls
		}
		one, first = ttl, false
	}
	return one, nil
}

// markSet is the record that carries a mark and says which types are ours.
func markSet(name string, m actuators.Mark, ours []string) dns.RRset {
	text := m.String() + " " + typesWord + strings.Join(ours, ",")
	return dns.RRset{Name: markLabel + plain(name), Type: "TXT", TTL: markTTL, Data: []string{dns.QuoteText(text)}}
}

// readMark reads the mark of a name, and which types are ours; nil when it has none.
func readMark(z *dns.Zone, name string) (*actuators.Mark, []string) {
	for _, data := range z.Set(markLabel+name, "TXT").Data {
		text := dns.UnquoteText(data)
		mark := actuators.ParseMark(text)
		if mark == nil || mark.ID != schema.MakeID("record", name) {
			continue
		}
		for word := range strings.FieldsSeq(text) {
			if list, ok := strings.CutPrefix(word, typesWord); ok {
				return mark, strings.Split(list, ",")
			}
		}
		return mark, types
	}
	return nil, nil
}
