package main

import (
	"context"
	"os"
	"slices"
	"sync/atomic"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/control"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/reconcile/shown"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/git"
)

// desk is where requests are planned: a controller that only looks, beside the one that runs. It implements requests.World.
type desk struct {
	s      *settings
	source *git.Source
	memory *remembered
	c      *reconcile.Controller
}

func (s *settings) desk() (*desk, error) {
	source, err := s.gitSource()
	if err != nil {
		return nil, err
	}
	d := &desk{s: s, source: source, memory: &remembered{}}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	d.c = reconcile.New(reconcile.Options{
		Config: s.config, Kinds: all.Registry(), Source: source, Memory: d.memory, Log: s.log, Evaluator: s.evaluator(),
		Fresh: schema.Worker([]string{self, "eval"}), Cache: s.cache(), Version: version, Dial: s.dialer(),
	})
	return d, nil
}

func (d *desk) close() { d.c.Close() }

// Refresh implements requests.World. A controller that runs sends its inventory only when it changed. The store is not held open: the controller may want
// to start.
func (d *desk) Refresh(ctx context.Context) error {
	if client, err := d.s.dial(ctx); err == nil {
		defer client.Close()
		now, err := client.MemorySince(ctx, d.memory.get())
		if err == nil {
			d.memory.now.Store(now)
		}
		return err
	}
	memory, done, err := d.s.memory(ctx)
	if err != nil {
		return err
	}
	defer done()
	now := &control.Remembered{}
	if memory != nil {
		if now, err = control.Snapshot(memory); err != nil {
			return err
		}
	}
	d.memory.now.Store(now)
	return nil
}

func (d *desk) Head(ctx context.Context) (sources.Commit, error) { return d.source.Head(ctx) }

func (d *desk) Merge(ctx context.Context, ref, base, head string) (reconcile.Candidate, string, error) {
	if err := d.source.Fetch(ctx, ref, head); err != nil {
		return reconcile.Candidate{}, "", err
	}
	m, err := d.source.Merge(ctx, base, head)
	if err != nil {
		return reconcile.Candidate{}, "", err
	}
	return reconcile.Candidate{ID: m.Root, Tree: m.Tree, From: d.source, Commits: []string{base, head}}, m.Root, nil
}

func (d *desk) Standing(ctx context.Context, base string) (*plan.Plan, error) {
	return d.c.Standing(ctx, base)
}

func (d *desk) PreviewOf(ctx context.Context, base string, of reconcile.Candidate) (preview.Preview, error) {
	return d.c.PreviewOf(ctx, base, of)
}

func (d *desk) Validate(ctx context.Context, of reconcile.Candidate) (schema.Problems, error) {
	return d.c.Validate(ctx, of)
}

func (d *desk) Status(ctx context.Context) (reconcile.Status, bool) {
	client, err := control.Dial(ctx, d.s.config.Socket)
	if err != nil {
		return reconcile.Status{}, false
	}
	defer client.Close()
	now, err := client.Status(ctx)
	return now, err == nil
}

// History is empty while no controller answers.
func (d *desk) History(ctx context.Context, n int) ([]journal.Past, error) {
	client, err := control.Dial(ctx, d.s.config.Socket)
	if err != nil {
		return nil, nil
	}
	defer client.Close()
	return client.History(ctx, n)
}

// Felt implements requests.World.
func (d *desk) Felt(ctx context.Context, plan string) ([]string, error) {
	client, err := control.Dial(ctx, d.s.config.Socket)
	if err != nil {
		return nil, nil
	}
	defer client.Close()
	return client.Felt(ctx, plan)
}

// TakeDown implements requests.World.
func (d *desk) TakeDown(ctx context.Context, o shown.Ordered) (bool, error) {
	client, err := control.Dial(ctx, d.s.config.Socket)
	if err != nil {
		return false, nil
	}
	defer client.Close()
	return true, client.TakeDown(ctx, reconcile.Ordered{
		Key: o.Key, At: o.At, By: o.By, Action: "plumb " + o.What, Request: d.c.Address(o.Request), Commit: o.Commit, Effect: o.Effect, Result: o.Result,
	})
}

// Revert implements requests.World: of what was changed since good, the files that declare the objects, or declared them; all of it where none does.
func (d *desk) Revert(ctx context.Context, head, bad, good string, objects []schema.Instance) (map[string][]byte, error) {
	changed, err := d.source.Changed(ctx, good, bad)
	if err != nil {
		return nil, err
	}
	declare, err := d.c.DeclaredIn(ctx, bad, objects)
	if err != nil {
		return nil, err
	}
	theirs := slices.DeleteFunc(slices.Clone(changed), func(file string) bool { return !declare[file] })
	if len(theirs) == 0 {
		theirs = changed
	}
	return d.source.Revert(ctx, head, bad, good, theirs)
}

// Look is a hint: without a controller there is nobody to take it.
func (d *desk) Look(ctx context.Context) {
	if client, err := control.Dial(ctx, d.s.config.Socket); err == nil {
		defer client.Close()
		if err := client.Look(ctx); err != nil {
			d.s.log.Warn().Err(err).Msg("cannot tell the controller to look at the repository")
		}
	}
}

// remembered is the memory of a controller that outlives what it was told.
type remembered struct {
	now atomic.Pointer[control.Remembered]
}

func (r *remembered) get() *control.Remembered {
	if now := r.now.Load(); now != nil {
		return now
	}
	return &control.Remembered{}
}

func (r *remembered) Installation() string                       { return r.get().Installation() }
func (r *remembered) Inventory() (inventory.Inventory, error)    { return r.get().Inventory() }
func (r *remembered) Commits() (journal.Commits, error)          { return r.get().Commits() }
func (r *remembered) Parked() (map[string]journal.Parked, error) { return r.get().Parked() }
