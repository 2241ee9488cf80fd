package mirror_test

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/mirror"
	"plumbline/schema"
)

// center is a datacenter of values, whose kinds say by their names what they have: "watched", "stamped", "both", "neither".
type center struct {
	mirror *mirror.Mirror
	clock  time.Time
	now    func() time.Time // the clock

	mu      sync.Mutex
	values  map[schema.Instance]string
	changes map[[2]string]int  // of a host and kind
	ears    map[[2]string]bool // hosts and kinds whose watch stands
	dead    map[string]bool
	looks   map[string]int          // by "kind@host", and by "part of kind@host"
	before  func(host, kind string) // if not nil, each look begins with it
}

// hidden is the value of what cannot be seen.
const hidden = "?"

var kindNames = []string{"both", "neither", "stamped", "watched"}

func newCenter() *center {
	c := &center{
		clock: time.Unix(1000, 0), values: map[schema.Instance]string{}, changes: map[[2]string]int{}, ears: map[[2]string]bool{},
		dead: map[string]bool{}, looks: map[string]int{},
	}
	c.now = func() time.Time { return c.clock }
	c.mirror = mirror.New(mirror.Options{
		Kinds: kinds(), Look: c.look, Stamps: c.stamps, Resync: time.Minute, Now: func() time.Time { return c.now() },
	})
	return c
}

func kinds() *actuators.Registry {
	type state struct {
		Config struct{} `json:"config"`
	}
	var all []*actuators.Kind
	for _, name := range kindNames {
		d := actuators.Def[struct{}, state]{
			Name: name, Where: schema.OnHost,
			Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[state], error) {
				return nil, nil
			},
			Diff: func(*struct{}, actuators.Have[state]) actuators.Diff { return actuators.Diff{} },
			Steps: func(actuators.Subject, actuators.Diff, *struct{}, actuators.Have[state]) ([]actuators.Step, error) {
				return nil, nil
			},
		}
		if name == "both" || name == "stamped" {
			d.Stamp = func(context.Context, actuators.Host, actuators.Scope) (string, error) { return "", nil }
		}
		if name == "both" || name == "watched" {
			d.Watch = func(context.Context, actuators.Host, func(actuators.Event)) error { return nil }
		}
		all = append(all, actuators.Define(d))
	}
	return actuators.NewRegistry(all...)
}

// look shows the values, and beside each the spec of its target: what is seen may depend on where one is told to look.
func (c *center) look(_ context.Context, host, kind string, sc actuators.Scope) *diff.Look {
	c.mu.Lock()
	before := c.before
	c.mu.Unlock()
	if before != nil {
		before(host, kind)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	name := kind + "@" + host
	if !sc.All {
		name = "part of " + name
	}
	c.looks[name]++
	look := &diff.Look{Host: host, Kind: kind, All: sc.All, At: c.clock}
	if c.dead[host] {
		look.Err = "no answer"
		return look
	}
	look.Found = c.seen(host, kind, sc)
	return look
}

// seen is what a scope shows. The caller holds the lock.
func (c *center) seen(host, kind string, sc actuators.Scope) (found []actuators.Observed) {
	specs := map[schema.ID]string{}
	for _, t := range sc.Targets {
		specs[t.ID] = string(t.Spec)
	}
	for i, value := range c.values {
		spec, asked := specs[i.ID]
		if i.Host == host && i.ID.Kind() == kind && (sc.All || asked) {
			if value == hidden {
				found = append(found, actuators.Observed{ID: i.ID, Unknown: "not mounted"})
				continue
			}
			found = append(found, actuators.Observed{ID: i.ID, State: []byte(value + " " + spec)})
		}
	}
	slices.SortFunc(found, func(a, b actuators.Observed) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return found
}

var seed = maphash.MakeSeed()

func (c *center) stamps(_ context.Context, host string, scopes map[string]actuators.Scope) (map[string]string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead[host] {
		return nil, errors.New("no answer")
	}
	out := map[string]string{}
	for kind, scope := range scopes {
		var hash maphash.Hash
		hash.SetSeed(seed)
		for _, t := range scope.Targets {
			hash.WriteString(string(t.ID))
			hash.Write(t.Spec)
		}
		if kind == "stamped" { // of content, which may come back; the other counts
			for _, found := range c.seen(host, kind, scope) {
				hash.WriteString(string(found.ID) + "=")
				hash.Write(found.State)
			}
			out[kind] = fmt.Sprint(hash.Sum64())
			continue
		}
		out[kind] = fmt.Sprint(c.changes[[2]string{host, kind}], hash.Sum64())
	}
	return out, nil
}

// set changes a value, "" takes it away; who watches hears of it as "this" or as "anything", or not at all. Of what is "quiet"
// no stamp tells either.
func (c *center) set(i schema.Instance, value string, heard string) {
	place := [2]string{i.Host, i.ID.Kind()}
	c.mu.Lock()
	c.values[i] = value
	if value == "" {
		delete(c.values, i)
	}
	if heard != "quiet" {
		c.changes[place]++
	}
	listens := c.ears[place]
	c.mu.Unlock()
	switch {
	case !listens || heard == "lost" || heard == "quiet":
	case heard == "anything":
		c.mirror.Heard(i.Host, i.ID.Kind(), actuators.Event{})
	default:
		c.mirror.Heard(i.Host, i.ID.Kind(), actuators.Event{ID: i.ID})
	}
}

// listen lets a watch stand, or break.
func (c *center) listen(host, kind string, stands bool) {
	c.mu.Lock()
	was := c.ears[[2]string{host, kind}]
	c.ears[[2]string{host, kind}] = stands
	c.mu.Unlock()
	switch {
	case stands && !was:
		c.mirror.Heard(host, kind, actuators.Event{Standing: true})
	case was && !stands:
		c.mirror.Deaf(host, kind)
	}
}

func (c *center) count(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.looks[name]
}

// scope asks for targets, sorted: "a=1 b=2".
func scope(kind, targets string) actuators.Scope {
	sc := actuators.Scope{All: true}
	for text := range strings.FieldsSeq(targets) {
		name, spec, _ := strings.Cut(text, "=")
		sc.Targets = append(sc.Targets, actuators.Target{ID: schema.MakeID(kind, name), Spec: []byte(spec)})
	}
	return sc
}

// picture is what a world shows of what was asked for.
func picture(w *diff.World, hosts mirror.Hosts) string {
	var lines []string
	for host, scopes := range hosts {
		for kind, sc := range scopes {
			look := w.Look(host, kind)
			if look.Err != "" {
				lines = append(lines, kind+"@"+host+" "+look.Err)
				continue
			}
			for _, t := range sc.Targets {
				for _, found := range look.Found {
					if found.ID == t.ID {
						lines = append(lines, fmt.Sprintf("%s@%s %s", found.ID, host, found.State))
					}
				}
			}
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// fresh is the world as looks show it.
func (c *center) fresh(hosts mirror.Hosts) *diff.World {
	world := diff.NewWorld()
	for host, scopes := range hosts {
		for kind, sc := range scopes {
			world.Add(c.look(context.Background(), host, kind, sc))
		}
	}
	return world
}
