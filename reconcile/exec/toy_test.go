package exec_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// The toy kind: a file of two lines, written in two halves, so that half a Do can be seen.

type pairSpec struct {
	Path string `json:"path"`
	Big  int    `json:"big,omitempty"` // Observe invents this many states of 100 kB
}

type pairState struct {
	Config pairConfig `json:"config"`
	Status struct{}   `json:"status"`
}

type pairConfig struct {
	Text string `json:"text,omitempty"`
}

type pairParams struct {
	Path   string `json:"path"`
	A      string `json:"a"`
	B      string `json:"b"`
	Sleep  string `json:"sleep,omitempty"`  // between the halves a program sleeps this long
	Deaf   string `json:"deaf,omitempty"`   // between the halves it waits until this file is gone, whatever the context says
	Fail   string `json:"fail,omitempty"`   // fails with this class
	Secret string `json:"secret,omitempty"` // reads a secret and gives it to a program
}

type pairBefore struct {
	Text string `json:"text"`
}

var failures = map[string]error{
	"not found": actuators.ErrNotFound, "transient": actuators.ErrTransient, "refused": actuators.ErrRefused,
	"foreign": actuators.ErrForeign, "stuck": actuators.ErrStuck, "reverted": exec.ErrReverted,
}

var registry = actuators.NewRegistry(actuators.Define(actuators.Def[pairSpec, pairState]{
	Name: "pair", Where: schema.OnHost,
	Observe: observePair,
	Diff:    func(*pairSpec, actuators.Have[pairState]) actuators.Diff { return actuators.Diff{} },
	Steps: func(actuators.Subject, actuators.Diff, *pairSpec, actuators.Have[pairState]) ([]actuators.Step, error) {
		return nil, nil
	},
	Ops: []actuators.AnyOp{actuators.Op[pairParams, pairBefore, pairState]{
		Name: "set", Version: 1, Reversal: actuators.Exact, Timeout: 20 * time.Second,
		Preflight: func(_ context.Context, _ actuators.Host, p pairParams) error { return p.failure() },
		Capture:   capturePair, Do: doPair, Undo: undoPair,
		Predict: func(p pairParams, _ *pairState) *pairState {
			return &pairState{Config: pairConfig{Text: p.A + "\n" + p.B + "\n"}}
		},
	}, tally, shared},
	Watch: watchPair, Stamp: stampPair,
}), actuators.Define(actuators.Def[pairSpec, pairState]{
	Name: "polled", Where: schema.OnHost, Observe: observePair,
	Diff: func(*pairSpec, actuators.Have[pairState]) actuators.Diff { return actuators.Diff{} },
	Steps: func(actuators.Subject, actuators.Diff, *pairSpec, actuators.Have[pairState]) ([]actuators.Step, error) {
		return nil, nil
	},
}))

func (p pairParams) failure() error {
	if p.Fail == "" {
		return nil
	}
	return fmt.Errorf("cannot set pair %s: %w", p.Path, failures[p.Fail])
}

func observePair(_ context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[pairState], error) {
	var all []actuators.Live[pairState]
	for _, target := range sc.Targets {
		var spec pairSpec
		if err := json.Unmarshal(target.Spec, &spec); err != nil {
			return nil, err
		}
		for i := range spec.Big {
			text := strings.Repeat("x", 100<<10)
			id := schema.MakeID("pair", fmt.Sprint("big", i))
			all = append(all, actuators.Live[pairState]{ID: id, State: pairState{Config: pairConfig{Text: text}}})
		}
		data, err := h.ReadFile(spec.Path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		mark := actuators.ParseMark("plumb:test:" + string(target.ID) + ":cafe")
		all = append(all, actuators.Live[pairState]{ID: target.ID, Mark: mark, State: pairState{Config: pairConfig{Text: string(data)}}})
	}
	return all, nil
}

// stampPair is what the files hold; without any it fails.
func stampPair(_ context.Context, h actuators.Host, sc actuators.Scope) (string, error) {
	all, err := observePair(context.Background(), h, sc)
	if err == nil && len(all) == 0 {
		err = actuators.ErrNotFound
	}
	data, _ := json.Marshal(all)
	return string(data), err
}

func capturePair(_ context.Context, h actuators.Host, p pairParams) (pairBefore, error) {
	data, err := h.ReadFile(p.Path)
	if errors.Is(err, actuators.ErrNotFound) {
		return pairBefore{}, nil
	}
	return pairBefore{Text: string(data)}, err
}

func doPair(ctx context.Context, h actuators.Host, p pairParams, _ pairBefore) error {
	if err := p.failure(); err != nil {
		return err
	}
	if err := h.WriteFile(p.Path, []byte(p.A+"\n"), 0o600); err != nil {
		return err
	}
	if p.Secret != "" {
		if err := useSecret(ctx, h, p); err != nil {
			return err
		}
	}
	if p.Sleep != "" {
		if _, err := h.Run(ctx, actuators.Cmd{Argv: []string{"sleep", p.Sleep}}); err != nil {
			return err
		}
	}
	for p.Deaf != "" {
		if _, err := os.Stat(p.Deaf); err != nil {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	return h.WriteFile(p.Path, []byte(p.A+"\n"+p.B+"\n"), 0o600)
}

func useSecret(ctx context.Context, h actuators.Host, p pairParams) error {
	secret, err := h.Secret(actuators.Secret{Name: p.Secret})
	if err != nil {
		return err
	}
	_, err = h.Run(ctx, actuators.Cmd{Argv: []string{"dd", "status=none", "of=" + p.Path + ".used"}, Stdin: secret})
	return err
}

func undoPair(_ context.Context, h actuators.Host, p pairParams, before pairBefore) error {
	if err := p.failure(); err != nil {
		return err
	}
	data, err := h.ReadFile(p.Path)
	if err != nil && !errors.Is(err, actuators.ErrNotFound) {
		return err
	}
	switch string(data) {
	case before.Text:
		return nil
	case p.A + "\n", p.A + "\n" + p.B + "\n":
		if before.Text == "" {
			return h.Remove(p.Path)
		}
		return h.WriteFile(p.Path, []byte(before.Text), 0o600)
	}
	return actuators.Stuck(p.Path, string(data), before.Text)
}

func watchPair(_ context.Context, h actuators.Host, emit func(actuators.Event)) error {
	for i := range 3 {
		emit(actuators.Event{ID: "pair/p", Time: h.Now(), Text: fmt.Sprint("hint ", i)})
	}
	return fmt.Errorf("the source broke: %w", actuators.ErrTransient)
}
