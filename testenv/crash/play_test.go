package crash

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"plumbline/actuators/all"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/testenv/sim"
)

// player plays one stage again and again in a directory of its own.
type player struct {
	*stage
	breaker
	t    testing.TB
	path string
	ends map[[sha256.Size]byte][]string // what came of ends of this scene
}

func newPlayer(t testing.TB, s *stage) *player {
	return &player{stage: s, t: t, path: filepath.Join(memory(t), "journal.db"), ends: map[[sha256.Size]byte][]string{}}
}

// played is what came of a play.
type played struct {
	wrong  []string
	deaths int
	died   string // where the last life ended
	passed int    // boundaries of the last life
	grave  *grave // what the first life left
}

// grave is what a life left, from which others can go on again and again.
type grave struct {
	journal []byte
	world   *sim.World
	at      time.Time
	begun   map[string]bool
	lost    map[int]string
	played  played
}

// fresh is the beginning of a scene in which a step will go wrong.
func (p *player) fresh(c crash) *grave {
	p.t.Helper()
	clock := newClock()
	world, err := p.world.Clone(clock.now)
	must(p.t, err)
	p.inject(world, c)
	return &grave{journal: p.journal, world: world, at: clock.at, begun: map[string]bool{}, lost: map[int]string{}}
}

// play plays a crash from the beginning of the scene to the end, judges what is there, and brings it to the wanted state.
func (p *player) play(c crash) played {
	p.t.Helper()
	return p.from(p.fresh(c), c)
}

// from plays a crash on from what a life left, or from the beginning.
func (p *player) from(g *grave, c crash) played {
	p.t.Helper()
	must(p.t, os.WriteFile(p.path, g.journal, 0o600))
	clock := &clock{at: g.at}
	world, err := g.world.Clone(clock.now)
	must(p.t, err)
	out, begun, lost := g.played, maps.Clone(g.begun), maps.Clone(g.lost)
	out.wrong = slices.Clone(out.wrong)
	for n := out.deaths; ; n++ {
		l := &life{begun: begun, lost: lost, cut: c.who == "executor"}
		if n < len(c.deaths) {
			l.end = c.deaths[n]
		}
		err := p.live(world, clock, l, n > 0)
		out.wrong = append(out.wrong, l.wrong...)
		if l.died != "" {
			out.deaths++
			out.died = l.died
		}
		out.passed = l.at
		if !l.dead {
			if err != nil {
				out.wrong = append(out.wrong, "the run ended with an error: "+err.Error())
			}
			break
		}
		if c.pause {
			clock.pass(time.Hour)
		}
		if n == 0 {
			out.grave = p.bury(world, clock, l, out)
		}
	}
	store, err := journal.Open(p.path, journal.Options{Version: "test"})
	must(p.t, err)
	defer store.Close()
	out.wrong = append(out.wrong, p.judge(world, store, c, lost)...)
	if len(out.wrong) == 0 {
		out.wrong = p.converges(world, store, clock)
	}
	return out
}

func (p *player) bury(world *sim.World, c *clock, l *life, so played) *grave {
	p.t.Helper()
	data, err := os.ReadFile(p.path)
	must(p.t, err)
	g := &grave{journal: data, at: c.at, begun: maps.Clone(l.begun), lost: maps.Clone(l.lost), played: so}
	g.world, err = world.Clone(func() time.Time { return g.at })
	must(p.t, err)
	return g
}

// inject lets a step go wrong.
func (p *player) inject(world *sim.World, c crash) {
	if c.fault < 0 {
		return
	}
	step := p.plan.Steps[c.fault]
	for _, f := range ways[c.how] {
		f.ID, f.Op = step.Instance.ID, step.Op
		must(p.t, world.Fail(step.Host, f))
	}
}

// live is one process: the first begins the plan, the others take it up.
func (p *player) live(world *sim.World, clock *clock, l *life, resumed bool) error {
	store, err := journal.Open(p.path, journal.Options{Version: "test"})
	if err != nil {
		return err
	}
	defer store.Close()
	in := run.Input{
		Plan: p.plan, Store: diary{store, l, p.breaker}, Hosts: mortal{world, l, p.breaker}, Kinds: all.Registry(), Parallel: 1, PerHost: 1, Now: clock.now, Sleep: clock.sleep,
	}
	if !resumed {
		_, err = run.Run(context.Background(), in)
		return err
	}
	_, err = run.Resume(context.Background(), in)
	return err
}

// ended is what the store says came of the plan; nil when it was never begun.
func ended(store *journal.Store, id string) (*run.Result, error) {
	past, err := store.History(1)
	if err != nil || len(past) == 0 || past[0].Plan.ID != id {
		return nil, err
	}
	if past[0].EndedAt == nil {
		return nil, fmt.Errorf("plan %s is still open", id)
	}
	var result run.Result
	return &result, json.Unmarshal(past[0].Result, &result)
}

// converges is converge, remembered by what world and inventory are: most crashes end in one of a few states.
func (p *player) converges(world *sim.World, store *journal.Store, clock *clock) []string {
	inv, err := store.Inventory()
	must(p.t, err)
	end, err := json.Marshal([]any{see(p.t, world, p.plan).plain(), plainly(inv)})
	must(p.t, err)
	key := sha256.Sum256(end)
	if wrong, known := p.ends[key]; known {
		return wrong
	}
	p.ends[key] = p.converge(world, store, clock)
	return p.ends[key]
}

// plainly is an inventory as JSON takes it, without times.
func plainly(inv inventory.Inventory) map[string]inventory.Entry {
	out := map[string]inventory.Entry{}
	for i, e := range inv {
		copied := *e
		copied.AppliedAt = time.Time{}
		if copied.Retired != nil {
			copied.Retired = &began
		}
		out[i.String()] = copied
	}
	return out
}

// converge lets an unhurt controller plan and apply once more, with nothing going wrong: all is as if nothing had happened.
func (p *player) converge(world *sim.World, store *journal.Store, clock *clock) (wrong []string) {
	for _, host := range hostsOf(p.plan) {
		must(p.t, world.Mend(host))
	}
	inv, err := store.Inventory()
	must(p.t, err)
	for i, entry := range inv {
		if entry.Stuck != "" {
			_, err := store.Unstick(i)
			must(p.t, err)
		}
	}
	for n := range 2 {
		next := planned(p.t, world, store, p.want, fmt.Sprintf("next %d", n), p.atomic)
		if len(next.Refusals) > 0 {
			return []string{fmt.Sprintf("the next plan refuses: %+v", next.Refusals)}
		}
		if n == 1 && len(next.Changes) > 0 {
			return []string{"the plan after the next is not empty: " + next.Summary()}
		}
		result, err := run.Run(context.Background(), run.Input{Plan: next, Store: store, Hosts: hosts{world}, Kinds: all.Registry(), Parallel: 1, Now: clock.now, Sleep: clock.sleep})
		if err != nil || result.Verdict != run.Applied {
			return []string{fmt.Sprintf("the next plan is %s: %v %+v", result.Verdict, err, result.Lanes)}
		}
	}
	for i, th := range p.unlike(see(p.t, world, p.plan), p.end) {
		wrong = append(wrong, fmt.Sprintf("after the next plan %s is not as it would have been: %s", i, th))
	}
	return wrong
}
