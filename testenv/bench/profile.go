package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/pprof"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/schema"
	"plumbline/sources/git"
	"plumbline/testenv/sim"
)

// profiled is the size that profiles are taken at.
const profiled = 10_000

// profile runs something under the CPU profiler.
func profile(file string, run func() error) error {
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return err
	}
	err = run()
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// freshPlans is how many plans one profile sees: one alone gives too few samples.
const freshPlans = 5

// profileFresh plans as a fresh process does, over the state and the model that were left, each time from nothing.
func profileFresh(dir, file string) error {
	p := &place{dir: dir}
	return profile(file, func() error {
		for range freshPlans {
			if err := freshPlan(p); err != nil {
				return err
			}
		}
		return nil
	})
}

func freshPlan(p *place) error {
	source, err := git.Open(git.Config{URL: p.path("repo.git"), Interval: time.Hour})
	if err != nil {
		return err
	}
	store, err := journal.Open(p.path("state", "journal.db"), journal.Options{Version: "bench", ReadOnly: true})
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	pool := schema.NewPool([]string{self, "eval"})
	c := reconcile.New(reconcile.Options{
		Config: reconcile.Config{State: p.path("state"), Parallel: 64}, Kinds: all.Registry(), Source: source, Memory: store, Evaluator: pool,
		Cache: schema.NewCache(filepath.Join(p.path("state"), "cache", "eval")), Log: zerolog.Nop(), Version: "bench",
		Dial: sim.New(all.Registry(), sim.Options{Dir: p.path("model")}).Dial,
	})
	head, err := source.Head(context.Background())
	if err == nil {
		_, err = c.Plan(context.Background(), head.ID)
	}
	c.Close()
	return errors.Join(err, pool.Close(), store.Close())
}

// hot is one line of a profile.
type hot struct {
	Flat string `json:"flat"` // of the whole
	Cum  string `json:"cum"`
	Name string `json:"name"`
}

var hotLine = regexp.MustCompile(`^\s*\S+\s+(\S+%)\s+\S+%\s+\S+\s+(\S+%)\s+(.+)$`)

// hottest are the first ten of a profile: by what each function does itself, or by what our own functions do with the
// libraries that they call.
func hottest(ctx context.Context, file string, ours bool) ([]hot, error) {
	args := []string{"tool", "pprof", "-top", "-nodecount=10"}
	if ours {
		args = append(args, "-show=^plumbline/", "-focus=^plumbline/")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, file)...)
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("cannot read the profile: %w\n%s", err, &said)
	}
	return hotLines(string(out)), nil
}

func hotLines(printed string) []hot {
	var all []hot
	for line := range strings.Lines(printed) {
		if found := hotLine.FindStringSubmatch(strings.TrimRight(line, "\n")); found != nil {
			all = append(all, hot{found[1], found[2], strings.TrimSuffix(found[3], " (inline)")})
		}
	}
	return all
}

// hotTable sets the two views of a profile side by side.
func hotTable(flat, ours []hot) string {
	var b strings.Builder
	b.WriteString("| | function | itself | our function | with libraries | and ours below |\n| --- | --- | --- | --- | --- | --- |\n")
	for i := range min(len(flat), len(ours)) {
		l, r := flat[i], ours[i]
		fmt.Fprintf(&b, "| %d | %s | %s | %s | %s | %s |\n", i+1, code(l.Name), l.Flat, code(strings.TrimPrefix(r.Name, "plumbline/")), r.Flat, r.Cum)
	}
	return b.String()
}
