package firewall

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

func bench(t *testing.T) kindtest.Bench {
	t.Helper()
	nfttest.Edge(t)
	host := exec.NewMachine("edge1", exec.Dirs{State: t.TempDir(), Secrets: t.TempDir()})
	return kindtest.Bench{T: t, Kind: Kind, Host: host, At: schema.ID("firewall/edge").On("edge1")}
}

// outside is a client beside the edge.
func outside(t *testing.T) *nfttest.Peer {
	t.Helper()
	client := nfttest.NewPeer(t, "198.51.100.7/24", "198.51.100.1/24", true)
	nfttest.Reach(t, client)
	return client
}

// listen serves a port of the edge itself.
func listen(t *testing.T, port int) {
	t.Helper()
	l, err := net.Listen("tcp4", fmt.Sprintf("198.51.100.1:%d", port))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				fmt.Fprintln(conn, "edge")
				for line := make([]byte, 64); ; {
					n, err := conn.Read(line)
					if err != nil {
						return
					}
					conn.Write(line[:n])
				}
			}()
		}
	}()
}

func closed() Spec { return Spec{On: "input", Default: "drop"} }

func web(from ...string) Spec {
	s := closed()
	s.Allow = []Rule{{Proto: "tcp", Ports: []Ports{"80"}, From: from}}
	return s
}

// open tells whether the client gets an answer.
func open(client *nfttest.Peer, address string) bool {
	line, err := client.Get(address)
	return err == nil && strings.HasPrefix(line, "edge")
}

func TestOnlyWhatIsAllowedGetsIn(t *testing.T) {
	b := bench(t)
	client := outside(t)
	listen(t, 80)
	listen(t, 22)
	b.Apply(web("198.51.100.0/28", "2001:db8::/32"), false)
	b.Settled(web("198.51.100.0/28", "2001:db8::/32"))
	t.Log(nfttest.Ruleset(t))
	if !open(client, "198.51.100.1:80") {
		t.Error("port 80 is closed")
	}
	if open(client, "198.51.100.1:22") {
		t.Error("port 22 is open")
	}
	if conn, err := net.Dial("tcp4", "198.51.100.1:22"); err != nil {
		t.Errorf("the host does not reach itself: %v", err)
	} else {
		conn.Close()
	}
	b.Apply(web("192.0.2.0/24"), false)
	if open(client, "198.51.100.1:80") {
		t.Error("port 80 is open for a source that is not allowed")
	}
	deny := Spec{On: "input", Default: "accept", Deny: []Rule{{From: []string{"198.51.100.7"}, Proto: "tcp", Ports: []Ports{"1-79"}}}}
	b.Apply(deny, false)
	if !open(client, "198.51.100.1:80") || open(client, "198.51.100.1:22") {
		t.Error("the denied port is open, or another closed")
	}
}

func TestOtherInterfacesAreLeftAlone(t *testing.T) {
	b := bench(t)
	client := outside(t)
	listen(t, 80)
	s := closed()
	s.Interfaces = []string{"eth9"}
	b.Apply(s, false)
	if !open(client, "198.51.100.1:80") {
		t.Error("filtered on an interface that is not named")
	}
	s.Interfaces = []string{"eth9", client.Link}
	b.Apply(s, false)
	if open(client, "198.51.100.1:80") {
		t.Error("not filtered on a named interface")
	}
	b.Settled(s)
}

func TestForwardedPackets(t *testing.T) {
	b := bench(t)
	client := outside(t)
	server := nfttest.NewPeer(t, "10.1.1.12/24", "10.1.1.1/24", true)
	server.Serve(80, "edge")
	server.Serve(81, "edge")
	nfttest.Reach(t, server)
	s := web()
	s.On = "forward"
	b.Apply(s, false)
	if !open(client, "10.1.1.12:80") || open(client, "10.1.1.12:81") {
		t.Error("the wrong port passes")
	}
}

func TestEstablishedConnectionsSurviveEveryChange(t *testing.T) {
	b := bench(t)
	client := outside(t)
	listen(t, 80)
	b.Apply(web(), false)
	conn, err := client.Dial("198.51.100.1:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	nfttest.Line(conn)
	for _, s := range []Spec{closed(), web("192.0.2.1"), closed()} {
		b.Apply(s, false)
		fmt.Fprintln(conn, "still here")
		if line, err := nfttest.Line(conn); err != nil || line != "still here" {
			t.Fatalf("got %q, %v", line, err)
		}
	}
}

func TestEveryChangeIsUndoneExactly(t *testing.T) {
	b := bench(t)
	nfttest.Run(t, "nft", "add table inet other")
	empty := nfttest.Ruleset(t)
	created := b.Apply(web("192.0.2.0/24"), false)
	before := nfttest.Ruleset(t)
	forward := Spec{On: "forward", Default: "accept", Deny: []Rule{{Proto: "udp", Ports: []Ports{"1-65535"}, From: []string{"::/0", "0.0.0.0/0"}}}}
	b.Undo(b.Apply(forward, false))
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
	}
	b.Undo(b.Apply(forward, true))
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo of the removal:\n%s", before, after)
	}
	b.Undo(created)
	if after := nfttest.Ruleset(t); after != empty {
		t.Errorf("left:\n%s", after)
	}
}

var sabotage = map[string]string{
	"rules":   "flush chain inet plumb_fw fw-edge",
	"extra":   `insert rule inet plumb_fw fw-edge ip saddr 192.0.2.66 counter drop comment "by hand"`,
	"element": "delete element inet plumb_fw fw-edge/allow.0/ports { 80 }",
	"more":    "add element inet plumb_fw fw-edge/allow.0/from4 { 203.0.113.0/24 }",
	"policy":  "chain inet plumb_fw fw-edge { policy accept; }",
	"set":     "add set inet plumb_fw fw-edge/mine { type ipv4_addr; }",
	"table":   "delete table inet plumb_fw",
	"asleep":  "add table inet plumb_fw { flags dormant; }",
}

func TestSabotageIsSeenAndMended(t *testing.T) {
	for name, command := range sabotage {
		t.Run(name, func(t *testing.T) {
			b := bench(t)
			s := web("192.0.2.0/24")
			b.Apply(s, false)
			before := nfttest.Ruleset(t)
			nfttest.Run(t, "nft", command)
			if d := b.Diff(s, false); len(d.Changes) == 0 {
				t.Fatal("not seen")
			}
			b.Apply(s, false)
			if after := nfttest.Ruleset(t); after != before {
				t.Errorf("before:\n%s\nmended:\n%s", before, after)
			}
		})
	}
}

func TestUndoPutsBackWhatWasMadeByHand(t *testing.T) {
	for name, command := range sabotage {
		t.Run(name, func(t *testing.T) {
			b := bench(t)
			b.Apply(web("192.0.2.0/24"), false)
			nfttest.Run(t, "nft", command)
			before := nfttest.Ruleset(t)
			b.Undo(b.Apply(closed(), false))
			if after := nfttest.Ruleset(t); after != before {
				t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
			}
		})
	}
}

func TestWhatCouldNotBePutBackIsRefused(t *testing.T) {
	b := bench(t)
	b.Apply(web(), false)
	nfttest.Run(t, "nft", "insert rule inet plumb_fw fw-edge tcp dport { 1, 2 } drop")
	before := nfttest.Ruleset(t)
	_, err := b.Try(b.Plan(closed(), false)[0])
	if !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "take it out first") {
		t.Errorf("error %v", err)
	}
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestUndoIsStuckWhereSomebodyElseWrote(t *testing.T) {
	b := bench(t)
	b.Apply(web(), false)
	done := b.Apply(closed(), false)
	nfttest.Run(t, "nft", sabotage["extra"])
	before := nfttest.Ruleset(t)
	if err := b.UndoOne(done[0]); !errors.Is(err, actuators.ErrStuck) {
		t.Errorf("error %v", err)
	}
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestOthersAreLeftAlone(t *testing.T) {
	b := bench(t)
	nfttest.Run(t, "nft", "add table inet plumb_fw; add chain inet plumb_fw mine; add set inet plumb_fw fw-edgeless { type ipv4_addr; }; add table ip docker")
	before := nfttest.Ruleset(t)
	other := b
	other.At = schema.ID("firewall/edge-2").On("edge1")
	first := b.Apply(web(), false)
	second := other.Apply(closed(), false)
	b.Undo(first)
	other.Settled(closed())
	other.Undo(second)
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestAForeignChainIsRefusedAndAdopted(t *testing.T) {
	b := bench(t)
	create := b.Plan(web(), false)[0]
	nfttest.Run(t, "nft", "add table inet plumb_fw; add chain inet plumb_fw fw-edge { type filter hook input priority 0; policy accept; }; add rule inet plumb_fw fw-edge tcp dport 23 drop")
	before := nfttest.Ruleset(t)
	if _, err := b.Try(create); !errors.Is(err, actuators.ErrForeign) {
		t.Errorf("error %v", err)
	}
	adopt := b.Plan(web(), false)[0]
	done, err := b.Try(adopt)
	if err != nil || adopt.Op != "adopt" || !b.Have(web()).Owned {
		t.Fatalf("op %s, error %v, have %+v", adopt.Op, err, b.Have(web()))
	}
	b.Undo([]kindtest.Done{done})
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	if _, err := b.Try(adopt); err != nil {
		t.Fatal(err)
	}
	b.Apply(web(), false)
	b.Settled(web())
}
