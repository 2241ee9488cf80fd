package vip

import (
	"regexp"
	"slices"
	"strings"
)

// comment is what keepalived takes for one (keepalived.conf(5)).
var comment = regexp.MustCompile(`(?m)(^|\s)[#!].*$`)

var block = regexp.MustCompile(`[{}]`)

// tokens are the words of a configuration, without comments, with braces apart.
func tokens(content string) []string {
	return strings.Fields(block.ReplaceAllString(comment.ReplaceAllString(content, ""), " $0 "))
}

// foreignRouter reads a file in another layout than ours; false when it holds more than a router.
func foreignRouter(name, content string) (r Router, ok bool) {
	found, ok := statements(tokens(content), name)
	for s := range found {
		words := strings.Fields(s)
		switch {
		case words[0] == "virtual_ipaddress":
			r.Address = words[1]
		case words[0] != "version" && words[0] != "state" && len(words) == 2:
			r.read(words[0], words[1], "")
		}
	}
	return r, ok
}

// says tells whether a file that somebody else wrote says the router and nothing else: the same statements in any order, in any
// layout. What is the same when it is left out may be.
func says(name, content string, r Router) bool {
	have, ok := statements(tokens(content), name)
	want, _ := statements(tokens(body(name, r)), name)
	if !ok || have["version 3"] != want["version 3"] {
		return false
	}
	have["state BACKUP"] = want["state BACKUP"]
	delete(have, "virtual_ipaddress "+r.Address)
	if len(have) < len(want) {
		have["virtual_ipaddress "+r.Address+" dev "+r.Interface] = 1
	}
	if len(have) != len(want) {
		return false
	}
	for s, n := range want {
		if have[s] != n && !sameAdvert(s, have, r) {
			return false
		}
	}
	return true
}

// sameAdvert tells whether an interval is told by another number of digits.
func sameAdvert(want string, have map[string]int, r Router) bool {
	if !strings.HasPrefix(want, "advert_int ") {
		return false
	}
	return slices.ContainsFunc(keys(have), func(s string) bool {
		value, ok := strings.CutPrefix(s, "advert_int ")
		var other Router
		other.read("advert_int", value, "")
		return ok && other.Advert == r.Advert
	})
}

func keys(m map[string]int) (all []string) {
	for k := range m {
		all = append(all, k)
	}
	return all
}

// operands is how many words follow the words that may stand in a router.
var operands = map[string]int{
	"version": 1, "state": 1, "interface": 1, "virtual_router_id": 1, "priority": 1, "advert_int": 1, "preempt_delay": 1, "nopreempt": 0,
}

// statements counts the statements of the one router that words hold; false when they hold anything else.
func statements(words []string, name string) (map[string]int, bool) {
	out := map[string]int{}
	if len(words) < 4 || words[0] != "vrrp_instance" || words[1] != name || words[2] != "{" || words[len(words)-1] != "}" {
		return out, false
	}
	for words = words[3 : len(words)-1]; len(words) > 0; {
		if words[0] == "virtual_ipaddress" {
			end := slices.Index(words, "}")
			if end < 3 || words[1] != "{" {
				return out, false
			}
			out["virtual_ipaddress "+strings.Join(words[2:end], " ")]++
			words = words[end+1:]
			continue
		}
		n, known := operands[words[0]]
		if !known || len(words) < n+1 {
			return out, false
		}
		out[strings.Join(words[:n+1], " ")]++
		words = words[n+1:]
	}
	return out, true
}
