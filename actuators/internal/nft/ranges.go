package nft

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/google/nftables"
)

// span is a range of values of one length, both ends included.
type span struct{ from, to []byte }

// Ports gives ports and ranges of ports ("80", "1000-2000") in canonical form: sorted, merged.
func Ports(texts []string) ([]string, error) { return canonicalSpans(nftables.TypeInetService, texts) }

// Addresses gives addresses and prefixes of one family in canonical form: sorted, merged, as a prefix where they make one.
func Addresses(texts []string, v6 bool) ([]string, error) {
	return canonicalSpans(addressType(v6), texts)
}

func addressType(v6 bool) nftables.SetDatatype {
	if v6 {
		return nftables.TypeIP6Addr
	}
	return nftables.TypeIPAddr
}

func canonicalSpans(t nftables.SetDatatype, texts []string) ([]string, error) {
	spans, err := parseSpans(t, texts)
	if err != nil {
		return nil, err
	}
	return spanTexts(t, spans), nil
}

func spanTexts(t nftables.SetDatatype, spans []span) []string {
	var out []string
	for _, s := range spans {
		out = append(out, s.text(t))
	}
	return out
}

func parseSpans(t nftables.SetDatatype, texts []string) ([]span, error) {
	var spans []span
	for _, text := range texts {
		s, err := parseSpan(t, text)
		if err != nil {
			return nil, err
		}
		spans = append(spans, s)
	}
	return merge(spans), nil
}

func parseSpan(t nftables.SetDatatype, text string) (span, error) {
	if prefix, err := netip.ParsePrefix(text); err == nil {
		s := span{prefix.Masked().Addr().AsSlice(), prefix.Masked().Addr().AsSlice()}
		for bit := prefix.Bits(); bit < len(s.to)*8; bit++ {
			s.to[bit/8] |= 0x80 >> (bit % 8)
		}
		return s, s.check(t, text)
	}
	from, to, ranged := strings.Cut(text, "-")
	if !ranged {
		to = from
	}
	s := span{parseValue(t, from), parseValue(t, to)}
	return s, s.check(t, text)
}

var spanWords = map[string]string{
	nftables.TypeInetService.Name: "a port or a range of ports",
	nftables.TypeIPAddr.Name:      "an IPv4 address or prefix",
	nftables.TypeIP6Addr.Name:     "an IPv6 address or prefix",
}

func (s span) check(t nftables.SetDatatype, text string) error {
	if len(s.from) != int(t.Bytes) || len(s.to) != int(t.Bytes) || bytes.Compare(s.from, s.to) > 0 {
		return fmt.Errorf("cannot read %q as %s", text, spanWords[t.Name])
	}
	return nil
}

// parseValue gives the bytes of a port or an address; nil when it is neither.
func parseValue(t nftables.SetDatatype, text string) []byte {
	if t.Name == nftables.TypeInetService.Name {
		port, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return nil
		}
		return binary.BigEndian.AppendUint16(nil, uint16(port))
	}
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return nil // a set holds no interface beside the address, and without it the rule would match on all
	}
	return address.AsSlice()
}

// merge sorts spans and joins those that touch.
func merge(spans []span) []span {
	slices.SortFunc(spans, func(a, b span) int { return bytes.Compare(a.from, b.from) })
	var out []span
	for _, s := range spans {
		last := len(out) - 1
		if after, ok := next(lastTo(out)); last >= 0 && (!ok || bytes.Compare(s.from, after) <= 0) {
			if bytes.Compare(s.to, out[last].to) > 0 {
				out[last].to = s.to
			}
			continue
		}
		out = append(out, s)
	}
	return out
}

func lastTo(spans []span) []byte {
	if len(spans) == 0 {
		return nil
	}
	return spans[len(spans)-1].to
}

// next is the value after a value; not ok after the last one.
func next(value []byte) ([]byte, bool) {
	out := slices.Clone(value)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]++; out[i] != 0 {
			return out, true
		}
	}
	return nil, false
}

func (s span) text(t nftables.SetDatatype) string {
	if t.Name == nftables.TypeInetService.Name {
		from, to := binary.BigEndian.Uint16(s.from), binary.BigEndian.Uint16(s.to)
		if from == to {
			return strconv.Itoa(int(from))
		}
		return fmt.Sprintf("%d-%d", from, to)
	}
	from, _ := netip.AddrFromSlice(s.from)
	to, _ := netip.AddrFromSlice(s.to)
	if from == to {
		return from.String()
	}
	for bits := range from.BitLen() {
		prefix := netip.PrefixFrom(from, bits)
		if whole, err := parseSpan(t, prefix.String()); err == nil && prefix.Masked() == prefix && bytes.Equal(whole.to, s.to) {
			return prefix.String()
		}
	}
	return from.String() + "-" + to.String()
}

// rawSpans is the spans as elements of an interval set: a beginning, and an end behind the last value unless that is the last
// of all.
func rawSpans(spans []span) []nftables.SetElement {
	var out []nftables.SetElement
	for _, s := range spans {
		out = append(out, nftables.SetElement{Key: s.from})
		if after, ok := next(s.to); ok {
			out = append(out, nftables.SetElement{Key: after, IntervalEnd: true})
		}
	}
	return out
}

// spansOf is the inverse of rawSpans, whatever the order.
func spansOf(elements []nftables.SetElement) []span {
	elements = slices.Clone(elements)
	slices.SortFunc(elements, func(a, b nftables.SetElement) int {
		if c := bytes.Compare(a.Key, b.Key); c != 0 || a.IntervalEnd == b.IntervalEnd {
			return c
		}
		if a.IntervalEnd {
			return -1
		}
		return 1
	})
	var out []span
	open := false
	for _, e := range elements {
		switch {
		case !e.IntervalEnd:
			out = append(out, span{e.Key, bytes.Repeat([]byte{0xff}, len(e.Key))})
			open = true
		case open:
			out[len(out)-1].to = previous(e.Key)
			open = false
		}
	}
	return merge(out)
}

func previous(value []byte) []byte {
	out := slices.Clone(value)
	for i := len(out) - 1; i >= 0; i-- {
		if out[i]--; out[i] != 0xff {
			break
		}
	}
	return out
}
