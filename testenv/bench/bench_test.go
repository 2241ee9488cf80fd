package main

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/schema"
	"plumbline/testenv/bench/fleet"
	"plumbline/testenv/bench/meter"
	"plumbline/testenv/need"
)

// The test binary is the children that the benchmark starts of itself.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && !strings.HasPrefix(os.Args[1], "-") {
		main()
		os.Exit(0)
	}
	code := m.Run()
	if made != "" {
		os.RemoveAll(made)
	}
	os.Exit(code)
}

// made is the directory of the binary that all tests run, once one of them built it.
var made string

var built = sync.OnceValue(func() error {
	b, err := openBench(context.Background())
	if err == nil {
		made = b.dir
	}
	return err
})

// small measures each row once.
func small(t *testing.T) *bench {
	t.Helper()
	if err := built(); err != nil {
		t.Fatal(err)
	}
	return &bench{dir: t.TempDir(), plumb: filepath.Join(made, "plumb"), times: func(int) int { return 1 }, say: t.Logf}
}

// Every row of ours is measured at the smallest size of the page; what it costs is nobody's business here.
func TestAHundredObjectsAreMeasured(t *testing.T) {
	need.Program(t, "git")
	b := small(t)
	r := &record{}
	b.report = r.add
	p, err := b.size(t.Context(), 100, r)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		m, ok := r.get(row.name, 100)
		if row.peer {
			continue
		}
		if !ok || m.Wall <= 0 && m.Peak <= 0 {
			t.Errorf("%s was not measured: %+v", row.name, m)
		}
	}
	if table := r.table(); !strings.Contains(table, "p50") {
		t.Errorf("no quantiles in\n%s", table)
	}
	if svg := string(r.picture()); !strings.Contains(svg, "apply everything") {
		t.Errorf("no line of the apply in\n%s", svg)
	}
	if err := profileFresh(p.dir, filepath.Join(t.TempDir(), "fresh.pprof")); err != nil {
		t.Error(err)
	}
}

func TestExponentIsThatOfTheCurve(t *testing.T) {
	curve := func(k float64) []point {
		var out []point
		for _, size := range []float64{100, 1000, 10_000, 100_000} {
			out = append(out, point{size, 3e-4 * math.Pow(size, k)})
		}
		return out
	}
	for _, want := range []float64{0, 0.5, 1, 1.05, 2} {
		if k, ok := exponent(curve(want)); !ok || math.Abs(k-want) > 1e-9 {
			t.Errorf("exponent %v of a curve of %v", k, want)
		}
	}
	noisy := curve(1)
	noisy[0].cost, noisy[3].cost = noisy[0].cost*1.3, noisy[3].cost*1.3
	if k, _ := exponent(noisy); k < 0.95 || k > 1.05 {
		t.Errorf("exponent %v of a line with noise at both ends", k)
	}
	if _, ok := exponent([]point{{100, 1}, {100, 2}, {1000, 0}}); ok {
		t.Error("one size has an exponent")
	}
}

func TestLineFitsGrowth(t *testing.T) {
	slope, level, ok := line([]point{{0, 100}, {1, 103}, {2, 106}})
	if !ok || math.Abs(slope-3) > 1e-9 || math.Abs(level-100) > 1e-9 {
		t.Errorf("%v + %v·x, %v", level, slope, ok)
	}
}

func TestQuantiles(t *testing.T) {
	var all []time.Duration
	for i := 1; i <= 200; i++ {
		all = append(all, time.Duration(i))
	}
	if p50, p99 := quantile(all, 0.5), quantile(all, 0.99); p50 != 100 || p99 != 198 {
		t.Errorf("p50 %d, p99 %d", p50, p99)
	}
	if got := quantile(nil, 0.5); got != 0 {
		t.Errorf("%v of nothing", got)
	}
}

func TestWhatWouldTakeTooLongIsLeftOut(t *testing.T) {
	r := &record{}
	for size, wall := range map[int]time.Duration{100: time.Second, 1000: 2 * time.Second, 10_000: 30 * time.Second} {
		r.add(measure{Row: rowApply, Size: size, Cost: meter.Cost{Wall: wall}})
	}
	if expected, yes := r.tooLong(rowApply, 100_000); !yes || expected.Round(time.Second) != 450*time.Second {
		t.Errorf("%v, %v", expected, yes)
	}
	if _, yes := r.tooLong(rowApply, 10_000); yes {
		t.Error("what takes seconds is left out")
	}
	if _, yes := r.tooLong(rowCold, 100_000); yes {
		t.Error("left out without a reason")
	}
}

func TestGoalsNameRowsThatAreMeasured(t *testing.T) {
	known := map[string]bool{"": true}
	for _, row := range rows {
		known[row.name] = true
	}
	for _, g := range goals {
		if g.what != "each" && (!known[g.row] || !known[g.peer]) || g.row == "" {
			t.Errorf("%q is about the row %q and the peer %q", g.title, g.row, g.peer)
		}
	}
	r := &record{}
	r.add(measure{Row: rowIdle, Size: 10_000, Cost: meter.Cost{Wall: 75 * time.Millisecond, CPU: 40 * time.Millisecond}})
	r.add(measure{Row: rowTFPlan, Size: 10_000, Cost: meter.Cost{Wall: 15 * time.Second}})
	if text := r.goalTable(); !strings.Contains(text, "**not met**: 1.5 times the limit; its CPU time is 40 ms") || !strings.Contains(text, "1/200") {
		t.Error(text)
	}
}

func TestTrialsAreReadFromGoTest(t *testing.T) {
	all := trials("goos: linux\nBenchmarkOne/plumb-2 \t 100\t 250000 ns/op\t 0.5 cpu-ms/op\nBenchmarkOne/nft-2 \t 10\t 2500000 ns/op\nPASS\n")
	if len(all) != 2 || all[0].Name != "One/plumb" || all[0].Each != 250*time.Microsecond || all[0].Metrics["cpu-ms/op"] != 0.5 {
		t.Fatalf("%+v", all)
	}
	if text := substrateTable(all); !strings.Contains(text, "| `One/nft` | 2.5 ms | – | 10 |") {
		t.Error(text)
	}
}

func TestHotFunctionsAreReadFromPprof(t *testing.T) {
	all := hotLines("Type: cpu\n      flat  flat%   sum%        cum   cum%\n     0.50s 25.00% 25.00%      1.50s 75.00%  plumbline/schema.(*resolver).order (inline)\n")
	if len(all) != 1 || all[0] != (hot{"25.00%", "75.00%", "plumbline/schema.(*resolver).order"}) {
		t.Errorf("%+v", all)
	}
}

// The blocks are one for each object, and none refers to what is not there.
func TestTerraformHasTheSameShape(t *testing.T) {
	f := fleet.New(100)
	all := blocks(f)
	names := map[string]bool{}
	for _, b := range all {
		names[b.name] = true
	}
	if len(names) != f.Objects {
		t.Errorf("%d blocks of %d objects", len(names), f.Objects)
	}
	for _, b := range all {
		for _, to := range b.refs {
			if !names[to] {
				t.Errorf("%s refers to %s", b.name, to)
			}
		}
	}
	if changed := string(configuration(all, 5)); strings.Count(changed, `"65"`) != 1 {
		t.Errorf("a turn changes %d values", strings.Count(changed, `"65"`))
	}
}

func TestOnlyTheMarkedPartOfThePageIsReplaced(t *testing.T) {
	page := "a\n<!-- begin x -->\nold\n<!-- end x -->\nb\n"
	got, err := replace([]byte(page), "x", "new")
	if want := "a\n<!-- begin x -->\n\nnew\n\n<!-- end x -->\nb\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := replace([]byte(page), "y", "new"); err == nil {
		t.Error("a marker that is not there is no error")
	}
	written, err := os.ReadFile(filepath.Join("../..", pageFile))
	for _, name := range append(slices.Clone(partNames), "soak") {
		if _, missing := replace(written, name, ""); missing != nil || err != nil {
			t.Errorf("%v, %v", missing, err)
		}
	}
}

// `cue vet` is given the same files as plumb: with the schema beside them, the topology is whole.
func TestGeneratedTreeIsATopology(t *testing.T) {
	dir := t.TempDir()
	if err := generate(fleet.Least, dir); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cue.mod/local-module.cue", ".plumbline/schema/topology.cue", ".plumbline/schema/cue.mod/module.cue"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if !strings.Contains(localModule, schema.ModulePath) {
		t.Error("the schema has another name")
	}
}
