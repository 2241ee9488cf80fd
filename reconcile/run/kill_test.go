package run_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math/rand"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/run"
	"plumbline/schema"
)

// The real thing, killed with -9: a process of its own with a real store, a real executor and real files. A leaf is two
// files that one op writes one after the other.

const killedDir = "PLUMB_TEST_KILLED_DIR"

// TestMain makes this binary the process that is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv(killedDir); dir != "" {
		err := killable(dir, os.Stdout)
		fmt.Println("ended", err)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

type leafState struct {
	Config leaf     `json:"config"`
	Status struct{} `json:"status"`
}

type leaf struct {
	A string `json:"a,omitempty"`
	B string `json:"b,omitempty"`
}

type leafParams struct {
	Name string `json:"name"`
	Text string `json:"text"`
	Fail bool   `json:"fail,omitempty"`
}

func leaves(dir string) *actuators.Registry {
	read := func(h actuators.Host, name string) (*leaf, error) {
		var l leaf
		for half, into := range map[string]*string{"a": &l.A, "b": &l.B} {
			data, err := h.ReadFile(filepath.Join(dir, name+"."+half))
			if err != nil && !errors.Is(err, actuators.ErrNotFound) && !errors.Is(err, fs.ErrNotExist) {
				return nil, err
			}
			*into = string(data)
		}
		if l == (leaf{}) {
			return nil, nil
		}
		return &l, nil
	}
	write := func(h actuators.Host, name, half, text string) error {
		path := filepath.Join(dir, name+"."+half)
		if text == "" {
			return h.Remove(path)
		}
		return h.WriteFile(path, []byte(text), 0o600)
	}
	return actuators.NewRegistry(actuators.Define(actuators.Def[leafParams, leafState]{
		Name: "leaf", Where: schema.OnHost, Unmarked: true,
		Observe: func(_ context.Context, h actuators.Host, sc actuators.Scope) (out []actuators.Live[leafState], err error) {
			for _, target := range sc.Targets {
				l, err := read(h, target.ID.Name())
				if err != nil {
					return nil, err
				}
				if l != nil {
					out = append(out, actuators.Live[leafState]{ID: target.ID, State: leafState{Config: *l}})
				}
			}
			return out, nil
		},
		Diff: func(*leafParams, actuators.Have[leafState]) actuators.Diff { return actuators.Diff{} },
		Steps: func(actuators.Subject, actuators.Diff, *leafParams, actuators.Have[leafState]) ([]actuators.Step, error) {
			return nil, nil
		},
		Ops: []actuators.AnyOp{actuators.Op[leafParams, *leaf, leafState]{
			Name: "write", Reversal: actuators.Exact,
			Capture: func(_ context.Context, h actuators.Host, p leafParams) (*leaf, error) { return read(h, p.Name) },
			Do: func(_ context.Context, h actuators.Host, p leafParams, _ *leaf) error {
				if err := write(h, p.Name, "a", p.Text); err != nil || p.Fail {
					return errors.Join(err, errors.New("told to fail"))
				}
				return write(h, p.Name, "b", p.Text)
			},
			Undo: func(_ context.Context, h actuators.Host, p leafParams, before *leaf) error {
				var was leaf
				if before != nil {
					was = *before
				}
				return errors.Join(write(h, p.Name, "b", was.B), write(h, p.Name, "a", was.A))
			},
			Predict: func(p leafParams, _ *leafState) *leafState { return &leafState{Config: leaf{p.Text, p.Text}} },
		}},
	}))
}

// leafHosts is this machine under every name.
type leafHosts struct {
	reg *actuators.Registry
	dir string
}

func (h leafHosts) Get(context.Context, string) (exec.Executor, error) {
	dirs := exec.Dirs{State: filepath.Join(h.dir, "state")}
	return exec.Local(h.reg, exec.NewMachine("h1", dirs), exec.Options{}), nil
}

func (h leafHosts) Fresh(ctx context.Context, name string) (exec.Executor, error) {
	return h.Get(ctx, name)
}
func (h leafHosts) Drop(string) {}

// loud is the journal that tells each acknowledged record to whoever listens.
type loud struct {
	*journal.Store
	out interface{ WriteString(string) (int, error) }
}

func (l loud) Append(records ...journal.Record) error {
	err := l.Store.Append(records...)
	if err == nil {
		for _, r := range records {
			_, _ = l.out.WriteString("ack " + r.Step + " " + string(r.State) + "\n")
		}
	}
	return err
}

const leavesPerLane = 4

// leafPlan is three lanes of four leaves each, half of which are there before; the last step of lane 2 fails.
func leafPlan(id string) *plan.Plan {
	p := &plan.Plan{ID: id, Commit: id}
	for lane := 1; lane <= 3; lane++ {
		l := plan.Lane{ID: lane}
		for n := range leavesPerLane {
			name := fmt.Sprintf("l%d%d", lane, n)
			i := schema.MakeID("leaf", name).On("h1")
			params, _ := json.Marshal(leafParams{Name: name, Text: "new", Fail: lane == 2 && n == leavesPerLane-1})
			step := actuators.Step{
				ID: name, Op: "write", Host: "h1", Params: params, Instance: i, Version: 1, Reversal: actuators.Exact, Lane: lane, Timeout: 5 * time.Second,
			}
			if n > 0 {
				step.Needs = []string{fmt.Sprintf("l%d%d", lane, n-1)}
			}
			c := &plan.Change{Instance: i, Lane: lane, Want: json.RawMessage(`{}`), Entry: &inventory.Entry{Instance: i, Hash: "new"}}
			if n%2 == 0 {
				c.Have.Here = json.RawMessage(`{"config":{"a":"old","b":"old"}}`)
			}
			l.Objects = append(l.Objects, i)
			p.Steps, p.Changes = append(p.Steps, step), append(p.Changes, c)
		}
		p.Lanes = append(p.Lanes, l)
	}
	return p
}

func plantLeaves(dir string) error {
	if err := os.MkdirAll(filepath.Join(dir, "state"), 0o700); err != nil {
		return err
	}
	for lane := 1; lane <= 3; lane++ {
		for n := 0; n < leavesPerLane; n += 2 {
			for _, half := range []string{"a", "b"} {
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("l%d%d.%s", lane, n, half)), []byte("old"), 0o600); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// killable runs the plan, or resumes it when it is open.
func killable(dir string, out *os.File) error {
	store, err := journal.Open(filepath.Join(dir, "state.db"), journal.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	reg := leaves(dir)
	in := run.Input{Plan: leafPlan("p1"), Store: loud{store, out}, Hosts: leafHosts{reg, dir}, Kinds: reg, Parallel: 3}
	open, err := store.OpenPlans()
	if err != nil {
		return err
	}
	if past, err := store.Plan("p1"); err == nil && past.EndedAt != nil {
		return nil // killed after the end
	}
	_, _ = out.WriteString("ready\n")
	if len(open) > 0 {
		_, err = run.Resume(context.Background(), in)
	} else {
		_, err = run.Run(context.Background(), in)
	}
	return err
}

// killOnce starts the process, kills it after a number of acknowledged records and a moment, and gives what was
// acknowledged; ended tells that it was faster.
func killOnce(t *testing.T, dir string, after int, moment time.Duration) (acks []string, ended bool) {
	cmd := osexec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), killedDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	must(t, err)
	must(t, cmd.Start())
	kill := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
	defer kill.Stop()
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "ack "):
			acks = append(acks, strings.TrimPrefix(line, "ack "))
		case strings.HasPrefix(line, "ended"):
			ended = true
			if line != "ended <nil>" {
				t.Errorf("%s", line)
			}
		}
		if len(acks) == after {
			kill.Reset(moment)
		}
	}
	_ = cmd.Wait()
	return acks, ended
}

func TestKilledAtAnyMomentItResumesToAllDoneOrAllUndone(t *testing.T) {
	seed := time.Now().UnixNano()
	random := rand.New(rand.NewSource(seed))
	for round := range 12 {
		dir := t.TempDir()
		must(t, plantLeaves(dir))
		var acks []string
		for life, ended := 0, false; !ended; life++ {
			after := random.Intn(14)
			if life == 3 {
				after = -1
			}
			var more []string
			more, ended = killOnce(t, dir, after, time.Duration(random.Intn(3000))*time.Microsecond)
			acks = append(acks, more...)
			if life > 3 && !ended {
				t.Fatalf("seed %d: the last life did not end", seed)
			}
		}
		verifyLeaves(t, dir, acks)
		if t.Failed() {
			t.Fatalf("seed %d, round %d", seed, round)
		}
	}
}

func verifyLeaves(t *testing.T, dir string, acks []string) {
	store, err := journal.Open(filepath.Join(dir, "state.db"), journal.Options{})
	must(t, err)
	defer store.Close()
	records, err := store.Records("p1")
	must(t, err)
	written := map[string]bool{}
	for _, r := range records {
		written[r.Step+" "+string(r.State)] = true
	}
	for _, ack := range acks {
		if !written[ack] {
			t.Errorf("%q was acknowledged and is forgotten", ack)
		}
	}
	past, err := store.Plan("p1")
	must(t, err)
	var res run.Result
	must(t, json.Unmarshal(past.Result, &res))
	for _, l := range res.Lanes {
		if l.Lane == 2 && l.Outcome == run.LaneApplied {
			t.Errorf("the lane that fails is applied")
		}
		for n, i := range l.Objects {
			want := "new"
			if l.Outcome != run.LaneApplied {
				want = map[bool]string{true: "old", false: ""}[n%2 == 0]
			}
			for _, half := range []string{"a", "b"} {
				data, _ := os.ReadFile(filepath.Join(dir, i.ID.Name()+"."+half))
				if string(data) != want {
					t.Errorf("lane %d is %s, %s.%s is %q, want %q", l.Lane, l.Outcome, i.ID.Name(), half, data, want)
				}
			}
		}
	}
}
