package nft

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"plumbline/actuators"
)

// maxComment is what fits a comment: its TLV has one byte for the length, and the closing NUL counts
// (libnftnl/include/libnftnl/udata.h; the kernel's NFT_USERDATA_MAXLEN of 256 holds header and data).
const maxComment = 253

// Element is one entry of a set or map, as text.
type Element struct {
	Set     string `json:"set"`
	Key     string `json:"key"`             // "203.0.113.3:80/tcp"; of a backend with its index, "203.0.113.3:80/tcp#0"
	Value   string `json:"value,omitempty"` // "10.1.1.12:80", or the chain of a balancer
	Comment string `json:"comment,omitempty"`
}

// Mark is the mark in the element's comment, or nil.
func (e Element) Mark() *actuators.Mark { return actuators.ParseMark(e.Comment) }

// of tells whether the element belongs to the mark's object, whatever its hash.
func (e Element) of(mark actuators.Mark) bool {
	if e.Comment == "" {
		return false
	}
	have := e.Mark()
	return have != nil && have.Installation == mark.Installation && have.ID == mark.ID
}

func (e Element) place() place { return place{e.Set, e.Key} }

// place is where an element stands: no two stand in one place.
type place struct{ set, key string }

func (p place) String() string { return "element " + p.key + " of nft set " + table.Name + " " + p.set }

// places are where elements stand, sorted, each once.
func places(lists ...[]Element) []place {
	var out []place
	for _, e := range slices.Concat(lists...) {
		out = append(out, e.place())
	}
	slices.SortFunc(out, place.compare)
	return slices.Compact(out)
}

func (p place) compare(other place) int {
	return cmp.Or(cmp.Compare(p.set, other.set), cmp.Compare(p.key, other.key))
}

func compareElements(a, b Element) int {
	return a.place().compare(b.place())
}

func byPlace(elements []Element) map[place]Element {
	m := make(map[place]Element, len(elements))
	for _, e := range elements {
		m[e.place()] = e
	}
	return m
}

// marked gives the elements the comment that carries the mark.
func marked(elements []Element, mark actuators.Mark) ([]Element, error) {
	comment := mark.String()
	if len(comment) > maxComment {
		return nil, fmt.Errorf("%w: the mark %q is longer than the %d characters of an nft comment; choose a shorter name", actuators.ErrRefused, comment, maxComment)
	}
	out := slices.Clone(elements)
	for i := range out {
		out[i].Comment = comment
	}
	return out, nil
}

// raw is the element as the kernel takes it; without a value it is good for a deletion only.
func (e Element) raw(s *nftables.Set) (nftables.SetElement, error) {
	key, err := encode(s.KeyType, e.Key)
	if err != nil {
		return nftables.SetElement{}, fmt.Errorf("cannot write %s: %w", e.place(), err)
	}
	r := nftables.SetElement{Key: key, Comment: e.Comment}
	switch {
	case !s.IsMap || e.Value == "":
	case s.DataType.Name == nftables.TypeVerdict.Name:
		r.VerdictData = &expr.Verdict{Kind: expr.VerdictGoto, Chain: e.Value}
	default:
		r.Val, err = encode(s.DataType, e.Value)
	}
	if err != nil {
		return r, fmt.Errorf("cannot write %s: %w", e.place(), err)
	}
	return r, nil
}
