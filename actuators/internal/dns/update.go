package dns

import (
	"context"
	"fmt"

	wire "github.com/miekg/dns"

	"plumbline/actuators"
)

// Change replaces sets by sets of the same names and types, if and only if Before still holds.
type Change struct {
	Before, After []RRset
}

// Update makes changes in one message: the server makes all of them or none (RFC 2136, section 3). Where a set is not as
// Before says it fails with ErrChanged. After ErrTransient nobody knows whether it was made: look. Prerequisites compare
// data and not TTLs (section 2.4.2).
func (s Server) Update(ctx context.Context, h actuators.Host, changes ...Change) error {
	m := new(wire.Msg)
	m.SetUpdate(wire.Fqdn(s.Zone))
	for _, add := range []func(*wire.Msg, Change) error{require, removeAll, insert} {
		for _, change := range changes {
			if err := add(m, change); err != nil {
				return err
			}
		}
	}
	_, err := s.exchange(ctx, h, m)
	return err
}

// require adds the prerequisites of a change.
func require(m *wire.Msg, change Change) error {
	for _, set := range change.Before {
		records, err := set.records()
		if err != nil {
			return err
		}
		if len(set.Data) == 0 {
			m.RRsetNotUsed(records)
		} else {
			m.Used(records)
		}
	}
	return nil
}

// removeAll takes away every set of a change. Servers work a message off in order and drop a CNAME record beside others
// without a word (RFC 2136, section 3.4.2.2), so all removals come before the first record.
func removeAll(m *wire.Msg, change Change) error {
	for _, set := range change.After {
		records, err := set.records()
		if err != nil {
			return err
		}
		m.RemoveRRset(records[:1])
	}
	return nil
}

func insert(m *wire.Msg, change Change) error {
	for _, set := range change.After {
		records, err := set.records()
		if err != nil {
			return err
		}
		if len(set.Data) > 0 {
			m.Insert(records)
		}
	}
	return nil
}

// records are the set's records; without data one that carries only name and type.
func (set RRset) records() ([]wire.RR, error) {
	typ, ok := wire.StringToType[set.Type]
	if !ok {
		return nil, fmt.Errorf("internal error: there is no record type %q", set.Type)
	}
	if len(set.Data) == 0 {
		return []wire.RR{&wire.ANY{Hdr: wire.RR_Header{Name: wire.Fqdn(set.Name), Rrtype: typ, Class: wire.ClassINET}}}, nil
	}
	var records []wire.RR
	for _, data := range set.Data {
		rr, err := wire.NewRR(fmt.Sprintf("%s %d IN %s %s", wire.Fqdn(set.Name), set.TTL, set.Type, data))
		if err != nil {
			return nil, fmt.Errorf("%w: cannot write the %s record of %s: %w", actuators.ErrRefused, set.Type, set.Name, err)
		}
		records = append(records, rr)
	}
	return records, nil
}
