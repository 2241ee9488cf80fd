package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"plumbline/testenv/bench/fleet"
)

// longest is how long one step may be expected to take, by what the sizes below took; what would take longer is left out.
const longest = 4 * time.Minute

// openBench builds the binary and makes the directory of everything.
func openBench(ctx context.Context) (*bench, error) {
	dir, err := os.MkdirTemp("", "plumb-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{dir: dir, plumb: filepath.Join(dir, "plumb"), times: often, say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) }}
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.plumb, "plumbline/cmd/plumb").CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot build plumb: %w\n%s", err, out), os.RemoveAll(dir))
	}
	return b, nil
}

// measureAll measures at all sizes, and what the kinds do on the kernel and on daemons; r keeps it. save is called after each.
func measureAll(ctx context.Context, r *record, sizes []int, kinds bool, save func() error) error {
	b, err := openBench(ctx)
	if err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	b.report = func(m measure) {
		r.add(m)
		b.say("%8s  %-40s %s %s", thousands(m.Size), title(m.Row), r.cell(m.Row, m.Size), m.Note)
	}
	peers := b.findPeers(ctx)
	for _, n := range sizes {
		begun := time.Now()
		r.forget(n)
		if err := b.whole(ctx, n, r, peers); err != nil {
			return err
		}
		r.end(n, begun)
		if err := save(); err != nil {
			return err
		}
	}
	if kinds {
		begun := time.Now()
		r.forget(0)
		r.Trials = b.substrate(ctx)
		r.end(0, begun)
	}
	return save()
}

// whole measures one size: ours, the peers, the profiles.
func (b *bench) whole(ctx context.Context, n int, r *record, peers *peers) error {
	p, err := b.size(ctx, n, r)
	if err != nil {
		return err
	}
	if err := peers.measure(ctx, p, r); err != nil {
		return err
	}
	if n == profiled {
		if err := b.profiles(ctx, p, r); err != nil {
			return err
		}
	}
	return os.RemoveAll(p.dir)
}

// tooLong tells whether a row would take too long at a size, as the sizes below grew.
func (r *record) tooLong(row string, size int) (expected time.Duration, yes bool) {
	var points []point
	var last measure
	for _, s := range r.sizes() {
		if m, ok := r.get(row, s); ok && s < size {
			points, last = append(points, point{float64(s), m.Wall.Seconds()}), m
		}
	}
	if len(points) > 2 {
		points = points[len(points)-2:]
	}
	k, ok := exponent(points)
	if !ok {
		return 0, false
	}
	expected = time.Duration(float64(last.Wall) * math.Pow(float64(size)/float64(last.Size), k))
	return expected, expected > longest
}

// profiles takes those of the fresh plan and of the apply, which the resident controller left.
func (b *bench) profiles(ctx context.Context, p *place, r *record) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fresh := p.path("fresh.pprof")
	if out, err := exec.CommandContext(ctx, self, "profile", p.dir, fresh).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot profile: %w\n%s", err, out)
	}
	for name, file := range map[string]string{"fresh": fresh, "apply": p.path("apply.pprof")} {
		if r.Profiles[name], err = hottest(ctx, file, false); err != nil {
			return err
		}
		if r.Profiles[name+" ours"], err = hottest(ctx, file, true); err != nil {
			return err
		}
	}
	return nil
}

// peers are the other programs.
type peers struct {
	b         *bench
	cue       string
	terraform string
}

func (b *bench) findPeers(ctx context.Context) *peers {
	p := &peers{b: b}
	var err error
	if p.cue, err = b.buildCUE(ctx); err != nil {
		b.say("%v", err)
	}
	for _, name := range []string{"tofu", "terraform"} {
		if p.terraform == "" {
			p.terraform, _ = exec.LookPath(name)
		}
	}
	return p
}

func (p *peers) measure(ctx context.Context, at *place, r *record) error {
	n := at.fleet.Objects
	report := func(m measure) {
		m.Size = n
		p.b.report(m)
	}
	if p.cue == "" {
		r.skip(n, "cannot be built here", rowVet)
	} else if err := p.b.vet(ctx, p.cue, at, min(3, p.b.times(n)), report); err != nil {
		return err
	}
	switch {
	case p.terraform == "":
		r.skip(n, "not on this machine", rowTFPlan, rowTFChange, rowTFApply)
		return nil
	case n > mostTerraform:
		r.skip(n, "too long", rowTFPlan, rowTFChange, rowTFApply)
		return nil
	case n > mostTerraformApply:
		r.skip(n, "too long", rowTFApply)
	}
	return p.b.terraform(ctx, p.terraform, at, report)
}

// sizesFor are those of the page, or a few when it is to be quick.
func sizesFor(quick bool) []int {
	if quick {
		return []int{100, 1000}
	}
	return []int{100, 1000, 10_000, 100_000}
}

// runAndWrite measures and prints the tables. For the page, what it measures replaces that part of the record, and the page
// is written from the record.
func runAndWrite(ctx context.Context, sizes []int, kinds, page bool) error {
	r, err := openRecord()
	if err != nil {
		return err
	}
	save := func() error { return nil }
	if page {
		save = func() error { return errors.Join(r.save(), r.write()) }
	} else {
		r = &record{Profiles: map[string][]hot{}}
	}
	for i, n := range sizes {
		sizes[i] = fleet.New(n).Objects
	}
	if err := measureAll(ctx, r, sizes, kinds, save); err != nil {
		return err
	}
	parts := r.parts()
	for _, name := range partNames {
		fmt.Println(strings.TrimSpace(parts[name]) + "\n")
	}
	return nil
}

// partNames are the parts of the page that a record fills, in their order.
var partNames = []string{"machine", "rows", "goals", "substrate", "profile-fresh", "profile-apply"}

func (r *record) parts() map[string]string {
	return map[string]string{
		"machine": r.when(), "rows": r.table(), "goals": r.goalTable(), "substrate": substrateTable(r.Trials),
		"profile-fresh": hotTable(r.Profiles["fresh"], r.Profiles["fresh ours"]), "profile-apply": hotTable(r.Profiles["apply"], r.Profiles["apply ours"]),
	}
}

// when says where and when the numbers were taken.
func (r *record) when() string {
	var b strings.Builder
	fmt.Fprintf(&b, "![Cost over size](performance.svg)\n\n%s.\n\n| size | measured | took | load average at its end |\n| --- | --- | --- | --- |\n", r.Machine)
	for _, one := range r.Runs {
		size := thousands(one.Size)
		if one.Size == 0 {
			size = "kernel and daemons"
		}
		fmt.Fprintf(&b, "| %s | %s | %.0f s | %s |\n", size, one.Begun.Format("2006-01-02 15:04 UTC"), one.Took, one.Load)
	}
	return b.String()
}

// write puts the record on the page.
func (r *record) write() error {
	return errors.Join(os.WriteFile(costFile, r.picture(), 0o644), rewrite(r.parts()))
}
