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

// measureAll measures at all sizes.
func measureAll(ctx context.Context, sizes []int) (*results, map[string]string, error) {
	b, err := openBench(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(b.dir)
	r, begun, busy := newResults(sizes), time.Now(), load()
	b.report = func(m measure) {
		r.add(m)
		b.say("%8s  %-40s %s %s", thousands(m.Size), title(m.Row), r.cell(m.Row, m.Size), m.Note)
	}
	peers := b.findPeers(ctx, r)
	parts := map[string]string{}
	for _, n := range sizes {
		p, err := b.size(ctx, n, r)
		if err != nil {
			return nil, nil, err
		}
		if err := peers.measure(ctx, p, r); err != nil {
			return nil, nil, err
		}
		if n == profiled {
			if err := b.profiles(ctx, p, parts); err != nil {
				return nil, nil, err
			}
		}
		if err := os.RemoveAll(p.dir); err != nil {
			return nil, nil, err
		}
	}
	parts["rows"] = r.table()
	parts["goals"] = r.goalTable()
	parts["machine"] = fmt.Sprintf("![Cost over size](performance.svg)\n\n%s, %s. Load average %s at the beginning and %s at the end; %s in all.",
		begun.UTC().Format("2006-01-02 15:04 UTC"), machine(), busy, load(), time.Since(begun).Round(time.Second))
	found, why := b.substrate(ctx)
	if parts["substrate"] = substrateTable(found); why != "" {
		parts["substrate"] = "Not in full: " + why + ".\n\n" + parts["substrate"]
	}
	return r, parts, nil
}

// tooLong tells whether a row would take too long at a size, as the sizes below grew.
func (r *results) tooLong(row string, size int) (expected time.Duration, yes bool) {
	var points []point
	var last measure
	for _, s := range r.sizes {
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
func (b *bench) profiles(ctx context.Context, p *place, parts map[string]string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	fresh := p.path("fresh.pprof")
	if out, err := exec.CommandContext(ctx, self, "profile", p.dir, fresh).CombinedOutput(); err != nil {
		return fmt.Errorf("cannot profile: %w\n%s", err, out)
	}
	for name, file := range map[string]string{"profile-fresh": fresh, "profile-apply": p.path("apply.pprof")} {
		if parts[name], err = hotTable(ctx, file); err != nil {
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

func (b *bench) findPeers(ctx context.Context, r *results) *peers {
	p := &peers{b: b}
	var err error
	if p.cue, err = b.buildCUE(ctx); err != nil {
		b.say("%v", err)
		r.skipped[rowVet] = "cannot be built here"
	}
	for _, name := range []string{"tofu", "terraform"} {
		if p.terraform == "" {
			p.terraform, _ = exec.LookPath(name)
		}
	}
	for _, row := range []string{rowTFPlan, rowTFChange, rowTFApply} {
		if p.terraform == "" {
			r.skipped[row] = "not on this machine"
		}
	}
	return p
}

func (p *peers) measure(ctx context.Context, at *place, r *results) error {
	n := at.fleet.Objects
	report := func(m measure) {
		m.Size = n
		p.b.report(m)
	}
	if p.cue != "" {
		if err := p.b.vet(ctx, p.cue, at, min(3, p.b.times(n)), report); err != nil {
			return err
		}
	}
	if p.terraform == "" {
		return nil
	}
	if n > mostTerraform {
		r.skip(n, "too long", rowTFPlan, rowTFChange)
	}
	if n > mostTerraformApply {
		r.skip(n, "too long", rowTFApply)
	}
	if n > mostTerraform {
		return nil
	}
	return p.b.terraform(ctx, p.terraform, at, report)
}

func (r *results) skip(size int, why string, names ...string) {
	for _, name := range names {
		r.skipped[fmt.Sprint(name, " ", size)] = why
	}
}

// sizesFor are those of the page, or a few when it is to be quick.
func sizesFor(amount string) []int {
	if amount == "quick" {
		return []int{100, 1000}
	}
	return []int{100, 1000, 10_000, 100_000}
}

// runAndWrite measures, prints the tables and, when all sizes of the page were measured, writes it.
func runAndWrite(ctx context.Context, sizes []int, write bool) error {
	for i, n := range sizes {
		sizes[i] = fleet.New(n).Objects
	}
	r, parts, err := measureAll(ctx, sizes)
	if err != nil {
		return err
	}
	for _, name := range []string{"machine", "rows", "goals", "substrate", "profile-fresh", "profile-apply"} {
		fmt.Println(strings.TrimSpace(parts[name]) + "\n")
	}
	if !write {
		return nil
	}
	if err := os.WriteFile(costFile, r.picture(), 0o644); err != nil {
		return err
	}
	return rewrite(parts)
}
