package vip

import (
	"context"
	"errors"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// settle bounds an op until a host answers on the address: three adverts of the longest useful interval, and a start.
const settle = 45 * time.Second

// params serve every op of the kind.
type params struct {
	Mark actuators.Mark `json:"mark"`
	Name string         `json:"name"`
	Router
}

// before is what an op found; an empty text is an absent file.
type before struct {
	Text    string   `json:"text,omitempty"`
	Main    string   `json:"main,omitempty"`
	Missing []string `json:"missing,omitempty"` // directories
	Running bool     `json:"running,omitempty"`
}

var (
	create = writing("create")
	update = writing("update")
	run    = writing("run")
	remove = actuators.Op[params, before, State]{
		Name: "remove", Reversal: actuators.Exact, Timeout: settle,
		Capture: capture,
		Do: func(ctx context.Context, h actuators.Host, p params, b before) error {
			if err := drop(ctx, h, p); err != nil || b.Main != mainText {
				return err
			}
			return rest(ctx, h)
		},
		Undo:    undo,
		Predict: func(params, *State) *State { return nil },
	}
	// adopt writes the mark before the file, and nothing else; keepalived has nothing to read anew.
	adopt = actuators.Op[params, before, State]{
		Name: "adopt", Reversal: actuators.Exact,
		Capture: func(_ context.Context, h actuators.Host, p params) (before, error) {
			content, err := readFile(h, confPath(p.Name))
			if _, mark := parse(p.Name, content); err == nil && mark != nil && !ours(mark, p.Mark) {
				err = actuators.Foreign(confPath(p.Name))
			}
			return before{Text: content}, err
		},
		Do: func(_ context.Context, h actuators.Host, p params, b before) error {
			return h.WriteFile(confPath(p.Name), []byte(headed(p.Mark, b.Text)), 0o644)
		},
		Undo: func(_ context.Context, h actuators.Host, p params, b before) error {
			content, err := readFile(h, confPath(p.Name))
			if err != nil || content == b.Text {
				return err
			}
			if content != headed(p.Mark, b.Text) {
				return actuators.Stuck(confPath(p.Name), "another text", "as captured")
			}
			return h.WriteFile(confPath(p.Name), []byte(b.Text), 0o644)
		},
		Predict: func(_ params, have *State) *State { return have },
	}
)

func headed(m actuators.Mark, content string) string { return "# " + m.String() + "\n" + content }

// writing brings file and daemon to what is wanted, whatever of that is missing. It is over when some host answers on the
// address: what needs it, such as a name in the DNS, comes after.
func writing(name string) actuators.Op[params, before, State] {
	return actuators.Op[params, before, State]{
		Name: name, Reversal: actuators.Exact, Timeout: settle,
		Preflight: func(ctx context.Context, h actuators.Host, p params) error {
			if _, err := capture(ctx, h, p); err != nil {
				return err
			}
			return try(ctx, h, p.Name, text(p.Name, p.Mark, p.Router))
		},
		Capture: capture,
		Do: func(ctx context.Context, h actuators.Host, p params, b before) error {
			wanted := text(p.Name, p.Mark, p.Router)
			if err := try(ctx, h, p.Name, wanted); err != nil {
				return err
			}
			if b.Text == "" {
				if err := giveWay(ctx, p); err != nil {
					return err
				}
			}
			return put(ctx, h, p, wanted)
		},
		Undo: undo,
		Predict: func(p params, _ *State) *State {
			return &State{Config: Config{Router: p.Router}, Status: Status{Holds: true}}
		},
		Settled: func(l State) (bool, error) { return l.Status.known(), nil },
	}
}

func capture(_ context.Context, h actuators.Host, p params) (b before, err error) {
	if b.Text, err = ownFile(h, p); err != nil {
		return b, err
	}
	if b.Main, err = readFile(h, mainFile); err != nil {
		return b, err
	}
	if b.Missing, err = files.Missing(confDir); err != nil {
		return b, err
	}
	if b.Running, err = running(h); err != nil {
		return b, err
	}
	return b, mustInclude(b.Main)
}

// ownFile reads the file of the address, and refuses one that is not ours.
func ownFile(h actuators.Host, p params) (string, error) {
	content, err := readFile(h, confPath(p.Name))
	if err != nil || content == "" {
		return "", err
	}
	if _, mark := parse(p.Name, content); !ours(mark, p.Mark) {
		return "", actuators.Foreign(confPath(p.Name))
	}
	return content, nil
}

func ours(found *actuators.Mark, m actuators.Mark) bool {
	return found != nil && found.Installation == m.Installation && found.ID == m.ID
}

// put writes the file of the address, and the main file where there is none.
func put(ctx context.Context, h actuators.Host, p params, content string) error {
	if _, err := ownFile(h, p); err != nil {
		return err
	}
	if err := files.MakeDirs(confDir); err != nil {
		return err
	}
	if err := h.WriteFile(confPath(p.Name), []byte(content), 0o644); err != nil {
		return err
	}
	if err := regroup(h); err != nil {
		return err
	}
	main, err := readFile(h, mainFile)
	if err == nil && main == "" {
		err = h.WriteFile(mainFile, []byte(mainText), 0o644)
	}
	if err = errors.Join(err, mustInclude(main)); err != nil {
		return err
	}
	return reload(ctx, h)
}

// drop removes the file of the address. With the last address goes a main file of ours, and keepalived stops; otherwise it
// reads what is left.
func drop(ctx context.Context, h actuators.Host, p params) error {
	if _, err := ownFile(h, p); err != nil {
		return err
	}
	if err := h.Remove(confPath(p.Name)); err != nil {
		return err
	}
	if err := regroup(h); err != nil {
		return err
	}
	left, err := configured()
	if err != nil {
		return err
	}
	main, err := readFile(h, mainFile)
	switch {
	case err != nil || main == "":
		return err
	case main != mainText || len(left) > 0:
		return reload(ctx, h)
	}
	if err := h.Remove(mainFile); err != nil {
		return err
	}
	return service(ctx, h, "stop")
}

// rest stops a keepalived whose main file is gone: a removal that was cut off there goes on here.
func rest(ctx context.Context, h actuators.Host) error {
	main, err := readFile(h, mainFile)
	if err != nil || main != "" {
		return err
	}
	if on, err := running(h); err != nil || !on {
		return err
	}
	return service(ctx, h, "stop")
}

// undo puts the file back as it was, and the daemon with it.
func undo(ctx context.Context, h actuators.Host, p params, b before) error {
	live, err := readFile(h, confPath(p.Name))
	switch {
	case err != nil:
		return err
	case live != b.Text && live != "" && live != text(p.Name, p.Mark, p.Router):
		return actuators.Stuck(confPath(p.Name), "another text", "as captured")
	case b.Text == "":
		err = errors.Join(drop(ctx, h, p), files.RemoveDirs(b.Missing))
	default:
		err = put(ctx, h, p, b.Text)
	}
	if err != nil || b.Running {
		return err
	}
	return service(ctx, h, "stop")
}
