package balancer

import (
	"errors"
	"fmt"
	"net"
	"net/http"
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
	return kindtest.Bench{T: t, Kind: Kind, Host: host, At: schema.ID("balancer/payroll").On("edge1")}
}

// site is a client in the internet and three servers behind the edge, which know no way back but the edge's address.
func site(t *testing.T) *nfttest.Peer {
	t.Helper()
	client := nfttest.NewPeer(t, "198.51.100.7/24", "198.51.100.1/24", true)
	peers := []*nfttest.Peer{client}
	for _, last := range []string{"12", "13", "14"} {
		server := nfttest.NewPeer(t, "10.1.1."+last+"/24", "10.1.1.1/24", false)
		server.Serve(80, last)
		peers = append(peers, server)
	}
	nfttest.Reach(t, peers...)
	nfttest.Run(t, "ip", "addr", "replace", "203.0.113.3/32", "dev", "lo")
	return client
}

// reached counts which servers answer the client over many connections.
func reached(t *testing.T, client *nfttest.Peer) map[string]bool {
	t.Helper()
	servers := map[string]bool{}
	for range 40 {
		line, err := client.Get("203.0.113.3:80")
		if err != nil {
			t.Fatal(err)
		}
		server, _, _ := strings.Cut(line, " ")
		servers[server] = true
	}
	return servers
}

func expect(t *testing.T, got map[string]bool, want ...string) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("reached %v, want %v", got, want)
	}
	for _, w := range want {
		if !got[w] {
			t.Errorf("reached %v, want %v", got, want)
		}
	}
}

func TestConnectionsGoToAllBackendsAndFollowChanges(t *testing.T) {
	b := bench(t)
	client := site(t)
	b.Apply(payroll("10.1.1.12", "10.1.1.13"), false)
	expect(t, reached(t, client), "12", "13")
	b.Apply(payroll("10.1.1.12", "10.1.1.13", "10.1.1.14"), false)
	expect(t, reached(t, client), "12", "13", "14")
	b.Apply(payroll("10.1.1.14"), false)
	expect(t, reached(t, client), "14")
	b.Settled(payroll("10.1.1.14"))
	t.Log(nfttest.Ruleset(t))
}

func TestEstablishedConnectionsSurviveEveryChange(t *testing.T) {
	b := bench(t)
	client := site(t)
	b.Apply(payroll("10.1.1.12"), false)
	conn, err := client.Dial("203.0.113.3:80")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	echo(t, conn, "")
	var done []kindtest.Done
	for _, s := range []Spec{payroll("10.1.1.12", "10.1.1.13"), payroll("10.1.1.13")} {
		done = append(done, b.Apply(s, false)...)
		echo(t, conn, "still here")
	}
	b.Undo(done)
	echo(t, conn, "undone")
	b.Settled(payroll("10.1.1.12"))
}

// echo sends a line and wants it back; an empty one reads the greeting.
func echo(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if text != "" {
		fmt.Fprintln(conn, text)
	}
	if line, err := nfttest.Line(conn); err != nil || text != "" && line != text {
		t.Fatalf("sent %q, got %q, %v", text, line, err)
	}
}

func TestBySourceAClientStaysWithItsBackend(t *testing.T) {
	b := bench(t)
	client := site(t)
	s := payroll("10.1.1.12", "10.1.1.13", "10.1.1.14")
	s.By = bySource
	b.Apply(s, false)
	if got := reached(t, client); len(got) != 1 {
		t.Errorf("reached %v", got)
	}
	s.By = "chance"
	b.Apply(s, false)
	expect(t, reached(t, client), "12", "13", "14")
}

func TestEveryChangeIsUndoneExactly(t *testing.T) {
	b := bench(t)
	site(t)
	empty := nfttest.Ruleset(t)
	created := b.Apply(payroll("10.1.1.13"), false)
	before := nfttest.Ruleset(t)
	changed := b.Apply(payroll("10.1.1.12", "10.1.1.14"), false)
	b.Undo(changed)
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
	}
	b.Undo(b.Apply(payroll("10.1.1.13"), true))
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo of the removal:\n%s", before, after)
	}
	b.Undo(created)
	if after := nfttest.Ruleset(t); after != empty {
		t.Errorf("left:\n%s", after)
	}
}

func TestABackendThatDoesNotAnswerDoesNotEnter(t *testing.T) {
	b := bench(t)
	client := site(t)
	b.Apply(payroll("10.1.1.12"), false)
	before := nfttest.Ruleset(t)
	want := payroll("10.1.1.12", "10.1.1.13")
	want.Backends[1].Port = 81
	_, err := b.Try(b.Plan(want, false)[0])
	if err == nil || !strings.Contains(err.Error(), "10.1.1.13:81 did not pass its check within 1s") {
		t.Errorf("error %v", err)
	}
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
	expect(t, reached(t, client), "12")
}

func TestHTTPCheckWantsAGoodAnswer(t *testing.T) {
	b := bench(t)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked++; r.URL.Path != "/health" || asked < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})}
	go server.Serve(l)
	defer server.Close()
	ask := probe{Address: l.Addr().String(), Path: "/health", Timeout: "10s"}
	if err := await(t.Context(), b.Host, []probe{ask}); err != nil || asked != 3 {
		t.Errorf("asked %d times, error %v", asked, err)
	}
	ask.Path, ask.Timeout = "/other", "300ms"
	if err := await(t.Context(), b.Host, []probe{ask}); err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("error %v", err)
	}
}

func TestSabotageIsSeenAndMended(t *testing.T) {
	nfttest.Edge(t)
	client := site(t)
	for name, command := range map[string]string{
		"dispatch": "delete element ip plumb balancers { 203.0.113.3 . tcp . 80 }",
		"backend":  "delete element ip plumb backends { 203.0.113.3 . tcp . 80 . 0x0 }",
		"masq":     "delete element ip plumb masq { 203.0.113.3 . tcp . 80 }",
		"rule":     "flush chain ip plumb spread-2",
		"table":    "delete table ip plumb",
	} {
		t.Run(name, func(t *testing.T) {
			b := bench(t)
			s := payroll("10.1.1.12", "10.1.1.13")
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
			expect(t, reached(t, client), "12", "13")
		})
	}
}

func TestAForeignEntryIsRefusedAndAdopted(t *testing.T) {
	b := bench(t)
	site(t)
	other := b
	other.At = schema.ID("balancer/other").On("edge1")
	s := payroll("10.1.1.12")
	s.Port = 81
	other.Apply(s, false)
	nfttest.Run(t, "nft", "add element ip plumb balancers { 203.0.113.3 . tcp . 80 : goto spread-1 }; add element ip plumb backends { 203.0.113.3 . tcp . 80 . 0x0 : 10.1.1.12 . 80 }")
	s = payroll("10.1.1.12")
	have := b.Have(s)
	if have.Here == nil || have.Owned {
		t.Fatalf("have %+v", have)
	}
	create := creation(b.Subject(), s)[0]
	if _, err := b.Try(create); !errors.Is(err, actuators.ErrForeign) {
		t.Errorf("error %v", err)
	}
	b.Undo(b.Apply(s, false))
	b.Apply(s, false) // takes it over
	if !b.Have(s).Owned {
		t.Error("not ours")
	}
	b.Apply(s, false) // adds what is missing
	b.Settled(s)
}
