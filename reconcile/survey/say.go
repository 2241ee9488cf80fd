package survey

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

// say makes an object of what a host showed, or notes why not.
func (s *survey) say(kind *actuators.Kind, host string, one actuators.Observed) {
	rules, _ := kind.Imports()
	first := one.ID
	for n := 0; ; n++ {
		one.ID = candidate(first, host, n, rules.Renames)
		known := s.objects[one.ID]
		spec, err := kind.Import(one, s.seen(host))
		o := &object{id: one.ID, hosts: []string{host}, spec: spec, rules: rules}
		switch {
		case err != nil:
			o.id = first
			s.tell(kind, o, host)
			s.claims = append(s.claims, o)
			s.leave(first, host, err.Error())
			return
		case known != nil && s.join(kind, known, o, host):
			return
		case known != nil && rules.Renames:
			continue
		case known != nil:
			s.leave(first, host, fmt.Sprintf("%s is declared for %s already, and a name is unique; give one of the two another", first, strings.Join(known.hosts, ", ")))
			return
		}
		if reason := s.fits(kind, o, host); reason != "" {
			s.leave(first, host, reason)
			return
		}
		o.declared = true
		s.objects[o.id] = o
		return
	}
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)

// candidate is the n-th name that a thing may have: its own, made fit, then with its host, then with a number. A thing that is
// known by its name has no other.
func candidate(id schema.ID, host string, n int, renames bool) schema.ID {
	if !renames {
		return id
	}
	name := strings.Trim(unfit.ReplaceAllString(id.Name(), "-"), "-.")
	if name == "" {
		name = id.Kind()
	}
	if n > 0 {
		name += "-" + strings.Trim(unfit.ReplaceAllString(host, "-"), "-.")
	}
	if n > 1 {
		name += fmt.Sprintf("-%d", n)
	}
	return schema.MakeID(id.Kind(), name)
}

// join makes one object of a thing and the one that another host showed, where they may be one and say nothing different.
func (s *survey) join(kind *actuators.Kind, known, o *object, host string) bool {
	if !o.rules.Spans || known.marked || slices.Contains(known.hosts, host) {
		return false
	}
	spec, same := unify(known.spec, o.spec)
	if !same {
		return false
	}
	joined := &object{id: o.id, hosts: append(slices.Clip(known.hosts), host), spec: spec, rules: o.rules, declared: true}
	for _, at := range joined.hosts {
		if _, _, problems := kind.Resolve(o.id, schema.Place{Host: at, Hosts: joined.hosts}, spec, s.lookup); len(problems) > 0 {
			return false
		}
		s.tell(kind, joined, at)
	}
	s.objects[o.id] = joined
	return true
}

// fits tells why an object cannot be declared as it was said: "" when it can. Then it holds its exclusive facts.
func (s *survey) fits(kind *actuators.Kind, o *object, host string) string {
	if !schema.ValidName(o.id.Name()) || len(o.id.Name()) > 253 {
		return "no object can have its name, which is of other characters than letters, digits, \".\", \"_\" and \"-\", or too long; rename it"
	}
	if problems := s.tell(kind, o, host); len(problems) > 0 {
		return problems[0].Text
	}
	if _, err := s.writer.Object(o.written()); err != nil {
		return err.Error()
	}
	for _, use := range o.provides {
		if other, taken := s.held[use.Fact]; use.Exclusive && taken && other != o.id {
			return fmt.Sprintf("%s %s is provided by %s already", use.Fact.Type, use.Fact.Value, other)
		}
	}
	for _, use := range o.provides {
		if use.Exclusive {
			s.held[use.Fact] = o.id
		}
	}
	return ""
}

// tell finds out what an object holds on a host, and what is wrong with it there.
func (s *survey) tell(kind *actuators.Kind, o *object, host string) []schema.Problem {
	if outline, err := kind.Outline(o.id, o.spec); err == nil {
		o.home = outline.Home
	}
	resolved, _, problems := kind.Resolve(o.id, schema.Place{Host: host, Hosts: o.hosts}, o.spec, s.lookup)
	if facts, err := kind.Facts(o.id.On(host), resolved); err == nil {
		o.provides = append(o.provides, facts.Provides...)
	}
	return problems
}

func (s *survey) lookup(id schema.ID) (json.RawMessage, []string, bool) {
	o := s.objects[id]
	if o == nil {
		return nil, nil, false
	}
	return o.spec, o.hosts, true
}

// unify joins two specs that say nothing different: maps by name, everything else when it is equal.
func unify(a, b json.RawMessage) (json.RawMessage, bool) {
	if bytes.Equal(a, b) {
		return a, true
	}
	var one, other any
	if json.Unmarshal(a, &one) != nil || json.Unmarshal(b, &other) != nil {
		return nil, false
	}
	joined, same := unified(one, other)
	data, err := json.Marshal(joined)
	return data, same && err == nil
}

func unified(a, b any) (any, bool) {
	one, ok1 := a.(map[string]any)
	other, ok2 := b.(map[string]any)
	if !ok1 || !ok2 {
		x, _ := json.Marshal(a)
		y, _ := json.Marshal(b)
		return a, bytes.Equal(x, y)
	}
	for name, value := range other {
		was, both := one[name]
		if !both {
			one[name] = value
			continue
		}
		joined, same := unified(was, value)
		if !same {
			return nil, false
		}
		one[name] = joined
	}
	return one, true
}
