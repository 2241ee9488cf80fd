package kindtest

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// Tamper runs shell lines at random, some of which fail, and demands after each that a stamp which is the same as ever before
// stands for the same look, and that a look at the targets alone shows of them what a look at everything does. Specs are the
// targets by ID.
func (b Bench) Tamper(turns int, specs map[schema.ID]any, lines ...string) {
	b.T.Helper()
	seed := uint64(time.Now().UnixNano())
	b.T.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	var sc actuators.Scope
	for _, id := range slices.Sorted(maps.Keys(specs)) {
		sc.Targets = append(sc.Targets, actuators.Target{ID: id, Spec: encode(b.T, specs[id])})
	}
	seen := map[string]string{}
	var done []string
	given := 0
	for turn := 0; turn < turns || given < turns/4 && turn < 4*turns; turn++ { // some walks stay long where no stamp is given
		line := lines[random.IntN(len(lines))]
		_ = exec.Command("sh", "-ec", line).Run() // what fails has changed nothing, or half
		done = append(done, line)
		whole, only := sc, sc
		whole.All = true
		stamp := b.stamp(whole)
		all := b.picture(whole, sc)
		if some := b.picture(only, sc); some != all {
			b.T.Fatalf("after %s a look at the targets shows\n%s\nand one at everything\n%s", strings.Join(done, "; "), some, all)
		}
		if stamp == "" || stamp != b.stamp(whole) {
			continue
		}
		given++
		picture := b.picture(whole, actuators.Scope{})
		if before, known := seen[stamp]; known && before != picture {
			b.T.Fatalf("after %s the stamp %s stands for\n%s\nand stood for\n%s", strings.Join(done, "; "), stamp, picture, before)
		}
		seen[stamp] = picture
	}
	if given < turns/4 || len(seen) < 3 {
		b.T.Errorf("%d stamps in %d turns, of %d states: it shows nothing", given, turns, len(seen))
	}
}

func (b Bench) stamp(sc actuators.Scope) string {
	stamp, err := b.Kind.Stamp(context.Background(), b.Host, sc)
	if err != nil {
		return ""
	}
	return stamp
}

// picture is what a look shows, as far as a stamp speaks of it: of some targets, or of all when there are none.
func (b Bench) picture(sc, of actuators.Scope) string {
	b.T.Helper()
	found, err := b.Kind.Observe(context.Background(), b.Host, sc)
	if err != nil {
		return err.Error()
	}
	var lines []string
	for _, f := range found {
		asked := slices.ContainsFunc(of.Targets, func(t actuators.Target) bool { return t.ID == f.ID })
		if len(of.Targets) > 0 && !asked {
			continue
		}
		config := []byte("unknown")
		if f.Unknown == "" {
			config = configOf(b.T, f.State)
		}
		mark := ""
		if f.Mark != nil {
			mark = f.Mark.String()
		}
		lines = append(lines, fmt.Sprint(f.ID, " ", mark, " ", f.Retired, " ", f.Aside.Name, " ", string(config)))
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
