// Package survey says what runs on hosts as declarations, for people who bring in a datacenter that was not made by Plumbline. It is
// pure: it is given what was seen. It imports schema, actuators and diff only.
package survey

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// Object is what runs, as a declaration.
type Object struct {
	schema.Written
	Text string // as CUE
	At   string // the host in whose package it is written: the first of its hosts
}

// Left is what runs and is not declared.
type Left struct {
	Instance schema.Instance `json:"instance"`
	Reason   string          `json:"reason"`
}

// Result is what an import gives, each list sorted.
type Result struct {
	Objects []Object
	Left    []Left
}

// Declare says what looks found as objects that are only observed. Names are made to fit and kept apart; what no declaration can
// say is left out with the reason, and never said otherwise than it is. The same looks give the same result.
func Declare(kinds *actuators.Registry, w *schema.Writer, looks []*diff.Look) Result {
	s := &survey{kinds: kinds, writer: w, objects: map[schema.ID]*object{}, held: map[schema.Fact]schema.ID{}}
	looks = slices.Clone(looks)
	slices.SortStableFunc(looks, func(a, b *diff.Look) int { return strings.Compare(a.Host, b.Host) })
	for _, kind := range s.order() {
		for _, look := range looks {
			if look.Kind == kind.Name && look.Err == "" {
				s.look(kind, look)
			}
		}
	}
	return s.result()
}

// object is what an object was said as.
type object struct {
	id       schema.ID
	hosts    []string
	spec     json.RawMessage
	declared bool         // will be there in the topology: written now, or declared where its mark comes from
	marked   bool         // declared elsewhere
	provides []schema.Use // on all hosts
	home     schema.ID    // whose hosts it lives on
	rules    actuators.ImportRules
}

type survey struct {
	kinds   *actuators.Registry
	writer  *schema.Writer
	objects map[schema.ID]*object
	claims  []*object                 // of what is left out: it holds its facts all the same
	held    map[schema.Fact]schema.ID // exclusive facts
	left    []Left
}

// order is the kinds that can say things, each behind those that it asks for.
func (s *survey) order() []*actuators.Kind {
	var out []*actuators.Kind
	done := map[string]bool{}
	var visit func(name string)
	visit = func(name string) {
		kind, ok := s.kinds.Kind(name)
		if !ok || done[name] {
			return
		}
		done[name] = true
		rules, ok := kind.Imports()
		for _, before := range slices.Sorted(slices.Values(rules.After)) {
			visit(before)
		}
		if ok {
			out = append(out, kind)
		}
	}
	for _, name := range s.kinds.Names() {
		visit(name)
	}
	return out
}

func (s *survey) look(kind *actuators.Kind, look *diff.Look) {
	found := slices.Clone(look.Found)
	slices.SortStableFunc(found, func(a, b actuators.Observed) int {
		return cmp.Or(marks(b)-marks(a), strings.Compare(string(a.ID), string(b.ID)), strings.Compare(string(a.State), string(b.State)))
	})
	for _, one := range found {
		switch {
		case one.Unknown != "":
			s.leave(one.ID, look.Host, "it could not be looked at: "+one.Unknown)
		case one.Retired:
			s.leave(one.ID, look.Host, "Plumbline has set it aside, and it waits to be purged")
		case one.Mark != nil:
			s.marked(kind, look.Host, one)
		default:
			s.say(kind, look.Host, one)
		}
	}
}

func marks(o actuators.Observed) int {
	if o.Mark != nil {
		return 1
	}
	return 0
}

func (s *survey) leave(id schema.ID, host, reason string) {
	s.left = append(s.left, Left{id.On(host), reason})
}

// marked takes in what is declared in the repository that its mark comes from, so that other things may refer to it.
func (s *survey) marked(kind *actuators.Kind, host string, one actuators.Observed) {
	s.leave(one.ID, host, "it bears the mark of installation "+one.Mark.Installation+" and is declared in its repository")
	spec, _ := kind.Import(one, s.seen(host))
	o := &object{id: one.ID, hosts: []string{host}, spec: spec, declared: true, marked: true}
	s.tell(kind, o, host)
	if s.objects[o.id] == nil {
		s.objects[o.id] = o
	}
}

func (s *survey) seen(host string) seen { return seen{s, host} }

func (s *survey) result() Result {
	var r Result
	for _, o := range s.objects {
		if o.marked {
			continue
		}
		written := o.written()
		text, err := s.writer.Object(written)
		if err != nil {
			s.leave(o.id, o.hosts[0], err.Error())
			continue
		}
		r.Objects = append(r.Objects, Object{Written: written, Text: text, At: o.hosts[0]})
	}
	r.Left = s.left
	slices.SortFunc(r.Objects, func(a, b Object) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(r.Left, func(a, b Left) int {
		return cmp.Or(a.Instance.Compare(b.Instance), strings.Compare(a.Reason, b.Reason))
	})
	return r
}

func (o *object) written() schema.Written {
	w := schema.Written{ID: o.id, Manage: schema.Observe, Spec: o.spec}
	if o.home == "" {
		w.Hosts = o.hosts
	}
	return w
}

// seen is what a kind may ask for while it says things of a host.
type seen struct {
	*survey
	host string
}

// Host is the host that was looked at.
func (s seen) Host() string { return s.host }

// Into decodes the spec of an object that will be declared.
func (s seen) Into(id schema.ID, into any) bool {
	o := s.objects[id]
	return o != nil && o.declared && slices.Contains(o.hosts, s.host) && (into == nil || json.Unmarshal(o.spec, into) == nil)
}

// Provider finds who provides a fact on this host, declared or not. An object goes before what is left out.
func (s seen) Provider(typ, value string) (schema.ID, bool) {
	var found schema.ID
	for _, o := range s.objects {
		if o.provide(typ, value, s.host) && (found == "" || o.id < found) {
			found = o.id
		}
	}
	for _, o := range s.claims {
		if found == "" && o.provide(typ, value, s.host) {
			found = o.id
		}
	}
	return found, found != ""
}

func (o *object) provide(typ, value, host string) bool {
	return slices.Contains(o.hosts, host) && slices.ContainsFunc(o.provides, func(u schema.Use) bool {
		hosted := slices.Contains([]string{"dev", "path", "file", "plug", "disk"}, typ)
		return u.Fact.Type == typ && u.Fact.Value == value && (!hosted || u.Fact.Scope == host)
	})
}
