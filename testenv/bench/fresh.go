package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"

	"plumbline/testenv/bench/meter"
)

// bench measures one size after the other.
type bench struct {
	dir    string // of everything; removed at the end
	plumb  string // the binary that is measured
	times  func(size int) int
	report func(measure)
	say    func(format string, args ...any)
}

// often is how many times a row is run at a size; the median counts.
func often(size int) int {
	switch {
	case size <= 1000:
		return 7
	case size <= 10_000:
		return 5
	}
	return 1
}

// size measures all of ours at one size, and leaves the place for the peers.
func (b *bench) size(ctx context.Context, n int, r *record) (*place, error) {
	report := func(m measure) {
		m.Size = n
		b.report(m)
	}
	p, err := makePlace(filepath.Join(b.dir, strconv.Itoa(n)), n)
	if err != nil {
		return nil, err
	}
	if err := b.loads(ctx, p, b.times(n), report); err != nil {
		return nil, err
	}
	if expected, yes := r.tooLong(rowApply, n); yes {
		b.say("%s: the apply would take %s", thousands(n), short(expected))
		r.skip(n, "too long", rowApply, rowIdle, rowPush, rowChange, rowDrift, rowAlert, rowComment, rowHeld, rowFresh, rowFreshCold, rowFreshDrif, rowFreshPush)
		return p, nil
	}
	return p, errors.Join(b.resident(ctx, p, b.times(n), report), b.fresh(ctx, p, b.times(n), report), b.comments(ctx, p, b.times(n), report))
}

// run runs the binary on a place. Exit codes other than 0 are errors.
func (b *bench) run(ctx context.Context, p *place, args ...string) (meter.Cost, error) {
	return meter.Run(exec.CommandContext(ctx, b.plumb, append(args, "--config", p.path("plumb.cue"))...))
}

func (b *bench) repeat(ctx context.Context, p *place, row string, times int, report func(measure), before func() error, args ...string) error {
	var costs []meter.Cost
	for range times {
		if before != nil {
			if err := before(); err != nil {
				return err
			}
		}
		cost, err := b.run(ctx, p, args...)
		if err != nil {
			return fmt.Errorf("cannot measure %s: %w", row, err)
		}
		costs = append(costs, cost)
	}
	report(measure{Row: row, Cost: median(costs), Times: times})
	return nil
}

// loads measures loading with and without a cache.
func (b *bench) loads(ctx context.Context, p *place, times int, report func(measure)) error {
	if err := os.MkdirAll(p.path("state"), 0o700); err != nil {
		return err
	}
	return errors.Join(
		b.repeat(ctx, p, rowCold, min(times, 3), report, p.wipe, "validate"),
		b.repeat(ctx, p, rowWarm, times, report, nil, "validate"),
	)
}

// wipe forgets all evaluations.
func (p *place) wipe() error { return os.RemoveAll(p.path("state", "cache")) }

// resident measures a running controller, in a process of its own.
func (b *bench) resident(ctx context.Context, p *place, times int, report func(measure)) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, "resident", p.dir, strconv.Itoa(p.fleet.Objects), strconv.Itoa(times))
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var m measure
		if err := json.Unmarshal(lines.Bytes(), &m); err != nil {
			return fmt.Errorf("cannot read a measure: %w", err)
		}
		report(m)
	}
	return cmd.Wait()
}

// fresh measures processes that begin, over what the resident controller left.
func (b *bench) fresh(ctx context.Context, p *place, times int, report func(measure)) error {
	turn, err := p.git("rev-list", "--count", "HEAD")
	if err != nil {
		return err
	}
	if p.turn, err = strconv.Atoi(turn); err != nil {
		return err
	}
	push := func() error {
		commit, err := p.prepare()
		return errors.Join(err, p.land(commit))
	}
	return errors.Join(
		b.repeat(ctx, p, rowFresh, times, report, nil, "plan"),
		b.repeat(ctx, p, rowFreshDrif, times, report, nil, "drift"),
		b.repeat(ctx, p, rowFreshCold, min(times, 3), report, p.wipe, "plan"),
		b.repeat(ctx, p, rowFreshPush, times, report, push, "plan"),
	)
}
