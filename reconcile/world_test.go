package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/notify"
	"plumbline/schema"
)

// world is a datacenter of toys in memory: pools, which are a word on a host. It stands in for hosts and for what a person
// does to them behind our back.
type world struct {
	mu     sync.Mutex
	pools  map[schema.Instance]livePool
	down   map[string]bool // hosts that cannot be dialed
	broken map[string]bool // hosts whose open connections are dead
	dials  map[string]int
	doing  chan string   // if not nil, each Do sends its word here
	gate   chan struct{} // if not nil, each Do waits for it
	looked func()        // if not nil, called once after the next look
}

type poolSpec struct {
	Dir string `json:"dir"`
}

type poolState struct {
	Config poolSpec `json:"config"`
	Status struct{} `json:"status"`
}

// livePool is a pool as it stands in the world.
type livePool struct {
	dir  string
	mark *actuators.Mark
}

type poolParams struct {
	Instance schema.Instance
	Mark     actuators.Mark
	Dir      string
}

type nothing struct {
	Config struct{} `json:"config"`
	Status struct{} `json:"status"`
}

func newWorld() *world {
	return &world{pools: map[schema.Instance]livePool{}, down: map[string]bool{}, broken: map[string]bool{}, dials: map[string]int{}}
}

func (w *world) kinds() *actuators.Registry {
	op := func(name string, timeout time.Duration) actuators.AnyOp {
		return actuators.Op[poolParams, poolState, poolState]{
			Name: name, Reversal: actuators.Exact, Timeout: timeout, Capture: w.capture, Do: w.do, Undo: w.undo,
			Predict: func(p poolParams, _ *poolState) *poolState {
				if p.Dir == "" {
					return nil
				}
				return &poolState{Config: poolSpec{p.Dir}}
			},
		}
	}
	return actuators.NewRegistry(
		word("site", schema.OnController, nil),
		word("host", schema.OnItself, func(s map[string]any) []schema.Edge {
			return []schema.Edge{{Path: "site", To: schema.MakeID("site", fmt.Sprint(s["site"]))}}
		}),
		actuators.Define(actuators.Def[poolSpec, poolState]{
			Name: "pool", Where: schema.OnHost, Observe: w.observe, Diff: diffPool, Steps: stepsPool, Ops: []actuators.AnyOp{op("set", 0), op("remove", 0), op("cut", time.Second)},
		}),
	)
}

// word is a kind that is there by being declared.
func word(name string, where schema.Where, edges func(map[string]any) []schema.Edge) *actuators.Kind {
	return actuators.Define(actuators.Def[map[string]any, nothing]{
		Name: name, Where: where, Ground: true, Unmarked: true, Edges: edges,
		Observe: func(_ context.Context, _ actuators.Host, sc actuators.Scope) (all []actuators.Live[nothing], err error) {
			for _, t := range sc.Targets {
				all = append(all, actuators.Live[nothing]{ID: t.ID})
			}
			return all, nil
		},
		Diff: func(*map[string]any, actuators.Have[nothing]) actuators.Diff { return actuators.Diff{} },
		Steps: func(actuators.Subject, actuators.Diff, *map[string]any, actuators.Have[nothing]) ([]actuators.Step, error) {
			return nil, nil
		},
	})
}

func (w *world) observe(_ context.Context, h actuators.Host, sc actuators.Scope) (all []actuators.Live[poolState], err error) {
	w.mu.Lock()
	if looked := w.looked; looked != nil {
		w.looked = nil
		defer looked()
	}
	defer w.mu.Unlock()
	for i, p := range w.pools {
		if i.Host == h.Name() {
			all = append(all, actuators.Live[poolState]{ID: i.ID, Mark: p.mark, State: poolState{Config: poolSpec{p.dir}}})
		}
	}
	return all, nil
}

func diffPool(want *poolSpec, have actuators.Have[poolState]) actuators.Diff {
	var d actuators.Diff
	switch {
	case want == nil && have.Here != nil:
		d.Action = actuators.Retire
	case want == nil:
	case have.Here == nil:
		d.Action = actuators.Create
		d.Field("dir", nil, want.Dir, "")
	default:
		d.Field("dir", have.Here.Config.Dir, want.Dir, actuators.EffectLive)
	}
	return d.Settle()
}

func stepsPool(sub actuators.Subject, d actuators.Diff, want *poolSpec, _ actuators.Have[poolState]) ([]actuators.Step, error) {
	p := poolParams{Instance: sub.Instance, Mark: sub.Mark}
	if d.Action == actuators.Retire {
		return []actuators.Step{actuators.NewStep("remove", p, "remove")}, nil
	}
	p.Dir = want.Dir
	verb := "set"
	if strings.Contains(p.Dir, "cut") {
		verb = "cut"
	}
	return []actuators.Step{actuators.NewStep(verb, p, "set "+p.Dir)}, nil
}

func (w *world) capture(_ context.Context, _ actuators.Host, p poolParams) (poolState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return poolState{Config: poolSpec{w.pools[p.Instance].dir}}, nil
}

func (w *world) do(_ context.Context, _ actuators.Host, p poolParams, _ poolState) error {
	if w.doing != nil {
		w.doing <- p.Dir
	}
	if w.gate != nil {
		<-w.gate
	}
	if strings.Contains(p.Dir, "fail") {
		return errors.New("the disk says no")
	}
	w.set(p.Instance, p.Dir, &p.Mark)
	if strings.Contains(p.Dir, "cut") {
		w.pull("h2", true)
	}
	return nil
}

func (w *world) undo(_ context.Context, _ actuators.Host, p poolParams, before poolState) error {
	w.set(p.Instance, before.Config.Dir, &p.Mark)
	if strings.Contains(p.Dir, "cut") {
		w.pull("h2", false)
	}
	return nil
}

func (w *world) set(i schema.Instance, dir string, mark *actuators.Mark) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if dir == "" {
		delete(w.pools, i)
		return
	}
	w.pools[i] = livePool{dir, mark}
}

// sabotage changes a pool as somebody else would: the mark stays.
func (w *world) sabotage(i schema.Instance, dir string) {
	w.mu.Lock()
	mark := w.pools[i].mark
	w.mu.Unlock()
	w.set(i, dir, mark)
}

func (w *world) dir(i schema.Instance) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.pools[i].dir
}

// pull ends a host's connections; down keeps new ones from being made.
func (w *world) pull(host string, down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken[host], w.down[host] = true, down
}

// dialer connects in memory: exec.Local behind a cable that can be pulled.
func (w *world) dialer(kinds *actuators.Registry, dir string) reconcile.Dialer {
	return func(_ context.Context, host, _ string) (exec.Executor, error) {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.dials[host]++
		if w.down[host] {
			return nil, fmt.Errorf("no route: %w", exec.ErrUnreachable)
		}
		w.broken[host] = false
		machine := exec.NewMachine(host, exec.Dirs{State: filepath.Join(dir, "host-"+host)})
		return &cable{Executor: exec.Local(kinds, machine, exec.Options{}), world: w, host: host}, nil
	}
}

type cable struct {
	exec.Executor
	world *world
	host  string
	dead  bool
}

func (c *cable) Observe(ctx context.Context, kind string, sc actuators.Scope) ([]actuators.Observed, error) {
	c.world.mu.Lock()
	c.dead = c.dead || c.world.broken[c.host]
	dead := c.dead
	c.world.mu.Unlock()
	if dead {
		return nil, fmt.Errorf("the pipe broke: %w", exec.ErrUnreachable)
	}
	return c.Executor.Observe(ctx, kind, sc)
}

// scene is a controller over a world and a repository.
type scene struct {
	*testing.T
	*reconcile.Controller
	world *world
	repo  *repository
	store *journal.Store
	dir   string
	stop  func()       // the loop
	ahead atomic.Int64 // of the true time, in ns

	mu      sync.Mutex
	notices []notify.Notice
}

const ground = "site: boston: {}\nhost: h1: site: \"boston\"\nhost: h2: site: \"boston\"\n"

func newScene(t *testing.T) *scene {
	s := &scene{T: t, world: newWorld(), repo: newRepository(), dir: t.TempDir(), stop: func() {}}
	var err error
	if s.store, err = journal.Open(filepath.Join(s.dir, "journal.db"), journal.Options{Version: "test"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	s.wire()
	return s
}

// wire makes a new controller over the same store, as a restart does.
func (s *scene) wire() { s.wireWith(func(*reconcile.Options) {}) }

func (s *scene) wireWith(change func(*reconcile.Options)) {
	kinds := s.world.kinds()
	o := reconcile.Options{
		Config: reconcile.Config{State: s.dir}, Kinds: kinds, Source: s.repo, Store: s.store, Dial: s.world.dialer(kinds, s.dir),
		Again: 5 * time.Millisecond, Tell: notify.To(s.tell), Now: func() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) },
	}
	change(&o)
	s.Controller = reconcile.New(o)
	s.Cleanup(s.Controller.Close)
}

func (s *scene) tell(n notify.Notice) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.notices = append(s.notices, n)
}

func (s *scene) told(reason string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, notice := range s.notices {
		if notice.Reason == reason {
			n++
		}
	}
	return n
}

// run starts the loop, until stop or the end of the test.
func (s *scene) run() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	c := s.Controller
	go func() { ended <- c.Run(ctx) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			s.Errorf("the loop ended with %v", err)
		}
	})
	s.Cleanup(s.stop)
}

// until waits for a condition.
func (s *scene) until(what string, condition func() bool) {
	s.Helper()
	deadline := time.NewTimer(20 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-deadline.C:
			status, _ := json.MarshalIndent(s.Status(), "", " ")
			s.Fatalf("never: %s; status %s", what, status)
		}
	}
}

func (s *scene) applied(id string) {
	s.Helper()
	s.until(id[:3]+" is applied", func() bool { return s.Status().Applied == id })
}

func pool(name, host string) schema.Instance { return schema.MakeID("pool", name).On(host) }
