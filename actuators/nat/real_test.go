package nat

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// object drives one object through the erased kind, as the executor does.
type object struct {
	t    *testing.T
	host actuators.Host
	id   schema.ID
}

func edge(t *testing.T, id schema.ID) object {
	t.Helper()
	nfttest.Edge(t)
	return object{t, exec.NewMachine("edge1", exec.Dirs{State: t.TempDir(), Secrets: t.TempDir()}), id}
}

func (o object) mark(s *Spec) actuators.Mark {
	data, _ := json.Marshal(s)
	return actuators.Mark{Installation: "boston", ID: o.id, Hash: schema.Hash(data)}
}

// have looks at the object; all says whether to look at the whole kind.
func (o object) have(want *Spec) (actuators.Have[State], []actuators.Live[State]) {
	o.t.Helper()
	data, _ := json.Marshal(want)
	if want == nil {
		data = []byte("{}")
	}
	lives, err := observe(context.Background(), o.host, actuators.Scope{All: true, Targets: []actuators.Target{{ID: o.id, Spec: data}}})
	if err != nil {
		o.t.Fatal(err)
	}
	var h actuators.Have[State]
	for i, l := range lives {
		if l.ID == o.id {
			h = actuators.Have[State]{Here: &lives[i].State, Mark: l.Mark, Owned: l.Mark != nil && l.Mark.Installation == "boston"}
		}
	}
	return h, lives
}

func (o object) diff(want *Spec) actuators.Diff {
	o.t.Helper()
	have, _ := o.have(want)
	return diff(want, have)
}

// running is one step under way.
type running struct {
	o      object
	op     *actuators.ErasedOp
	params json.RawMessage
	before json.RawMessage
}

func (o object) begin(d actuators.Diff, want *Spec) (running, error) {
	o.t.Helper()
	have, _ := o.have(want)
	planned, err := steps(actuators.Subject{Instance: o.id.On("edge1"), Mark: o.mark(want)}, d, want, have)
	if err != nil || len(planned) != 1 {
		o.t.Fatalf("steps %v, error %v", planned, err)
	}
	op, _ := Kind.Op(planned[0].Op)
	r := running{o: o, op: op, params: planned[0].Params}
	if err := op.Preflight(context.Background(), o.host, r.params); err != nil {
		return r, err
	}
	r.before, err = op.Capture(context.Background(), o.host, r.params)
	return r, err
}

func (r running) do() error   { return r.op.Do(context.Background(), r.o.host, r.params, r.before) }
func (r running) undo() error { return r.op.Undo(context.Background(), r.o.host, r.params, r.before) }

// apply brings the object to what is wanted and demands that the next look finds no difference.
func (o object) apply(want *Spec) running {
	o.t.Helper()
	r, err := o.begin(o.diff(want), want)
	if err == nil {
		err = r.do()
	}
	if err != nil {
		o.t.Fatal(err)
	}
	if d := o.diff(want); d.Action != actuators.None {
		o.t.Fatalf("a difference is left after applying: %+v", d)
	}
	return r
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
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
	o := edge(t, "nat/payroll")
	client, server := site(t)
	want := payroll(web, Port{Public: 8080, To: 80, Proto: "tcp"})
	o.apply(&want)
	t.Log(nfttest.Ruleset(t))
	for _, address := range []string{"203.0.113.3:80", "203.0.113.3:8080"} {
		if got, err := client.Get(address); got != "payroll 10.1.1.1" {
			t.Errorf("client at %s: %q, %v", address, got, err)
		}
		if got, err := server.Get(address); got == "" && !strings.Contains(err.Error(), "unreachable") {
			t.Errorf("server to itself at %s: %q, %v", address, got, err)
		}
	}
}

func TestApplyingTwiceChangesNothing(t *testing.T) {
	o := edge(t, "nat/payroll")
	want := payroll(web)
	r := o.apply(&want)
	before := nfttest.Ruleset(t)
	must(t, r.do())
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestUndoLeavesNothingOfAnEmptyHost(t *testing.T) {
	o := edge(t, "nat/payroll")
	want := payroll(web)
	r := o.apply(&want)
	for range 2 {
		must(t, r.undo())
		if left := nfttest.Ruleset(t); left != "" {
			t.Errorf("left: %s", left)
		}
	}
}

func TestUndoLeavesWhatAnotherObjectWroteMeanwhile(t *testing.T) {
	o := edge(t, "nat/payroll")
	want := payroll(web)
	r := o.apply(&want)
	other := object{t, o.host, "nat/wiki"}
	wiki := Spec{Public: "203.0.113.4", To: "10.1.1.13", Network: "app-boston", Ports: []Port{web}, Masquerade: true}
	other.apply(&wiki)
	must(t, r.undo())
	if d := other.diff(&wiki); d.Action != actuators.None {
		t.Errorf("nat/wiki was touched: %+v", d)
	}
	if have, _ := o.have(&want); have.Here != nil {
		t.Errorf("nat/payroll is still there: %+v", have.Here)
	}
}

func TestReplaceAndItsUndo(t *testing.T) {
	o := edge(t, "nat/payroll")
	client, _ := site(t)
	want := payroll(web)
	o.apply(&want)
	before := nfttest.Ruleset(t)
	moved := payroll(Port{Public: 8080, To: 80, Proto: "tcp"})
	moved.Masquerade = true
	r := o.apply(&moved)
	if got, err := client.Get("203.0.113.3:8080"); got != "payroll 10.1.1.1" {
		t.Errorf("new port: %q, %v", got, err)
	}
	if got, err := client.Get("203.0.113.3:80"); err == nil {
		t.Errorf("the old port still answers %q", got)
	}
	must(t, r.undo())
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
	}
}

func TestRemoveAndItsUndo(t *testing.T) {
	o := edge(t, "nat/payroll")
	want := payroll(web)
	o.apply(&want)
	before := nfttest.Ruleset(t)
	r := o.apply(nil)
	if left := nfttest.Ruleset(t); left != "" {
		t.Errorf("left: %s", left)
	}
	must(t, r.undo())
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
		"table":   "delete table ip plumb",
	} {
		t.Run(name, func(t *testing.T) {
			o := edge(t, "nat/payroll")
			want := payroll(web)
			o.apply(&want)
			before := nfttest.Ruleset(t)
			nfttest.Run(t, "nft", command)
			if d := o.diff(&want); len(d.Changes) == 0 {
				t.Fatal("not seen")
			}
			o.apply(&want)
			if after := nfttest.Ruleset(t); after != before {
				t.Errorf("before:\n%s\nmended:\n%s", before, after)
			}
		})
	}
}

func TestUndoIsStuckWhereSomebodyElseWrote(t *testing.T) {
	o := edge(t, "nat/payroll")
	want := payroll(web, Port{Public: 8080, To: 80, Proto: "tcp"})
	r := o.apply(&want)
	nfttest.Run(t, "nft", "delete element ip plumb forwards { 203.0.113.3 . tcp . 80 }; add element ip plumb forwards { 203.0.113.3 . tcp . 80 : 10.1.1.99 . 80 }")
	if err := r.undo(); !errors.Is(err, actuators.ErrStuck) {
		t.Fatalf("error %v", err)
	}
	left := nfttest.Ruleset(t)
	if !strings.Contains(left, "10.1.1.99") || strings.Contains(left, "8080") {
		t.Errorf("the foreign entry must stay and the others go:\n%s", left)
	}
}

func TestForeignEntryIsRefusedAndAdopted(t *testing.T) {
	o := edge(t, "nat/payroll")
	want := payroll(web)
	o.apply(&want)
	nfttest.Run(t, "nft", "delete element ip plumb forwards { 203.0.113.3 . tcp . 80 }; add element ip plumb forwards { 203.0.113.3 . tcp . 80 : 10.1.1.12 . 80 }")
	nfttest.Run(t, "nft", "delete element ip plumb masq { 203.0.113.3 . tcp . 80 }; add element ip plumb masq { 203.0.113.3 . tcp . 80 }")
	before := nfttest.Ruleset(t)
	have, _ := o.have(&want)
	if have.Here == nil || have.Owned {
		t.Fatalf("have %+v", have)
	}
	if _, err := o.begin(actuators.Diff{Action: actuators.Update}, &want); !errors.Is(err, actuators.ErrForeign) {
		t.Fatalf("error %v", err)
	}
	r, err := o.begin(actuators.Diff{Action: actuators.Adopting}, &want)
	must(t, err)
	must(t, r.do())
	if have, _ := o.have(&want); !have.Owned {
		t.Errorf("not ours after adopting: %+v", have)
	}
	must(t, r.undo())
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter the undo:\n%s", before, after)
	}
}

func TestForeignTablesStay(t *testing.T) {
	o := edge(t, "nat/payroll")
	nfttest.Run(t, "nft", "add table ip docker; add chain ip docker forward { type filter hook forward priority 0; }; add table inet plumb; add table ip6 plumb")
	before := nfttest.Ruleset(t)
	want := payroll(web)
	o.apply(&want)
	o.apply(nil)
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestForeignTableOfOurNameIsRefused(t *testing.T) {
	o := edge(t, "nat/payroll")
	nfttest.Run(t, "nft", "add table ip plumb; add map ip plumb forwards { type ipv4_addr : ipv4_addr; }")
	before := nfttest.Ruleset(t)
	want := payroll(web)
	if _, err := o.begin(actuators.Diff{Action: actuators.Create}, &want); !errors.Is(err, actuators.ErrForeign) {
		t.Errorf("error %v", err)
	}
	if after := nfttest.Ruleset(t); after != before {
		t.Errorf("before:\n%s\nafter:\n%s", before, after)
	}
}

func TestRefusedBatchLeavesNothing(t *testing.T) {
	o := edge(t, "nat/payroll")
	claim := nft.Claim{Mark: o.mark(nil), Want: payroll(web).elements()}
	claim.Want = append(claim.Want, nft.Element{Set: nft.Balancers, Key: "203.0.113.3:81/tcp", Value: "nowhere"})
	err := claim.Do(context.Background())
	if err == nil || !strings.Contains(err.Error(), "cannot commit the nftables batch") {
		t.Errorf("error %v", err)
	}
	if left := nfttest.Ruleset(t); left != "" {
		t.Errorf("left: %s", left)
	}
}

func TestWithoutForwardingItIsRefused(t *testing.T) {
	o := edge(t, "nat/payroll")
	nfttest.Forward(t, false)
	want := payroll(web)
	if _, err := o.begin(actuators.Diff{Action: actuators.Create}, &want); !errors.Is(err, actuators.ErrRefused) || !strings.Contains(err.Error(), "ip_forward") {
		t.Errorf("error %v", err)
	}
}

func TestWatchHints(t *testing.T) {
	o := edge(t, "nat/payroll")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	events, ended := make(chan actuators.Event, 100), make(chan error)
	go func() { ended <- Kind.Watch(ctx, o.host, func(e actuators.Event) { events <- e }) }()
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
