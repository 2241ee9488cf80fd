package sim

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/schema"
)

var pid = os.Getpid()

// Put makes a thing as somebody else would: mark nil is nobody's.
func (w *World) Put(i schema.Instance, state string, mark *actuators.Mark) error {
	return w.on(i.Host, func(v *visit) error {
		at, err := v.slot(i.ID)
		if err != nil {
			return err
		}
		if !json.Valid([]byte(state)) {
			return fmt.Errorf("cannot put %s: its state is no JSON: %s", i, state)
		}
		at.Here, at.Gone = &Thing{Mark: mark, State: json.RawMessage(state)}, false
		return v.put(i.ID, at, "put by hand")
	})
}

// Sabotage sets a value of a thing's config behind everybody's back, by its path ("memory.now"); nil takes it out.
func (w *World) Sabotage(i schema.Instance, path string, value any) error {
	return w.on(i.Host, func(v *visit) error {
		at, err := v.slot(i.ID)
		if err != nil {
			return err
		}
		if at.Here == nil {
			return fmt.Errorf("cannot sabotage %s: %w", i, actuators.ErrNotFound)
		}
		state, err := set(at.Here.State, strings.Split("config."+path, "."), value)
		if err != nil {
			return err
		}
		at.Here = &Thing{Mark: at.Here.Mark, State: state}
		return v.put(i.ID, at, "changed by hand: "+path)
	})
}

func set(state json.RawMessage, path []string, value any) (json.RawMessage, error) {
	whole, err := decode(state)
	if err != nil {
		return nil, err
	}
	at := whole
	for _, key := range path[:len(path)-1] {
		inner, ok := at[key].(map[string]any)
		if !ok {
			inner = map[string]any{}
			at[key] = inner
		}
		at = inner
	}
	if at[path[len(path)-1]] = value; value == nil {
		delete(at, path[len(path)-1])
	}
	return json.Marshal(whole)
}

// Destroy takes a thing away behind everybody's back.
func (w *World) Destroy(i schema.Instance) error {
	return w.on(i.Host, func(v *visit) error {
		k, err := w.kind(i.ID.Kind())
		if err != nil {
			return err
		}
		at, err := v.slot(i.ID)
		if err != nil {
			return err
		}
		at.Here, at.Gone = nil, !k.Changes()
		return v.put(i.ID, at, "destroyed by hand")
	})
}

// Kill lets a host answer nobody; its things stay.
func (w *World) Kill(host string) error { return w.dead(host, true) }

// Revive lets it answer again.
func (w *World) Revive(host string) error { return w.dead(host, false) }

func (w *World) dead(host string, dead bool) error {
	return w.on(host, func(v *visit) error {
		v.state().Dead = dead
		return nil
	})
}

// Thing gives what is there of an instance, or nil.
func (w *World) Thing(i schema.Instance) (here *Thing, err error) {
	err = w.on(i.Host, func(v *visit) error {
		at, err := v.slot(i.ID)
		here = at.Here
		return err
	})
	return here, err
}

// Picture is all live things with config and mark, a line each, in order: two worlds are alike when their pictures are.
func (w *World) Picture() (string, error) {
	var lines []string
	for _, name := range w.names() {
		err := w.on(name, func(v *visit) error {
			for _, kind := range w.reg.Names() {
				s, err := v.shelf(kind)
				if err != nil {
					return err
				}
				for id, at := range s.Slots {
					if at.Here != nil {
						lines = append(lines, line(id.On(name), at.Here))
					}
				}
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n"), nil
}

func line(i schema.Instance, t *Thing) string {
	var halves struct {
		Config any `json:"config"`
	}
	if err := json.Unmarshal(t.State, &halves); err != nil {
		return i.String() + " " + err.Error()
	}
	owner := "nobody's"
	if t.Mark != nil {
		owner = t.Mark.Installation
	}
	return fmt.Sprintf("%s %s %s", i, owner, text(halves.Config))
}

// names are all hosts, of files too.
func (w *World) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for name := range w.hosts {
		names = append(names, name)
	}
	if w.opts.Dir != "" {
		dirs, _ := filepath.Glob(filepath.Join(w.opts.Dir, "@*"))
		for _, dir := range dirs {
			if name, err := unescape(filepath.Base(dir)); err == nil && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}
