package main

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// substrates are the packages whose benchmarks measure real daemons and the kernel beside their own tools, and the drift engine
// with ten thousand incidents of one cause. The former need root and the packages of the laboratory; without them they are left
// out, and the page says so.
var substrates = []string{"./actuators/nat", "./actuators/internal/virt", "./actuators/record", "./reconcile/drift"}

// chosen are the benchmarks of the substrates that belong on the page.
const chosen = `10k|1000|Thousand`

// trial is one result line of `go test -bench`.
type trial struct {
	Name    string             `json:"name"` // without Benchmark and the number of processors
	Each    time.Duration      `json:"each"`
	Metrics map[string]float64 `json:"metrics,omitempty"` // by unit, without ns/op
}

var trialLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.*)$`)

// trials finds the results in what `go test -bench` printed.
func trials(printed string) []trial {
	var out []trial
	for line := range strings.Lines(printed) {
		found := trialLine.FindStringSubmatch(strings.TrimSpace(line))
		if found == nil {
			continue
		}
		t := trial{Name: found[1], Metrics: map[string]float64{}}
		fields := strings.Fields(found[2])
		for i := 0; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				break
			}
			if t.Metrics[fields[i+1]] = value; fields[i+1] == "ns/op" {
				t.Each = time.Duration(value)
				delete(t.Metrics, "ns/op")
			}
		}
		out = append(out, t)
	}
	return out
}

// substrate runs the benchmarks beside the kinds.
func (b *bench) substrate(ctx context.Context) []trial {
	args := append([]string{"test", "-p", "1", "-run", "^$", "-bench", chosen, "-benchtime", "1s", "-timeout", "10m"}, substrates...)
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput()
	if err != nil {
		b.say("go %s: %v\n%s", strings.Join(args, " "), err, out) // what could be measured stands; the rest is "not measured"
	}
	return trials(string(out))
}

// substrateTable sets each trial beside the first of its benchmark, which is ours.
func substrateTable(all []trial) string {
	var b strings.Builder
	b.WriteString("| benchmark | each | CPU s | to ours | beside |\n| --- | --- | --- | --- | --- |\n")
	group, ours := "", time.Duration(0)
	for _, t := range all {
		first, _, _ := strings.Cut(t.Name, "/")
		ratio := "–"
		if first != group {
			group, ours = first, t.Each
		} else if ours > 0 {
			ratio = fmt.Sprintf("%.3g", t.Each.Seconds()/ours.Seconds())
		}
		cpu := "–"
		if used, ok := t.Metrics["cpu-ms/op"]; ok {
			cpu = fmt.Sprintf("%.2g", used/1e3)
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", code(t.Name), short(t.Each), cpu, ratio, t.beside())
	}
	return b.String()
}

// beside is what a benchmark counted of its own: "1 messages, 952 held-B/incident".
func (t trial) beside() string {
	var out []string
	for _, unit := range slices.Sorted(maps.Keys(t.Metrics)) {
		if name := strings.TrimSuffix(unit, "/op"); !slices.Contains([]string{"cpu-ms", "B", "allocs"}, name) {
			out = append(out, fmt.Sprintf("%.4g %s", t.Metrics[unit], name))
		}
	}
	return strings.Join(out, ", ")
}

// trial is what one benchmark beside a kind took, in seconds.
func (r *record) trial(name string) (float64, bool) {
	for _, t := range r.Trials {
		if t.Name == name {
			return t.Each.Seconds(), true
		}
	}
	return 0, false
}
