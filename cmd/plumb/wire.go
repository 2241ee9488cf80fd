package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/control"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/notify"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/dir"
	"plumbline/sources/git"
)

// openSource opens what the configuration names: "dir:PATH" is a plain directory, everything else is Git.
func (s *settings) openSource() (sources.Source, error) {
	c := s.config
	if c.Repository == "" {
		return nil, fail(exitError, "no repository is named; give --repo PATH-OR-URL, or write %s", s.configFile)
	}
	if path, ok := strings.CutPrefix(c.Repository, "dir:"); ok {
		return dir.Open(dir.Config{Path: filepath.Join(path, c.Path), Interval: time.Duration(c.Interval), Log: s.log})
	}
	return git.Open(git.Config{
		URL: c.Repository, Branch: c.Branch, Path: c.Path, CacheDir: filepath.Join(c.State, "mirror"), Interval: time.Duration(c.Interval),
		Auth:   git.Auth{KeyFile: c.Access.Key, TokenFile: c.Access.Token, KnownHosts: c.Access.KnownHosts},
		Intake: c.Fetch.Intake(), Log: s.log,
	})
}

// evaluator runs CUE in limited children of this binary. They end before the command does.
func (s *settings) evaluator() schema.Evaluator {
	self, err := os.Executable()
	if err != nil {
		return schema.InProcess()
	}
	if s.children == nil {
		s.children = schema.NewPool([]string{self, "eval"})
	}
	return s.children
}

// close ends what commands leave running.
func (s *settings) close() {
	if s.children != nil {
		s.children.Close()
	}
}

// cache keeps what evaluations gave in the state directory, if there is one, else in memory.
func (s *settings) cache() *schema.Cache {
	if found, err := exists(s.config.State); !found || err != nil {
		return schema.NewCache("")
	}
	return schema.NewCache(filepath.Join(s.config.State, "cache", "eval"))
}

// starting is how long a plumb that holds the state is given to answer on its socket: a controller that starts opens its state first.
const starting = 5 * time.Second

// dial connects to the controller that runs. An error means that none answers.
func (s *settings) dial(ctx context.Context) (*control.Client, error) {
	deadline := time.Now().Add(starting)
	for {
		client, err := control.Dial(ctx, s.config.Socket)
		if !errors.Is(err, control.ErrNobody) || !journal.Held(s.storePath()) || time.Now().After(deadline) {
			return client, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// openStore opens journal and inventory for writing. A state that it makes has the ID of an installation, if one is given.
func (s *settings) openStore(installation string) (*journal.Store, error) {
	if err := os.MkdirAll(s.config.State, 0o700); err != nil {
		return nil, fmt.Errorf("cannot make the state directory: %w", err)
	}
	if err := s.ours(); err != nil {
		return nil, err
	}
	store, err := journal.Open(s.storePath(), journal.Options{Version: version, Installation: installation, Written: crashPoint()})
	return store, s.inUse(err)
}

// ours keeps root from making files in the state of another user, who could not open them any more.
func (s *settings) ours() error {
	info, err := os.Stat(s.config.State)
	if err != nil || os.Geteuid() != 0 {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); !ok || stat.Uid == 0 {
		return nil
	}
	owner := ownerOf(s.config.State)
	return fail(exitPermission, "the state %s belongs to %s, who could not open what root writes there; say \"runuser -u %s -- plumb …\"", s.config.State, owner, owner)
}

// ownerOf is the user that a place belongs to.
func ownerOf(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return "root"
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "root"
	}
	owner := strconv.Itoa(int(stat.Uid))
	if u, err := user.LookupId(owner); err == nil {
		return u.Username
	}
	return owner
}

// inUse says who has the state, if that can be known.
func (s *settings) inUse(err error) error {
	if !errors.Is(err, journal.ErrInUse) {
		return err
	}
	if who := control.Holder(s.config.Socket); who != "" {
		return fmt.Errorf("%w: a controller (%s) answers at %s", err, who, s.config.Socket)
	}
	return fmt.Errorf("%w, and no controller answers at %s; name its socket with --socket, or wait until it ends", err, s.config.Socket)
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

func (s *settings) storePath() string { return filepath.Join(s.config.State, "journal.db") }

func (s *settings) noticesPath() string { return filepath.Join(s.config.State, "notices.log") }

// controller wires a controller over a source and, when it is to apply, a store. One that does not apply loads once.
func (s *settings) controller(source sources.Source, store *journal.Store, memory reconcile.Memory) *reconcile.Controller {
	cache := s.cache()
	if store == nil {
		cache = cache.ForOneLoad()
	}
	return reconcile.New(reconcile.Options{
		Config: s.config, Kinds: all.Registry(), Source: source, Store: store, Memory: memory, Log: s.log,
		Evaluator: s.evaluator(), Cache: cache, Version: version, Dial: s.dialer(),
	})
}

// witness is a controller that looks for drift while none runs, and knows what the last one told.
func (s *settings) witness(memory reconcile.Memory) (*reconcile.Controller, error) {
	past, err := notify.ReadPast(s.noticesPath())
	if err != nil {
		return nil, err
	}
	return reconcile.New(reconcile.Options{
		Config: s.config, Kinds: all.Registry(), Memory: memory, Tell: past, Log: s.log,
		Evaluator: s.evaluator(), Cache: s.cache().ForOneLoad(), Version: version, Dial: s.dialer(),
	}), nil
}

// planner is a controller that only looks: it remembers what the running controller knows, or what the store on disk
// says, or nothing. The caller calls done.
func (s *settings) planner(ctx context.Context, source sources.Source) (c *reconcile.Controller, done func(), err error) {
	memory, closeMemory, err := s.memory(ctx)
	if err != nil {
		return nil, nil, err
	}
	if memory == nil && s.ordered {
		s.begins = journal.NewInstallation()
		memory = unbegun{s.begins}
	}
	c = s.controller(source, nil, memory)
	return c, func() { c.Close(); closeMemory() }, nil
}

func (s *settings) memory(ctx context.Context) (reconcile.Memory, func(), error) {
	if client, err := s.dial(ctx); err == nil {
		memory, err := client.Memory(ctx)
		return memory, func() { client.Close() }, err
	}
	store, err := s.readStore()
	if err != nil || store == nil {
		return nil, func() {}, err
	}
	return store, func() { store.Close() }, nil
}

// unbegun is the memory of a state that is made when what is planned with it is applied: it remembers nothing but whose marks
// those will be.
type unbegun struct{ installation string }

// Installation implements reconcile.Memory.
func (u unbegun) Installation() string { return u.installation }

// Inventory implements reconcile.Memory.
func (unbegun) Inventory() (inventory.Inventory, error) { return inventory.Inventory{}, nil }

// Commits implements reconcile.Memory.
func (unbegun) Commits() (journal.Commits, error) { return journal.Commits{}, nil }

// Parked implements reconcile.Memory.
func (unbegun) Parked() (map[string]journal.Parked, error) { return nil, nil }
