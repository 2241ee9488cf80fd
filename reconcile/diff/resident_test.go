package diff_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// history is a random datacenter and what becomes of it: of each instance the words that say how it is declared, applied and
// live; "" is not at all.
type history struct {
	names               []string
	want, applied, live map[string]spoken
	unknown, partial    map[string]bool
}

// spoken is a word of a scene in its parts.
type spoken struct {
	there            bool
	v                int
	need, fact, flag string
}

func (w spoken) text(name string) string {
	return fmt.Sprintf("%s=%d%s%s%s", name, w.v, w.need, w.fact, w.flag)
}

// newHistory begins with a datacenter that is mostly as it is declared.
func newHistory(t *rapid.T) *history {
	h := &history{want: map[string]spoken{}, applied: map[string]spoken{}, live: map[string]spoken{}, unknown: map[string]bool{}, partial: map[string]bool{}}
	for n := range rapid.IntRange(1, 9).Draw(t, "instances") {
		name := fmt.Sprintf("%s/%d@h%d", []string{"thing", "disk", "net", "bare", "plain", "seen"}[n%6], n/4, n%3)
		if n%4 == 3 {
			name = fmt.Sprintf("thing/0@h%d", n) // the first object has many instances
		}
		h.names = append(h.names, name)
		word := spoken{there: true, v: 1}
		h.want[name], h.applied[name], h.live[name] = word, word, word
	}
	return h
}

// change makes one part of one word another.
func (h *history) change(t *rapid.T) {
	name := rapid.SampledFrom(h.names).Draw(t, "instance")
	if rapid.IntRange(0, 5).Draw(t, "look") == 0 {
		i := schema.ParseInstance(name)
		which := rapid.SampledFrom([]map[string]bool{h.unknown, h.partial}).Draw(t, "which look")
		place := i.ID.Kind() + "@" + i.Host
		which[place] = !which[place]
		return
	}
	words, flags := h.want, []string{"!adopt", "!observe", "!heal", "!moved", "!was:0"}
	switch rapid.IntRange(0, 2).Draw(t, "which") {
	case 1:
		words, flags = h.applied, []string{"!stuck", "!retired", "!heal", "!moved"}
	case 2:
		words, flags = h.live, []string{"!foreign", "!other", "!retired"}
	}
	w := words[name]
	switch rapid.IntRange(0, 5).Draw(t, "part") {
	case 0:
		w.there = !w.there
	case 1:
		w.v = rapid.SampledFrom([]int{1, 1, 2, 13, 60, 101}).Draw(t, "value")
	case 2:
		w.need = h.need(t, name, w.need)
	case 3:
		w.fact = rapid.SampledFrom([]string{"", "^addr/n/1", "^addr/n/2"}).Draw(t, "fact")
	default:
		w.flag = rapid.SampledFrom(append(flags, "", "")).Draw(t, "flag")
	}
	words[name] = w
}

// need draws a need among the names before this one, so that there is no circle; one that was there goes.
func (h *history) need(t *rapid.T, name, had string) string {
	earlier := h.names[:slices.Index(h.names, name)]
	if had != "" || len(earlier) == 0 {
		return ""
	}
	return "<" + rapid.SampledFrom(earlier).Draw(t, "need")
}

func (h *history) input(t testing.TB) diff.Input {
	text := func(words map[string]spoken) string {
		var out []string
		for _, name := range h.names {
			if words[name].there {
				out = append(out, words[name].text(name))
			}
		}
		return strings.Join(out, " ")
	}
	places := func(of map[string]bool) string {
		var out []string
		for place, so := range of {
			if so {
				out = append(out, place)
			}
		}
		return strings.Join(out, " ")
	}
	return input(t, text(h.want), text(h.applied), text(h.live), places(h.unknown), places(h.partial))
}

// likeLast puts the looks, nodes and entries of before wherever they have the same content, as a mirror, a cache and a
// journal that stay in memory do; some are left as copies.
func likeLast(t *rapid.T, in, last diff.Input) {
	if last.World == nil {
		return
	}
	for _, look := range in.World.Looks() {
		before := last.World.Look(look.Host, look.Kind)
		if before != nil && cmp.Equal(*before, *look) && rapid.Bool().Draw(t, "same look") {
			in.World.Add(before)
		}
	}
	for n, node := range in.Want.Nodes {
		before := last.Want.Node(node.Instance)
		if before != nil && shown(t, before) == shown(t, node) && rapid.Bool().Draw(t, "same node") {
			in.Want.Nodes[n] = before
		}
	}
	for i, entry := range in.Inventory {
		if before := last.Inventory[i]; before != nil && cmp.Equal(before, entry) && rapid.Bool().Draw(t, "same entry") {
			in.Inventory[i] = before
		}
	}
}

func TestAResidentComparesAsOneThatRemembersNothing(t *testing.T) {
	kinds := toys()
	rapid.Check(t, func(rt *rapid.T) {
		h := newHistory(rt)
		var resident diff.Resident
		var last diff.Input
		for range rapid.IntRange(2, 20).Draw(rt, "turns") {
			for range rapid.IntRange(0, 2).Draw(rt, "changes") {
				h.change(rt)
			}
			in := h.input(t)
			in.Kinds = kinds
			likeLast(rt, in, last)
			last = in
			got, want := planned(rt, in, resident.Compute(in)), planned(rt, in, diff.Compute(in))
			if got != want {
				rt.Fatalf("resident (+), fresh (-):\n%s", cmp.Diff(want, got))
			}
		}
	})
}

// planned is the result of a comparison and its plan as JSON.
func planned(t *rapid.T, in diff.Input, r diff.Result) string {
	before := shown(t, r)
	p, err := plan.Make(plan.Input{Want: in.Want, Inventory: in.Inventory, Diff: r})
	if err != nil {
		return before + err.Error()
	}
	return before + shown(t, p)
}

func shown(t *rapid.T, value any) string {
	data, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}
