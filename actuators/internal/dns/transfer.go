package dns

import (
	"context"
	"fmt"
	"slices"
	"strings"

	wire "github.com/miekg/dns"

	"plumbline/actuators"
)

// Zone is a whole zone at one serial.
type Zone struct {
	Server Server
	SOA    SOA
	sets   map[key]*RRset
}

type key struct{ name, typ string }

// Transfer reads the whole zone, or fails: a part of a zone is never an answer.
func (s Server) Transfer(ctx context.Context, h actuators.Host) (*Zone, error) {
	ctx, cancel := context.WithTimeout(ctx, transferTimeout)
	defer cancel()
	zone, err := s.transfer(ctx, h)
	if err != nil {
		return nil, fmt.Errorf("cannot read zone %s: %w", s.Zone, err)
	}
	return zone, nil
}

func (s Server) transfer(ctx context.Context, h actuators.Host) (*Zone, error) {
	c, err := s.open(ctx, h)
	if err != nil {
		return nil, err
	}
	defer c.close()
	m := new(wire.Msg)
	m.SetAxfr(wire.Fqdn(s.Zone))
	if err := c.send(m, h.Now()); err != nil {
		return nil, err
	}
	zone := &Zone{Server: s, sets: map[key]*RRset{}}
	for ends := 0; ends < 2; {
		part, err := c.receive(m.Id)
		if err != nil {
			return nil, err
		}
		if ends, err = zone.add(part.Answer, ends); err != nil {
			return nil, fmt.Errorf("cannot trust server %s: %w", s.Address, err)
		}
	}
	for _, set := range zone.sets {
		slices.Sort(set.Data)
	}
	return zone, nil
}

// add takes the records of one message. A transfer begins and ends with the SOA (RFC 5936, section 2.2).
func (z *Zone) add(records []wire.RR, ends int) (int, error) {
	for _, rr := range records {
		soa, isSOA := rr.(*wire.SOA)
		switch {
		case ends == 2 || !isSOA && ends == 0:
			return ends, fmt.Errorf("its transfer does not begin and end with the SOA record")
		case isSOA && ends == 1 && soa.Serial != z.SOA.Serial:
			return ends, fmt.Errorf("its transfer mixes the serials %d and %d", z.SOA.Serial, soa.Serial)
		case isSOA:
			z.SOA = SOA{Serial: soa.Serial, Primary: plain(soa.Ns), Mailbox: plain(soa.Mbox)}
			ends++
			continue
		}
		head := rr.Header()
		at := key{plain(head.Name), typeText(head.Rrtype)}
		set := z.sets[at]
		if set == nil {
			set = &RRset{Name: at.name, Type: at.typ, TTL: head.Ttl}
			z.sets[at] = set
		}
		set.Data = append(set.Data, dataOf(rr))
	}
	return ends, nil
}

func typeText(typ uint16) string {
	if text, ok := wire.TypeToString[typ]; ok {
		return text
	}
	return wire.Type(typ).String()
}

// Like gives the sets of the same names and types as others.
func (z *Zone) Like(others []RRset) []RRset {
	sets := make([]RRset, 0, len(others))
	for _, set := range others {
		sets = append(sets, z.Set(set.Name, set.Type))
	}
	return sets
}

// Set gives the records of a name and type; without data if there are none.
func (z *Zone) Set(name, typ string) RRset {
	at := key{plain(name), typ}
	if set := z.sets[at]; set != nil {
		return *set
	}
	return RRset{Name: at.name, Type: typ}
}

// Sets gives all sets, sorted by name and type.
func (z *Zone) Sets() []RRset {
	all := make([]RRset, 0, len(z.sets))
	for _, set := range z.sets {
		all = append(all, *set)
	}
	slices.SortFunc(all, func(a, b RRset) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(a.Type, b.Type)
	})
	return all
}
