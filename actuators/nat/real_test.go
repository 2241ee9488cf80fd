package nat

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

func bench(t *testing.T, id schema.ID) kindtest.Bench {
	t.Helper()
	nfttest.Edge(t)
	host := exec.NewMachine("edge1", exec.Dirs{State: t.TempDir(), Secrets: t.TempDir()})
	return kindtest.Bench{T: t, Kind: Kind, Host: host, At: id.On("edge1")}
}

// site is a client in the internet, the edge, and a server behind it that knows no way back but the edge's own address.
func site(t *testing.T) (client, server *nfttest.Peer) {
	client = nfttest.NewPeer(t, "198.51.100.7/24", "198.51.100.1/24", true)
	server = nfttest.NewPeer(t, "10.1.1.12/24", "10.1.1.1/24", false)
	nfttest.Run(t, "ip", "addr", "replace", "203.0.113.3/32", "dev", "lo")
	server.Serve(80, "payroll")
	nfttest.Reach(t, client, server)
	return client, server
}

func TestTrafficReachesTheTargetAndComesFromTheEdge(t *testing.T) {
	b := bench(t, "nat/payroll")
	client, _ := site(t)
	b.Apply(payroll(web, Port{Public: 8080, To: 80, Proto: "tcp"}), false)
	t.Log(nfttest.Ruleset(t))
	for _, address := range []string{"203.0.113.3:80", "203.0.113.3:8080"} {
		if got, err := client.Get(address); got != "payroll 10.1.1.1" {
			t.Errorf("client at %s: %q, %v", address, got, err)
		}
	}
	conn, err := net.Dial("tcp4", "203.0.113.3:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if got, err := nfttest.Line(conn); got != "payroll 10.1.1.1" {
		t.Errorf("the edge itself: %q, %v", got, err)
	}
}

func TestWithoutMasqueradeTheTargetSeesTheClient(t *testing.T) {
	b := bench(t, "nat/payroll")
	client := nfttest.NewPeer(t, "198.51.100.7/24", "198.51.100.1/24", true)
	server := nfttest.NewPeer(t, "10.1.1.12/24", "10.1.1.1/24", true)
	server.Serve(80, "payroll")
	nfttest.Reach(t, client, server)
	s := payroll(web)
	s.Masquerade = false
	b.Apply(s, false)
	if got, err := client.Get("203.0.113.3:80"); got != "payroll 198.51.100.7" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTwoServicesWithOneTargetDifferInMasquerade(t *testing.T) {
	b := bench(t, "nat/payroll")
	client := nfttest.NewPeer(t, "198.51.100.7/24", "198.51.100.1/24", true)
	server := nfttest.NewPeer(t, "10.1.1.12/24", "10.1.1.1/24", true)
	server.Serve(80, "payroll")
	nfttest.Reach(t, client, server)
	b.Apply(payroll(web), false)
	b.At = schema.ID("nat/plain").On("edge1")
	plain := payroll(Port{Public: 8080, To: 80, Proto: "tcp"})
	plain.Masquerade = false
	b.Apply(plain, false)
	for address, want := range map[string]string{"203.0.113.3:80": "payroll 10.1.1.1", "203.0.113.3:8080": "payroll 198.51.100.7"} {
		if got, err := client.Get(address); got != want {
			t.Errorf("%s: %q, %v; want %q", address, got, err, want)
		}
	}
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	b := bench(t, "nat/payroll")
	done := b.Apply(payroll(web), false)
	b.Settled(payroll(web))
	before := nfttest.Generation(t)
	op, _ := Kind.Op(done[0].Step.Op)
	if err := op.Do(t.Context(), b.Host, done[0].Step.Params, done[0].Before); err != nil {
		t.Fatal(err)
	}
	if after := nfttest.Generation(t); after != before {
		t.Errorf("something was committed: generation %d, then %d", before, after)
	}
}

func TestUndoLeavesNothingOfAnEmptyHost(t *testing.T) {
	b := bench(t, "nat/payroll")
	b.Undo(b.Apply(payroll(web), false))
	if left := nfttest.Ruleset(t); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestUndoLeavesWhatAnotherObjectWroteMeanwhile(t *testing.T) {
	b := bench(t, "nat/payroll")
	done := b.Apply(payroll(web), false)
	other := b
	other.At = schema.ID("nat/wiki").On("edge1")
	wiki := Spec{Public: "203.0.113.4", To: "10.1.1.13", Network: "app-boston", Ports: []Port{web}, Masquerade: true}
	other.Apply(wiki, false)
	b.Undo(done)
	other.Settled(wiki)
	if have := b.Have(payroll(web)); have.Here != nil {
		t.Errorf("nat/payroll is still there: %s", have.Here)
	}
}

func TestReplaceAndItsUndo(t *testing.T) {
	b := bench(t, "nat/payroll")
	client, _ := site(t)
	b.Apply(payroll(web), false)
	before := nfttest.Ruleset(t)
	done := b.Apply(payroll(Port{Public: 8080, To: 80, Proto: "tcp"}), false)
	if got, err := client.Get("203.0.113.3:8080"); got != "payroll 10.1.1.1" {
		t.Errorf("new port: %q, %v", got, err)
	}
	if got, err := client.Get("203.0.113.3:80"); err == nil {
		t.Errorf("the old port still answers %q", got)
	}
	b.Undo(done)
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
	}
}

func TestRemoveAndItsUndo(t *testing.T) {
	b := bench(t, "nat/payroll")
	b.Apply(payroll(web), false)
	before := nfttest.Ruleset(t)
	done := b.Apply(payroll(web), true)
	if left := nfttest.Ruleset(t); left != "" {
		t.Errorf("left: %s", left)
	}
	b.Undo(done)
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
	}
}

func TestSabotageIsSeenAndMended(t *testing.T) {
	for name, command := range map[string]string{
		"element": "delete element ip plumb forwards { 203.0.113.3 . tcp . 80 }",
		"masq":    "delete element ip plumb masq { 203.0.113.3 . tcp . 80 }",
		"rules":   "flush chain ip plumb prerouting",
		"extra":   "insert rule ip plumb prerouting drop",
		"chain":   "delete chain ip plumb postrouting",
		"table":   "delete table ip plumb",
	} {
		t.Run(name, func(t *testing.T) {
			b := bench(t, "nat/payroll")
			b.Apply(payroll(web), false)
			before := nfttest.Ruleset(t)
			nfttest.Run(t, "nft", command)
			if d := b.Diff(payroll(web), false); len(d.Changes) == 0 {
				t.Fatal("not seen")
			}
			b.Apply(payroll(web), false)
			if after := nfttest.Ruleset(t); after != before {
				t.Errorf("before:\n%s\nmended:\n%s", before, after)
			}
		})
	}
}

func TestUndoIsStuckWhereSomebodyElseWrote(t *testing.T) {
	b := bench(t, "nat/payroll")
	done := b.Apply(payroll(web, Port{Public: 8080, To: 80, Proto: "tcp"}), false)
	nfttest.Run(t, "nft", "delete element ip plumb forwards { 203.0.113.3 . tcp . 80 }; add element ip plumb forwards { 203.0.113.3 . tcp . 80 : 10.1.1.99 . 80 }")
	if err := b.UndoOne(done[0]); !errors.Is(err, actuators.ErrStuck) {
		t.Fatalf("error %v", err)
	}
	left := nfttest.Ruleset(t)
	if !strings.Contains(left, "10.1.1.99") || strings.Contains(left, "8080") {
		t.Errorf("the foreign entry must stay and the others go:\n%s", left)
	}
}

func TestForeignEntryIsRefusedAndAdopted(t *testing.T) {
	b := bench(t, "nat/payroll")
	add := b.Plan(payroll(web), false)[0]
	b.Apply(payroll(web), false)
	nfttest.Run(t, "nft", "delete element ip plumb forwards { 203.0.113.3 . tcp . 80 }; add element ip plumb forwards { 203.0.113.3 . tcp . 80 : 10.1.1.99 . 80 }")
	nfttest.Run(t, "nft", "delete element ip plumb masq { 203.0.113.3 . tcp . 80 }")
	before := nfttest.Ruleset(t)
	if have := b.Have(payroll(web)); have.Here == nil || have.Owned {
		t.Fatalf("have %+v", have)
	}
	if _, err := b.Try(add); !errors.Is(err, actuators.ErrForeign) || !strings.Contains(err.Error(), "203.0.113.3:80/tcp") {
		t.Fatalf("error %v", err)
	}
	done := b.Apply(payroll(web), false)
	if after := b.Have(payroll(web)); !after.Owned || done[0].Step.Op != "adopt" || !strings.Contains(string(after.Here), "10.1.1.99") {
		t.Errorf("op %s, then %+v", done[0].Step.Op, after)
	}
	b.Undo(done)
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
	}
}

func TestAnotherObjectsPortIsRefused(t *testing.T) {
	b := bench(t, "nat/payroll")
	b.Apply(payroll(web), false)
	b.At = schema.ID("nat/wiki").On("edge1")
	if _, err := b.Try(b.Plan(payroll(web), false)[0]); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "belongs to nat/payroll") {
		t.Errorf("error %v", err)
	}
}

func TestAHandMadeChainInOurTableStays(t *testing.T) {
	b := bench(t, "nat/payroll")
	b.Apply(payroll(web), false)
	nfttest.Run(t, "nft", "add chain ip plumb mine; add rule ip plumb mine accept; add set ip plumb mine { type ipv4_addr; }")
	b.Settled(payroll(web))
	b.Apply(payroll(web), true)
	left := nfttest.Ruleset(t)
	if !strings.Contains(left, "chain mine") || !strings.Contains(left, "set mine") || strings.Contains(left, "10.1.1.12") {
		t.Errorf("left:\n%s", left)
	}
	b.Apply(payroll(web), false)
}

func TestForeignTablesStay(t *testing.T) {
	b := bench(t, "nat/payroll")
	nfttest.Run(t, "nft", "add table ip docker; add chain ip docker forward { type filter hook forward priority 0; }; add table inet plumb; add table ip6 plumb")
	before := nfttest.Ruleset(t)
	b.Apply(payroll(web), false)
	b.Apply(payroll(web), true)
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestForeignTableOfOurNameIsRefused(t *testing.T) {
	b := bench(t, "nat/payroll")
	add := b.Plan(payroll(web), false)[0]
	nfttest.Run(t, "nft", "add table ip plumb; add map ip plumb forwards { type ipv4_addr : ipv4_addr; }")
	before := nfttest.Ruleset(t)
	if have := b.Have(payroll(web)); have.Here == nil || have.Owned {
		t.Errorf("have %+v", have)
	}
	for _, step := range []actuators.Step{add, b.Plan(payroll(web), false)[0]} {
		if _, err := b.Try(step); !errors.Is(err, actuators.ErrForeign) {
			t.Errorf("%s: error %v", step.Op, err)
		}
	}
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestRefusedBatchLeavesNothing(t *testing.T) {
	nfttest.Edge(t)
	claim := nft.Claim{Mark: actuators.Mark{Installation: "boston", ID: "nat/payroll"}, Want: payroll(web).elements()}
	claim.Want = append(claim.Want, nft.Element{Set: nft.Balancers, Key: "203.0.113.3:81/tcp", Value: "nowhere"})
	err := claim.Do(t.Context())
	if err == nil || !strings.Contains(err.Error(), "cannot commit the nftables batch") {
		t.Errorf("error %v", err)
	}
	if left := nfttest.Ruleset(t); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestWithoutForwardingItIsRefused(t *testing.T) {
	b := bench(t, "nat/payroll")
	nfttest.Forward(t, false)
	if _, err := b.Try(b.Plan(payroll(web), false)[0]); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "ip_forward") {
		t.Errorf("error %v", err)
	}
}

func TestWatchHints(t *testing.T) {
	b := bench(t, "nat/payroll")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	events, ended := make(chan actuators.Event, 100), make(chan error)
	go func() { ended <- Kind.Watch(ctx, b.Host, func(e actuators.Event) { events <- e }) }()
	for seen := false; !seen; {
		nfttest.Run(t, "nft", "add table ip other")
		nfttest.Run(t, "nft", "delete table ip other")
		select {
		case e := <-events:
			seen = strings.Contains(e.Text, "nft")
		case <-ctx.Done():
			t.Fatal("no hint")
		case <-time.After(10 * time.Millisecond):
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("ended with %v", err)
	}
}
