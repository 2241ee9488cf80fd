package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns"
	"plumbline/actuators/internal/dns/dnstest"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

const name = "www." + dnstest.Zone

func bench(t *testing.T, s *dnstest.Server) (kindtest.Bench, Spec) {
	b := kindtest.Bench{T: t, Kind: Kind, Host: s.Host, At: schema.MakeID("record", name).On("ns1")}
	return b, Spec{Zone: dnstest.Zone, A: []string{"203.0.113.3"}, TTL: 60, Resolved: Resolved{Server: s.Server}}
}

// put writes sets as somebody else would.
func put(t *testing.T, s *dnstest.Server, sets ...dns.RRset) {
	t.Helper()
	if errs := s.Server.Update(context.Background(), s.Host, []dns.Change{{After: sets}}); errs[0] != nil {
		t.Fatal(errs[0])
	}
}

func a(addresses ...string) dns.RRset {
	return dns.RRset{Name: name, Type: "A", TTL: 60, Data: addresses}
}

func TestTextsReadBackAsWritten(t *testing.T) {
	s := dnstest.Knot(t)
	_, spec := bench(t, s)
	spec.TXT, spec.AAAA = []string{`v "1"`, strings.Repeat("x", 600), "a;b\\c", "ü"}, []string{"2001:db8::3"}
	put(t, s, spec.sets(name)...)
	zone, err := s.Server.Transfer(context.Background(), s.Host)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range spec.sets(name) {
		if got := zone.Set(name, want.Type); !reflect.DeepEqual(got, want) {
			t.Errorf("wrote %v, read %v", want, got)
		}
	}
}

// texts is the zone but for its SOA record, to be compared.
func texts(t *testing.T, s *dnstest.Server) string {
	t.Helper()
	zone, err := s.Server.Transfer(context.Background(), s.Host)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(zone.Sets())
}

func TestLifeOfARecord(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, spec := bench(t, s)
		empty := texts(t, s)
		b.Undo(b.Apply(spec, false))
		if got := texts(t, s); got != empty {
			t.Fatalf("undo left %s, before it was %s", got, empty)
		}
		b.Apply(spec, false)
		b.Settled(spec)
		if got := s.Dig(name, "A"); got != "203.0.113.3" {
			t.Fatalf("kdig says %q", got)
		}
		first := texts(t, s)
		spec.A, spec.AAAA, spec.TXT, spec.TTL = []string{"203.0.113.4", "203.0.113.5"}, []string{"2001:db8::3"}, []string{`v "1"`, strings.Repeat("x", 600)}, 5
		done := b.Apply(spec, false)
		b.Settled(spec)
		b.Undo(done)
		if got := texts(t, s); got != first {
			t.Fatalf("undo left %s, before it was %s", got, first)
		}
		b.Apply(spec, false)
		spec.A, spec.AAAA, spec.TXT, spec.CNAME = nil, nil, nil, "ns."+dnstest.Zone
		b.Apply(spec, false)
		if got := s.Dig(name, "CNAME"); got != "ns."+dnstest.Zone+"." {
			t.Fatalf("kdig says %q", got)
		}
		done = b.Apply(spec, true)
		if got := texts(t, s); got != empty {
			t.Fatalf("remove left %s", got)
		}
		b.Undo(done)
		b.Settled(spec)
	})
}

func TestForeignRecordIsNeverChanged(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, spec := bench(t, s)
		step := b.Plan(spec, false)[0]
		put(t, s, a("198.51.100.1"))
		if have := b.Have(spec); have.Here == nil || have.Owned {
			t.Fatalf("got %+v", have)
		}
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) {
			t.Fatalf("got %v, want foreign", err)
		}
		if got := s.Dig(name, "A"); got != "198.51.100.1" {
			t.Fatalf("kdig says %q", got)
		}
	})
}

func TestAdoptMarksAndChangesNothingElse(t *testing.T) {
	s := dnstest.Knot(t)
	b, spec := bench(t, s)
	put(t, s, a("198.51.100.1"))
	before := texts(t, s)
	done := b.Apply(spec, false)
	if got := s.Dig(name, "A"); done[0].Step.Op != "adopt" || got != "198.51.100.1" || !b.Have(spec).Owned {
		t.Fatalf("%s: kdig says %q", done[0].Step.Op, got)
	}
	b.Undo(done)
	if got := texts(t, s); got != before {
		t.Fatalf("undo left %s", got)
	}
}

func TestTypeOfSomebodyElseStays(t *testing.T) {
	s := dnstest.Knot(t)
	b, spec := bench(t, s)
	b.Apply(spec, false)
	put(t, s, dns.RRset{Name: name, Type: "TXT", TTL: 9, Data: []string{`"theirs"`}})
	b.Settled(spec)
	spec.A = []string{"203.0.113.9"}
	b.Apply(spec, false)
	b.Undo(b.Apply(spec, true))
	b.Settled(spec)
	b.Apply(spec, true)
	if got := s.Dig(name, "TXT"); got != `"theirs"` {
		t.Fatalf("kdig says %q", got)
	}
}

// A change by somebody else between capture and do is refused by the server as a whole.
func TestRaceIsLostWhole(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, spec := bench(t, s)
		b.Apply(spec, false)
		spec.A = []string{"203.0.113.9"}
		step := b.Plan(spec, false)[0]
		op, _ := Kind.Op(step.Op)
		before, err := op.Capture(context.Background(), s.Host, step.Params)
		if err != nil {
			t.Fatal(err)
		}
		put(t, s, a("198.51.100.1"))
		if err := op.Do(context.Background(), s.Host, step.Params, before); !errors.Is(err, dns.ErrChanged) {
			t.Errorf("do: got %v, want changed", err)
		}
		if err := op.Undo(context.Background(), s.Host, step.Params, before); !errors.Is(err, actuators.ErrStuck) {
			t.Errorf("undo: got %v, want stuck", err)
		}
		if got := s.Dig(name, "A"); got != "198.51.100.1" {
			t.Errorf("kdig says %q", got)
		}
	})
}

func TestUndoBeforeDoChangesNothing(t *testing.T) {
	s := dnstest.Knot(t)
	b, spec := bench(t, s)
	b.Apply(spec, false)
	spec.A = []string{"203.0.113.9"}
	step := b.Plan(spec, false)[0]
	op, _ := Kind.Op(step.Op)
	before, err := op.Capture(context.Background(), s.Host, step.Params)
	if err != nil {
		t.Fatal(err)
	}
	want := texts(t, s)
	b.Undo([]kindtest.Done{{Step: step, Before: before}})
	if got := texts(t, s); got != want {
		t.Fatalf("undo made %s of %s", got, want)
	}
}

func TestSabotageIsSeen(t *testing.T) {
	s := dnstest.Knot(t)
	b, spec := bench(t, s)
	b.Apply(spec, false)
	for _, by := range []dns.RRset{a("198.51.100.1"), a(), {Name: name, Type: "A", TTL: 7, Data: []string{"203.0.113.3"}}} {
		put(t, s, by)
		if d := b.Diff(spec, false); d.Action != actuators.Update {
			t.Fatalf("%v: got %s, want an update", by, d.Action)
		}
		b.Apply(spec, false)
		b.Settled(spec)
	}
}

// The refusal that rolls a lane back: the key may read the zone and not write it.
func TestRefusedByTheACL(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, spec := bench(t, s)
		spec.Resolved.Server.Key.Name = "reader"
		before := texts(t, s)
		done, err := b.Try(b.Plan(spec, false)[0])
		if !errors.Is(err, actuators.ErrRefused) {
			t.Errorf("got %v, want a refusal", err)
		}
		for _, part := range []string{"cannot update " + name + ": server " + s.Server.Address + " refuses", `"reader"`, dnstest.Zone, "its ACL does not allow this to "} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%q does not say %q", err, part)
			}
		}
		if err := b.UndoOne(done); err != nil {
			t.Errorf("undo: %v", err)
		}
		if got := texts(t, s); got != before {
			t.Errorf("left %s", got)
		}
	})
}

func TestServerDownIsUnknown(t *testing.T) {
	s := dnstest.Knot(t)
	b, spec := bench(t, s)
	step := b.Plan(spec, false)[0]
	s.Kill()
	if _, err := b.Look(spec); !errors.Is(err, actuators.ErrTransient) {
		t.Errorf("look: got %v", err)
	}
	if _, err := b.Try(step); !errors.Is(err, actuators.ErrTransient) {
		t.Errorf("step: got %v", err)
	}
}

// Many records come in many signed messages.
func TestLargeZoneIsSeenWhole(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		const messages, each = 8, 400
		for i := range messages {
			var sets []dns.RRset
			for j := range each {
				sets = append(sets, dns.RRset{Name: fmt.Sprintf("h%d-%d.%s", i, j, dnstest.Zone), Type: "A", TTL: 1, Data: []string{"192.0.2.1"}})
			}
			put(t, s, sets...)
		}
		_, spec := bench(t, s)
		data, _ := json.Marshal(spec)
		lives, err := observe(context.Background(), s.Host, actuators.Scope{All: true, Targets: []actuators.Target{{ID: schema.MakeID("record", name), Spec: data}}})
		if want := messages*each + 1; err != nil || len(lives) != want {
			t.Fatalf("saw %d names (%v), want %d", len(lives), err, want)
		}
	})
}
