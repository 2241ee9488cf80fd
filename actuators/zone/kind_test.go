package zone

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns/dnstest"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
	"plumbline/testenv/freeze"
)

func bench(t *testing.T, s *dnstest.Server) (kindtest.Bench, Spec) {
	at := schema.MakeID("zone", dnstest.Zone).On("ns1")
	return kindtest.Bench{T: t, Kind: Kind, Host: s.Host, At: at}, Spec{Server: s.Server.Address, Key: s.Server.Key}
}

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func TestServedZoneIsSeen(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, spec := bench(t, s)
		if have := b.Have(spec); !strings.Contains(string(have.Here), `"serial":1,"primary":"ns.mycompany.test"`) {
			t.Fatalf("got %s", have.Here)
		}
		b.Settled(spec)
		if d := b.Diff(spec, true); d.Action != actuators.None {
			t.Errorf("a removal would %s", d.Action)
		}
	})
}

func TestZoneThatIsNotServedIsRefusedWithTheRemedy(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, spec := bench(t, s)
		b.At.ID = "zone/other.test"
		want := &spec
		_, err := steps(b.Subject(), b.Diff(spec, false), want, actuators.Have[State]{})
		if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "does not serve zone other.test; zones are not made by Plumbline") {
			t.Fatalf("got %v", err)
		}
	})
}

func TestWrongKeysAreUnknownAndClear(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		right := s.Server.Key.Secret
		for _, c := range []struct {
			name   string
			secret actuators.Secret
			want   string
		}{
			{"plumb", actuators.Secret{Name: "wrong"}, "(BADSIG)"},
			{"stranger", right, "(BADKEY)"},
			{"plumb", actuators.Secret{Name: "missing"}, `cannot read secret "missing"`},
			{"plumb", actuators.Secret{Name: right.Name, Sealed: "damaged"}, "secrets/" + right.Name + ".age of the repository: it is no age file"},
		} {
			b, spec := bench(t, s)
			spec.Key.Name, spec.Key.Secret = c.name, c.secret
			if _, err := b.Look(spec); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("key %s with secret %s: got %v, want %q", c.name, c.secret, err, c.want)
			}
		}
	})
}

// shortly is a host on which every dial has little time.
type shortly struct{ actuators.Host }

func (s shortly) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := s.Host.Dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	time.AfterFunc(200*time.Millisecond, func() { c.SetDeadline(time.Unix(1, 0)) })
	return c, nil
}

func TestDeadAndFrozenServersAreUnknown(t *testing.T) {
	s := dnstest.Knot(t)
	b, spec := bench(t, s)
	b.Host = shortly{s.Host}
	if err := freeze.Stop(s.Process.Pid); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Look(spec); !errors.Is(err, actuators.ErrTransient) || !strings.Contains(err.Error(), "does not answer in time") {
		t.Errorf("frozen: got %v", err)
	}
	s.Kill()
	if _, err := b.Look(spec); !errors.Is(err, actuators.ErrTransient) {
		t.Errorf("dead: got %v", err)
	}
}

// late is a host whose clock is an hour behind.
type late struct{ actuators.Host }

func (l late) Now() time.Time { return l.Host.Now().Add(-time.Hour) }

func TestWrongClockIsUnknownAndClear(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, spec := bench(t, s)
		b.Host = late{s.Host}
		if _, err := b.Look(spec); !errors.Is(err, actuators.ErrTransient) || !strings.Contains(err.Error(), "(BADTIME): its clock and this host's differ by more than 300 seconds") {
			t.Errorf("got %v", err)
		}
	})
}
