package record

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/dns/dnstest"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/testenv/liar"
)

// lie is what a proxy before a server does, and what comes of it.
type lie struct {
	how   liar.How
	limit time.Duration // of each verb
	want  run.Verdict
}

// TestAServerThatLies: before a real server stands one that drops the answers of updates, says yes to them and does nothing, or
// never answers. Nothing is called applied that was not seen, all ends within the op's time, nobody waits for an answer after it, and
// with an honest server all is there once.
func TestAServerThatLies(t *testing.T) {
	for name, l := range map[string]lie{
		"drops the answers":         {liar.Drop, 3 * time.Second, run.Applied}, // it was seen
		"says yes and does nothing": {liar.Swallow, 3 * time.Second, run.RolledBack},
		"never answers":             {liar.Silent, time.Second / 2, run.Residual}, // whether it can be taken back nobody says, so it is named
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dnstest.Each(t, func(t *testing.T, server *dnstest.Server) { l.told(t, server) })
		})
	}
}

func (l lie) told(t *testing.T, server *dnstest.Server) {
	t.Parallel()
	proxy, err := liar.NewDNS(server.Server.Address, dnstest.Secret)
	if err != nil {
		t.Fatal(err)
	}
	defer proxy.Close()
	honest := server.Server.Address
	server.Server.Address = proxy.Addr
	z := names{t, server, 20}
	proxy.Set(l.how)
	result := z.run("first", l.limit)
	if result.Verdict != l.want || proxy.Updates.Load() == 0 {
		t.Fatalf("%s after %d updates, want %s: %+v", result.Verdict, proxy.Updates.Load(), l.want, result.Lanes)
	}
	for end := time.Now().Add(5 * time.Second); proxy.Open.Load() > 0; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d connections are open on which an answer is waited for", proxy.Open.Load())
		}
	}
	proxy.Set(liar.Honest)
	if result := z.run("second", 0); result.Verdict != run.Applied {
		t.Fatalf("with an honest server: %s %+v", result.Verdict, result.Lanes)
	}
	server.Server.Address = honest
	for n := range z.n {
		name := z.id(n).Name()
		if got, want := server.Dig(name, "A"), z.spec(1, n).A[0]; got != want {
			t.Errorf("%s has %q, want %q", name, got, want)
		}
	}
}

// run changes what differs from the first round, each verb within a time (0 = the op's own), in a state of its own.
func (z names) run(state string, limit time.Duration) run.Result {
	z.tb.Helper()
	store, err := journal.Open(filepath.Join(z.tb.TempDir(), state+".db"), journal.Options{})
	z.must(err)
	defer store.Close()
	reg := actuators.NewRegistry(Kind)
	p := z.plan(1)
	for n := range p.Steps {
		if limit > 0 {
			p.Steps[n].Timeout = limit
		}
	}
	begun := time.Now()
	result, err := run.Run(context.Background(), run.Input{Plan: p, Store: store, Hosts: here{exec.Local(reg, z.server.Host, exec.Options{})}, Kinds: reg, Patience: time.Second})
	z.must(err)
	z.tb.Logf("%s: %s in %.1f s", state, result.Verdict, time.Since(begun).Seconds())
	return result
}
