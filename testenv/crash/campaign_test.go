package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestCampaign plays every scene with every fault, and lets controller or executor die at every boundary; then again at every
// boundary of what follows. CRASH=all does all of it (make crash), CRASH=SCENE all of one scene; without, a sample whose seed is printed. CRASH_SEED takes
// such a seed, or one crash as the campaign prints it, and plays that again.
func TestCampaign(t *testing.T) {
	seed := os.Getenv("CRASH_SEED")
	if c, err := parseCrash(seed); seed != "" && err == nil {
		p := newPlayer(t, set(t, *find(t, c.scene)))
		got := p.play(c)
		t.Logf("%s: %d deaths, the last at %q; wrong: %q", c, got.deaths, got.died, got.wrong)
		if len(got.wrong) > 0 {
			t.Fail()
		}
		return
	}
	k := &campaign{t: t, points: map[string]bool{}}
	begun := time.Now()
	switch which := os.Getenv("CRASH"); which {
	case "":
		k.sample(seed)
	case "all":
		k.exhaust(scenes)
	default:
		k.exhaust([]scene{*find(t, which)})
	}
	t.Logf("%d runs over %d scenes, %d kinds of boundary, %d deaths, in %.0f s", k.runs.Load(), len(scenes), len(k.points), k.deaths.Load(), time.Since(begun).Seconds())
}

type campaign struct {
	t      *testing.T
	runs   atomic.Int64
	deaths atomic.Int64
	wrong  atomic.Int64
	mu     sync.Mutex
	points map[string]bool // scene and boundary at which somebody died
}

// enough is how many broken promises are told.
const enough = 20

func (k *campaign) play(p *player, c crash) played { return k.from(p, p.fresh(c), c) }

// from plays on from what a life left.
func (k *campaign) from(p *player, g *grave, c crash) played {
	got := p.from(g, c)
	k.runs.Add(1)
	k.deaths.Add(int64(got.deaths))
	if got.died != "" {
		k.mu.Lock()
		k.points[p.name+" "+got.died] = true
		k.mu.Unlock()
	}
	if len(got.wrong) > 0 {
		if k.wrong.Add(1) <= enough {
			k.t.Errorf("CRASH_SEED=%q (died at %s)\n  %s", c, got.died, got.wrong[0])
		}
	}
	return got
}

// exhaust plays all.
func (k *campaign) exhaust(scenes []scene) {
	type job struct {
		s *stage
		c crash
	}
	jobs := make(chan job)
	var group sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			players := map[*stage]*player{}
			for j := range jobs {
				if players[j.s] == nil {
					players[j.s] = newPlayer(k.t, j.s)
				}
				k.all(players[j.s], j.c)
			}
		})
	}
	for _, s := range scenes {
		st := set(k.t, s)
		for _, c := range st.cases() {
			jobs <- job{st, c}
		}
		k.t.Logf("%s is under way; %d runs so far, %d of them wrong", s.name, k.runs.Load(), k.wrong.Load())
	}
	close(jobs)
	group.Wait()
}

// all dies at every boundary of a case, and at every one of the life after it.
func (k *campaign) all(p *player, c crash) {
	for n := 1; k.wrong.Load() < enough; n++ {
		c.deaths = []int{n}
		first := k.play(p, c)
		if first.deaths == 0 {
			return
		}
		if c.who == "executor" || nested[c.how] > 1 && n%nested[c.how] != 0 {
			continue
		}
		for m := 1; k.wrong.Load() < enough; m++ {
			c.deaths = []int{n, m}
			if k.from(p, first.grave, c).deaths < 2 {
				break
			}
		}
	}
}

// nested is at which of the first boundaries of a case a second death is tried, too: each n-th.
var nested = map[string]int{"": 2, "refuse": 9, "stumble": 17, "loseCall": 11, "loseReply": 13, "capture": 17, "preflight": 19, "undoOnce": 11, "stuck": 11}

// sampled is how many crashes a sample plays.
const sampled = 1200

func (k *campaign) sample(text string) {
	seed := rand.Uint64()
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		seed = n
	}
	k.t.Logf("CRASH_SEED=%d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	for _, s := range scenes {
		st := set(k.t, s)
		p := newPlayer(k.t, st)
		cases := st.cases()
		for range sampled / len(scenes) {
			c := cases[r.IntN(len(cases))]
			c.deaths = []int{1 + r.IntN(10+8*len(st.plan.Steps)), 1 + r.IntN(30), 1 + r.IntN(60)}
			k.play(p, c)
		}
	}
}

func find(t testing.TB, name string) *scene {
	t.Helper()
	for n := range scenes {
		if scenes[n].name == name {
			return &scenes[n]
		}
	}
	t.Fatalf("there is no scene %q", name)
	return nil
}

// TestACrashIsTheSameEachTime: the boundaries of a crash do not depend on chance, whatever goes wrong, so that a printed one can
// be played again.
func TestACrashIsTheSameEachTime(t *testing.T) {
	for _, s := range scenes {
		p := newPlayer(t, set(t, s))
		cases := p.cases()
		for n := 1; n < 40; n += 6 {
			c := cases[31*(n-1)%len(cases)]
			c.deaths = []int{n, n}
			first, second := p.play(c), p.play(c)
			first.grave, second.grave = nil, nil
			if fmt.Sprint(first) != fmt.Sprint(second) {
				t.Errorf("%s: %+v, then %+v", c, first, second)
			}
		}
	}
}
