package nat

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/schema"
)

// turn writes the forwarding switch of one of the edge's interfaces.
func turn(t *testing.T, link, value string) {
	t.Helper()
	nfttest.Run(t, "sysctl", "-q", "-w", "net.ipv4.conf."+link+".forwarding="+value)
}

func TestForwardingTurnedOffIsToldAndMended(t *testing.T) {
	b := bench(t, "nat/payroll")
	client, server := site(t)
	aside := nfttest.NewPeer(t, "192.0.2.7/24", "192.0.2.1/24", false)
	nfttest.Run(t, "ip", "route", "add", "default", "dev", client.Link)
	b.Apply(payroll(web), false)
	for name, off := range map[string]func(){
		"all":                func() { nfttest.Forward(t, false) },
		"towards the target": func() { turn(t, server.Link, "0") },
		"towards clients":    func() { turn(t, client.Link, "0") },
	} {
		t.Run(name, func(t *testing.T) {
			b := b
			b.T = t
			off()
			if got, err := client.Get("203.0.113.3:80"); err == nil {
				t.Fatalf("it still answers %q", got)
			}
			before := nfttest.Run(t, "sysctl", "-a", "-r", "net.ipv4.conf.*forwarding|ip_forward")
			if d := b.Diff(payroll(web), false); len(d.Changes) != 1 || d.Changes[0].Path != "forwarding" {
				t.Fatalf("changes %+v", d.Changes)
			}
			done := b.Apply(payroll(web), false)
			if got, err := client.Get("203.0.113.3:80"); got != "payroll 10.1.1.1" {
				t.Errorf("mended: %q, %v", got, err)
			}
			b.Undo(done)
			if after := nfttest.Run(t, "sysctl", "-a", "-r", "net.ipv4.conf.*forwarding|ip_forward"); after != before {
				t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
			}
			b.Apply(payroll(web), false)
			b.Settled(payroll(web))
		})
	}
	turn(t, aside.Link, "0")
	b.Settled(payroll(web))
	if stamp, err := Kind.Stamp(t.Context(), b.Host, actuators.Scope{}); stamp != "" || err != nil {
		t.Errorf("stamp %q, %v, while routes decide what is halted", stamp, err)
	}
}

func TestAStampTellsForwarding(t *testing.T) {
	b := bench(t, "nat/payroll")
	seen := map[string]bool{}
	for _, on := range []bool{true, false} {
		nfttest.Forward(t, on)
		stamp, err := Kind.Stamp(t.Context(), b.Host, actuators.Scope{})
		if stamp == "" || err != nil || seen[stamp] {
			t.Errorf("forwarding %v: stamp %q, %v; before %v", on, stamp, err, seen)
		}
		seen[stamp] = true
	}
}

func TestUndoLeavesForwardingToOthersThatLiveFromIt(t *testing.T) {
	b := bench(t, "nat/payroll")
	b.Apply(payroll(web), false)
	nfttest.Forward(t, false)
	done := b.Apply(payroll(web), false)
	other := b
	other.At = schema.ID("nat/wiki").On("edge1")
	wiki := Spec{Public: "203.0.113.4", To: "10.1.1.13", Network: "app-boston", Ports: []Port{web}, Masquerade: true}
	other.Apply(wiki, false)
	if err := b.UndoOne(done[0]); !errors.Is(err, actuators.ErrStuck) || !strings.Contains(err.Error(), "nat/wiki lives from") {
		t.Errorf("error %v", err)
	}
	other.Settled(wiki)
}

func TestWatchHintsAtForwarding(t *testing.T) {
	b := bench(t, "nat/payroll")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	events, ended := make(chan actuators.Event, 100), make(chan error)
	go func() { ended <- Kind.Watch(ctx, b.Host, func(e actuators.Event) { events <- e }) }()
	if e := <-events; !e.Standing {
		t.Fatalf("first %+v", e)
	}
	nfttest.Forward(t, false)
	select {
	case e := <-events:
		if e.ID != "" || e.Text == "" || e.Standing {
			t.Errorf("hint %+v", e)
		}
	case <-ctx.Done():
		t.Error("no hint")
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}

// What stands in the table and is not ours is told with what removes it, and stays.
func TestWhatIsStrangeIsToldAndStays(t *testing.T) {
	for name, test := range map[string]struct{ put, told, remedy string }{
		"a chain": {
			"add chain ip plumb evil { type filter hook forward priority 0; policy drop; }",
			"chain evil on a hook", "delete chain ip plumb evil",
		},
		"a chain with a rule": {
			"add chain ip plumb evil { type filter hook forward priority 0; }; add rule ip plumb evil drop",
			"chain evil on a hook", "delete chain ip plumb evil",
		},
		"a balancer": {
			"add element ip plumb balancers { 203.0.113.3 . tcp . 80 : drop }",
			"balancers 203.0.113.3:80/tcp", "delete element ip plumb balancers { 203.0.113.3 . tcp . 80 }",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := bench(t, "nat/payroll")
			b.Apply(payroll(web), false)
			whole := nfttest.Ruleset(t)
			nfttest.Run(t, "nft", test.put)
			before := nfttest.Ruleset(t)
			d, have := b.Diff(payroll(web), false), b.Have(payroll(web))
			steps, err := Kind.Steps(b.Subject(), d, encoded(t, payroll(web)), have)
			if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), test.told+"; remedy: nft "+test.remedy) {
				t.Errorf("steps %v, error %v", steps, err)
			}
			b.Apply(payroll(Port{Public: 8080, To: 80, Proto: "tcp"}, web), false)
			b.Apply(payroll(web), false)
			if after := nfttest.Ruleset(t); after != before {
				t.Errorf("before:\n%s\nafter:\n%s", before, after)
			}
			nfttest.Run(t, "nft", test.remedy)
			b.Settled(payroll(web))
			if after := nfttest.Ruleset(t); after != whole {
				t.Errorf("whole:\n%s\nafter the remedy:\n%s", whole, after)
			}
		})
	}
}

func TestAServiceOfAnotherInstallationIsToldByItsMark(t *testing.T) {
	b := bench(t, "nat/payroll")
	b.Apply(payroll(web), false)
	mark := actuators.Mark{Installation: "fedcba9876543210", ID: "balancer/theirs", Hash: "1"}
	nfttest.Run(t, "nft", `add element ip plumb balancers { 203.0.113.3 . tcp . 80 comment "`+mark.String()+`" : drop }`)
	_, err := Kind.Steps(b.Subject(), b.Diff(payroll(web), false), encoded(t, payroll(web)), b.Have(payroll(web)))
	if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "of balancer/theirs, installation fedcba9876543210") || strings.Contains(err.Error(), "nft delete") {
		t.Errorf("error %v", err)
	}
}

func encoded(t *testing.T, s Spec) json.RawMessage {
	t.Helper()
	data, err := json.Marshal(s)
	must(t, err)
	return data
}
