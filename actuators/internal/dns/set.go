package dns

import (
	"fmt"
	"net"
	"reflect"
	"slices"
	"strings"

	wire "github.com/miekg/dns"

	"plumbline/actuators"
)

// Same tells whether sets are the same, in their order. The TTL of a set without data does not count.
func Same(a, b []RRset) bool {
	return len(a) == len(b) && reflect.DeepEqual(normal(a, true), normal(b, true))
}

// sameData is Same without the TTLs.
func sameData(a, b []RRset) bool {
	return len(a) == len(b) && reflect.DeepEqual(normal(a, false), normal(b, false))
}

func normal(sets []RRset, ttl bool) []RRset {
	out := make([]RRset, len(sets))
	for i, set := range sets {
		out[i] = RRset{Name: set.Name, Type: set.Type}
		if len(set.Data) > 0 {
			out[i].Data = slices.Compact(slices.Sorted(slices.Values(set.Data)))
		}
		if ttl && len(set.Data) > 0 {
			out[i].TTL = set.TTL
		}
	}
	return out
}

// records are the set's records; without data one that carries only name and type.
func (set RRset) records() ([]wire.RR, error) {
	typ, ok := wire.StringToType[set.Type]
	if !ok {
		return nil, fmt.Errorf("internal error: there is no record type %q", set.Type)
	}
	head := wire.RR_Header{Name: wire.Fqdn(set.Name), Rrtype: typ, Class: wire.ClassINET, Ttl: set.TTL}
	if len(set.Data) == 0 {
		head.Ttl = 0
		return []wire.RR{&wire.ANY{Hdr: head}}, nil
	}
	records := make([]wire.RR, 0, len(set.Data))
	for _, data := range set.Data {
		if rr := simple(head, data); rr != nil {
			records = append(records, rr)
			continue
		}
		rr, err := wire.NewRR(fmt.Sprintf("%s %d IN %s %s", head.Name, set.TTL, set.Type, data))
		if err != nil {
			return nil, fmt.Errorf("%w: cannot write the %s record of %s: %w", actuators.ErrRefused, set.Type, set.Name, err)
		}
		records = append(records, rr)
	}
	return records, nil
}

// simple makes the records that nearly all are without the parser of zone files, which costs ten times as much; nil for
// what is not simple.
func simple(head wire.RR_Header, data string) wire.RR {
	switch head.Rrtype {
	case wire.TypeA:
		if ip := net.ParseIP(data).To4(); ip != nil && !strings.Contains(data, ":") {
			return &wire.A{Hdr: head, A: ip}
		}
	case wire.TypeAAAA:
		if ip := net.ParseIP(data); ip != nil && strings.Contains(data, ":") {
			return &wire.AAAA{Hdr: head, AAAA: ip}
		}
	case wire.TypeTXT:
		if text, ok := plainText(data); ok {
			return &wire.TXT{Hdr: head, Txt: []string{text}}
		}
	}
	return nil
}

// plainText is the text within the quotes of one character string that holds nothing to be escaped.
func plainText(data string) (string, bool) {
	if len(data) < 2 || len(data) > 257 || data[0] != '"' || data[len(data)-1] != '"' {
		return "", false
	}
	text := data[1 : len(data)-1]
	return text, !needsEscape(text)
}

func needsEscape(text string) bool {
	for i := range len(text) {
		if b := text[i]; b < ' ' || b > '~' || b == '"' || b == '\\' {
			return true
		}
	}
	return false
}

// dataOf is a record's data in presentation format.
func dataOf(rr wire.RR) string {
	switch r := rr.(type) {
	case *wire.A:
		return r.A.String()
	case *wire.TXT:
		if len(r.Txt) == 1 && !needsEscape(r.Txt[0]) {
			return `"` + r.Txt[0] + `"`
		}
	}
	return strings.TrimPrefix(rr.String(), rr.Header().String())
}
