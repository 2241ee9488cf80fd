package sim_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/examples"
	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources/dir"
	"plumbline/testenv/sim"
)

// center is a controller over a modelled datacenter, with the payroll example in a directory.
type center struct {
	*reconcile.Controller
	t     testing.TB
	world *sim.World
	store *journal.Store
	dir   string
	src   *dir.Source
}

func newCenter(t testing.TB, o sim.Options) *center {
	t.Helper()
	return centerOf(t, o, payroll(t))
}

func payroll(t testing.TB) fs.FS {
	t.Helper()
	topology, err := fs.Sub(examples.FS, "payroll")
	must(t, err)
	return topology
}

func centerOf(t testing.TB, o sim.Options, topology fs.FS) *center {
	t.Helper()
	return centerWith(t, all.Registry(), o, topology)
}

// stamped is all kinds, each with a stamp: the model counts changes.
func stamped() *actuators.Registry {
	var kinds []*actuators.Kind
	for _, name := range all.Registry().Names() {
		k, _ := all.Registry().Kind(name)
		copied := *k
		copied.Stamp = func(context.Context, actuators.Host, actuators.Scope) (string, error) { panic("no host is here") }
		kinds = append(kinds, &copied)
	}
	return actuators.NewRegistry(kinds...)
}

func centerWith(t testing.TB, kinds *actuators.Registry, o sim.Options, topology fs.FS) *center {
	t.Helper()
	c := &center{t: t, world: sim.New(kinds, o), dir: t.TempDir()}
	must(t, os.CopyFS(c.dir, topology))
	var err error
	c.src, err = dir.Open(dir.Config{Path: c.dir, NoEvents: true})
	must(t, err)
	c.store, err = journal.Open(filepath.Join(t.TempDir(), "journal.db"), journal.Options{Version: "test"})
	must(t, err)
	c.Controller = reconcile.New(reconcile.Options{
		Config: reconcile.Config{Parallel: 64}, Kinds: kinds, Source: c.src, Store: c.store, Dial: c.world.Dial, Log: zerolog.Nop(),
	})
	t.Cleanup(func() {
		c.Close()
		must(t, c.store.Close())
	})
	return c
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *center) plan() *plan.Plan {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	head, err := c.src.Head(ctx)
	must(c.t, err)
	p, err := c.Plan(ctx, head.ID)
	must(c.t, err)
	return p
}

func (c *center) apply() run.Result {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	result, err := c.Apply(ctx, c.plan(), nil)
	must(c.t, err)
	return result
}

// applied applies and demands that all went through and nothing is left to do.
func (c *center) applied() {
	c.t.Helper()
	if result := c.apply(); result.Verdict != run.Applied {
		c.t.Fatalf("%s: %s", result.Verdict, faults(result))
	}
	c.settled()
}

func (c *center) settled() {
	c.t.Helper()
	if p := c.plan(); !p.Empty() || len(p.Refusals) > 0 {
		c.t.Fatalf("there is still to do:\n%s", text(p))
	}
}

func faults(r run.Result) string {
	var out bytes.Buffer
	for _, lane := range r.Lanes {
		if lane.Outcome != run.LaneApplied {
			out.WriteString(string(lane.Outcome) + " " + lane.Err + "\n")
		}
	}
	return out.String()
}

func text(p *plan.Plan) string {
	var out bytes.Buffer
	for _, c := range p.Changes {
		for _, f := range c.Diff.Changes {
			out.WriteString(c.Instance.String() + " " + c.Action.String() + " " + f.Path + "\n")
		}
	}
	for _, s := range p.Steps {
		out.WriteString(s.ID + " " + s.Op + " " + s.Summary + "\n")
	}
	for _, r := range p.Refusals {
		out.WriteString(r.Instance.String() + " refused: " + r.Text + "\n")
	}
	return out.String()
}

func (c *center) picture() string {
	c.t.Helper()
	picture, err := c.world.Picture()
	must(c.t, err)
	return picture
}

// edit replaces text in a file of the topology.
func (c *center) edit(file, from, to string) {
	c.t.Helper()
	path := filepath.Join(c.dir, file)
	data, err := os.ReadFile(path)
	must(c.t, err)
	if !bytes.Contains(data, []byte(from)) {
		c.t.Fatalf("%s has no %q", file, from)
	}
	must(c.t, os.WriteFile(path, bytes.ReplaceAll(data, []byte(from), []byte(to)), 0o600))
}

func at(text string) schema.Instance { return schema.ParseInstance(text) }

// one is a topology of one file.
func one(text string) fs.FS { return fstest.MapFS{"all.cue": {Data: []byte(text)}} }
