package power

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	engine "plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/sources/dir"
)

const state = "/var/lib/plumb"

// report is what came of the plan that the power loss interrupted.
type report struct {
	Plan  string                 // "" = none was open
	Lanes map[string]run.Outcome // by the name of a volume or record
	Left  []string               // what is named as not as before
}

// remembered are the steps that the journal has as done, of the plan that ran last.
func (g *guest) remembered() (steps []string, err error) {
	err = g.stored(func(store *journal.Store) error {
		past, err := store.History(1)
		if err != nil || len(past) == 0 {
			return err
		}
		records, err := store.Records(past[0].Plan.ID)
		for _, r := range records {
			if r.State == journal.Done {
				steps = append(steps, r.Step)
			}
		}
		return err
	})
	return steps, err
}

// stored opens the store that plumb left, if it has begun one.
func (g *guest) stored(use func(*journal.Store) error) error {
	path := filepath.Join(state, "journal.db")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	store, err := journal.Open(path, journal.Options{Version: "test"})
	if err != nil {
		return fmt.Errorf("the store: %w", err)
	}
	defer store.Close()
	return use(store)
}

// resume does what plumb run does first after a boot, and no more, so that what comes of it can be judged.
func (g *guest) resume() (r report, err error) {
	r.Lanes = map[string]run.Outcome{}
	err = g.stored(func(store *journal.Store) error {
		source, err := dir.Open(dir.Config{Path: g.dir, NoEvents: true})
		if err != nil {
			return err
		}
		c := reconcile.New(reconcile.Options{
			Config: reconcile.Config{State: state}, Kinds: all.Registry(), Source: source, Store: store, Log: zerolog.Nop(),
			Dial: func(_ context.Context, name, _ string) (engine.Executor, error) {
				return engine.Local(all.Registry(), engine.NewMachine(name, engine.Dirs{State: state + "/exec"}), engine.Options{}), nil
			},
		})
		defer c.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		results, err := c.Resume(ctx, nil)
		if err != nil || len(results) == 0 {
			return err
		}
		r.Plan = results[0].Plan
		for _, l := range results[0].Lanes {
			for _, i := range l.Objects {
				r.Lanes[string(i.ID)] = l.Outcome
			}
		}
		for _, left := range results[0].Residue {
			if left.State == journal.Undone && strings.Contains(left.Text, "gone: ") && slices.Contains([]string{"bridge", "address"}, left.Instance.ID.Kind()) {
				continue // a boot takes bridges and addresses along, and says so
			}
			r.Left = append(r.Left, fmt.Sprintf("%s: %s %s", left.Instance, left.State, left.Text))
		}
		return nil
	})
	return r, err
}

// look is what is there, by foreign tools: names of volumes with "whole" or what is wrong with them, of records with their
// addresses, of steps that wait for a confirmation, and the number of watchers.
func (g *guest) look() map[string]string {
	found := map[string]string{}
	volumes, _ := filepath.Glob("/var/lib/pool/*.qcow2")
	for _, path := range volumes {
		name := strings.TrimSuffix(filepath.Base(path), ".qcow2")
		if strings.Contains(name, ".plumb-retired-") || strings.HasPrefix(name, ".") {
			continue
		}
		found["volume/"+name] = g.whole(path)
	}
	if _, err := os.Stat("/sys/class/net/lan"); err == nil {
		found["bridge/lan"] = strings.Join(strings.Fields(output("ip", "-br", "address", "show", "dev", "lan")), " ")
	}
	for name := range strings.FieldsSeq(output("virsh", "-q", "-c", "qemu:///system", "list", "--all", "--name")) {
		if !strings.Contains(name, ".plumb-retired-") {
			found["vm/"+name] = strings.TrimSpace(output("virsh", "-q", "-c", "qemu:///system", "domstate", name))
		}
	}
	zone := output("kdig", "+noall", "+answer", "@127.0.0.1", "-y", "hmac-sha256:tsig:"+secret, "boston.test", "AXFR")
	for line := range strings.Lines(zone) {
		if f := strings.Fields(line); len(f) == 5 && f[3] == "A" && f[0] != "ns.boston.test." {
			found["record/"+strings.TrimSuffix(f[0], ".")] += f[4]
		}
	}
	waiting, _ := filepath.Glob(state + "/exec/confirm/*.json")
	for _, file := range waiting {
		found["waiting/"+filepath.Base(file)] = "for a confirmation"
	}
	return found
}

// whole tells whether a disk holds all that its image holds.
func (g *guest) whole(path string) string {
	out := output("qemu-img", "compare", "-U", path, filepath.Join(g.dir, "tiny.raw"))
	if strings.Contains(out, "Images are identical") {
		return "whole"
	}
	info, _ := os.Stat(path)
	return fmt.Sprintf("damaged (%d bytes): %s", info.Size(), out)
}

// hear reads what plumb says, and gives the end of it. Done gets each step that is acknowledged.
func hear(said io.Reader, done func(step string)) string {
	var all []string
	for lines := bufio.NewScanner(said); lines.Scan(); {
		all = append(all, lines.Text())
		var event struct{ Message, Step string }
		if json.Unmarshal(lines.Bytes(), &event) == nil && event.Message == "step done" && done != nil {
			done(event.Step)
		}
	}
	return strings.Join(all[max(0, len(all)-5):], " | ")
}

// judged says what is not as it must be after a boot, of what the guest told before and after its power was taken.
func judged(acked, remembered []string, found, result map[string]string, r report, from, to map[string]string) (wrong []string) {
	for _, step := range acked {
		if !slices.Contains(remembered, step) {
			wrong = append(wrong, fmt.Sprintf("step %s was acknowledged and is forgotten", step))
		}
	}
	for _, left := range r.Left {
		wrong = append(wrong, "left: "+left)
	}
	for _, name := range union(from, to) {
		before, after, now := from[name], to[name], result[name]
		switch outcome, ran := r.Lanes[name]; {
		case before == after && now != before:
			wrong = append(wrong, fmt.Sprintf("%s, which nobody changed, is %q, not %q", name, now, before))
		case ran && outcome == run.LaneApplied && now != after:
			wrong = append(wrong, fmt.Sprintf("%s is said to be applied and is %q, not %q (at boot: %q)", name, now, after, found[name]))
		case ran && outcome != run.LaneApplied && now != before:
			wrong = append(wrong, fmt.Sprintf("%s is %q, and %q, not %q as before (at boot: %q)", name, outcome, now, before, found[name]))
		case now != before && now != after:
			wrong = append(wrong, fmt.Sprintf("%s is %q, neither %q nor %q", name, now, before, after))
		}
	}
	for name := range result {
		if strings.HasPrefix(name, "waiting/") {
			wrong = append(wrong, name+" "+result[name])
		}
	}
	return wrong
}

// unlike lists where a picture is not as declared.
func unlike(want, found map[string]string) (wrong []string) {
	for _, name := range union(want, found) {
		if found[name] != want[name] {
			wrong = append(wrong, fmt.Sprintf("what was declared does not go through: %s is %q, not %q", name, found[name], want[name]))
		}
	}
	return wrong
}

// union lists the names of what outlives a power loss.
func union(all ...map[string]string) (names []string) {
	for _, one := range all {
		for name := range one {
			if strings.HasPrefix(name, "volume/") || strings.HasPrefix(name, "vm/") || strings.HasPrefix(name, "record/") {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
