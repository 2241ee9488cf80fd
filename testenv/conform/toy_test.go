package conform

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/schema"
)

// A toy is a file with a size and a colour, and a second file that lists it, so that a Do can be half done. A toy that is
// taken away is set aside.
type toySpec struct {
	Size   int    `json:"size"`
	Colour string `json:"colour"`
	Secret string `json:"secret,omitempty"`
}

type toyState struct {
	Config toyConfig `json:"config"`
	Status struct{}  `json:"status"`
}

type toyConfig struct {
	Size   int    `json:"size,omitempty"`
	Colour string `json:"colour,omitempty"`
	Listed bool   `json:"listed,omitempty"`

	Scratch string `json:"scratch,omitempty"`
}

// toyFile is what the file holds.
type toyFile struct {
	Mark   *actuators.Mark `json:"mark,omitempty"`
	Size   int             `json:"size"`
	Colour string          `json:"colour"`

	Scratch string `json:"scratch,omitempty"` // shown, and decided by no op
}

type toyParams struct {
	Mark   actuators.Mark `json:"mark"`
	Size   int            `json:"size,omitempty"`
	Colour string         `json:"colour,omitempty"`
	Secret string         `json:"secret,omitempty"`
	Time   int64          `json:"time,omitempty"`
}

type toyBefore struct {
	File   *toyFile `json:"file,omitempty"`
	Aside  *toyFile `json:"aside,omitempty"`
	Listed bool     `json:"listed,omitempty"`
	Secret string   `json:"secret,omitempty"`
}

// toy is one kind with one fault, or none.
type toy struct {
	fault string
	set   actuators.Reversal // of the op set; "" is exact
}

func (k toy) kind() *actuators.Kind {
	return actuators.Define(actuators.Def[toySpec, toyState]{
		Name: "toy", Where: schema.OnHost, Observe: k.observe, Stamp: k.stamp, Watch: k.watch, Diff: k.diff, Steps: k.steps,
		Ops:    []actuators.AnyOp{k.op("create"), k.op("set"), k.op("retire"), k.op("restore"), k.op("purge"), k.op("adopt"), k.renameOp()},
		Rename: k.rename,
	})
}

func path(h actuators.Host, name string) string  { return filepath.Join(h.StateDir(), name+".toy") }
func aside(h actuators.Host, name string) string { return filepath.Join(h.StateDir(), name+".aside") }
func list(h actuators.Host, name string) string  { return filepath.Join(h.StateDir(), name+".list") }

func read(h actuators.Host, path string) (*toyFile, error) {
	data, err := h.ReadFile(path)
	if errors.Is(err, actuators.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var f toyFile
	return &f, json.Unmarshal(data, &f)
}

func write(h actuators.Host, path string, f *toyFile) error {
	if f == nil {
		return h.Remove(path)
	}
	data, _ := json.Marshal(f)
	return h.WriteFile(path, data, 0o600)
}

func isListed(h actuators.Host, name string) bool {
	_, err := h.ReadFile(list(h, name))
	return err == nil
}

func setListed(h actuators.Host, name string, on bool) error {
	if !on {
		return h.Remove(list(h, name))
	}
	return h.WriteFile(list(h, name), []byte(name), 0o600)
}

func (k toy) observe(ctx context.Context, h actuators.Host, sc actuators.Scope) ([]actuators.Live[toyState], error) {
	if ctx.Err() != nil && k.fault == "absent without time" {
		return nil, nil
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	names, err := filepath.Glob(filepath.Join(h.StateDir(), "*.*"))
	if err != nil {
		return nil, err
	}
	wanted := map[string]bool{}
	for _, target := range sc.Targets {
		wanted[target.ID.Name()] = true
	}
	var lives []actuators.Live[toyState]
	for _, file := range names {
		name, ext, _ := strings.Cut(filepath.Base(file), ".")
		if ext == "list" || !sc.All && !wanted[name] || sc.All && k.fault == "all misses some" && wanted[name] {
			continue
		}
		f, err := read(h, file)
		if err != nil && k.fault == "absent on an error" {
			continue
		}
		unseen := actuators.Live[toyState]{ID: schema.MakeID("toy", name), Unknown: fmt.Sprint(err)}
		switch {
		case err != nil && k.fault == "one hides all":
			return nil, err
		case err != nil && k.fault == "one hides others":
			return []actuators.Live[toyState]{unseen}, nil
		case err != nil:
			lives = append(lives, unseen)
			continue
		}
		lives = append(lives, actuators.Live[toyState]{ID: schema.MakeID("toy", name), Mark: f.Mark, Retired: ext == "aside",
			State: toyState{Config: toyConfig{Size: f.Size, Colour: f.Colour, Listed: ext == "toy" && isListed(h, name), Scratch: f.Scratch}}})
	}
	return lives, nil
}

// stamp is the content of all files.
func (k toy) stamp(ctx context.Context, h actuators.Host, _ actuators.Scope) (string, error) {
	names, err := filepath.Glob(filepath.Join(h.StateDir(), "*.*"))
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range names {
		data, err := h.ReadFile(name)
		if err != nil {
			return "", err
		}
		if k.fault == "a stamp of names" {
			data = nil
		}
		fmt.Fprintf(sum, "%s %d %s\n", name, len(data), data)
	}
	if k.fault == "a stamp of the time" {
		fmt.Fprint(sum, time.Now().UnixNano())
	}
	return hex.EncodeToString(sum.Sum(nil)), ctx.Err()
}

func (k toy) watch(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
	emit(actuators.Event{Time: h.Now(), Standing: k.fault != "never stands"})
	<-ctx.Done()
	return ctx.Err()
}

func (k toy) diff(want *toySpec, have actuators.Have[toyState]) actuators.Diff {
	var d actuators.Diff
	switch {
	case want == nil && have.Here != nil:
		d.Action = actuators.Retire
	case want == nil:
	case have.Here == nil && have.Retired != nil && k.fault != "made anew instead of restored":
		d.Action = actuators.Restore
	case have.Here == nil:
		d.Action = actuators.Create
	case !have.Owned:
		d.Action = actuators.Adopting
	default:
		d.Field("size", have.Here.Config.Size, want.Size, "")
		if k.fault != "blind to sabotage" {
			d.Field(map[bool]string{false: "colour", true: "size"}[k.fault == "names the wrong field"], have.Here.Config.Colour, want.Colour, "")
		}
		d.Field("listed", have.Here.Config.Listed, true, "")
		if k.fault == "never content" {
			d.Field("never", 1, 2, "")
		}
	}
	return d.Settle()
}

func (k toy) steps(sub actuators.Subject, d actuators.Diff, want *toySpec, _ actuators.Have[toyState]) ([]actuators.Step, error) {
	p := toyParams{Mark: sub.Mark}
	if want != nil {
		p.Size, p.Colour = want.Size, want.Colour
	}
	if want != nil && k.fault == "a secret in params" {
		p.Secret = want.Secret
	}
	if k.fault == "steps read the clock" {
		p.Time = time.Now().UnixNano()
	}
	switch d.Action {
	case actuators.Create:
		return []actuators.Step{actuators.NewStep("create", p, "make it")}, nil
	case actuators.Update:
		return []actuators.Step{actuators.NewStep("set", p, "change it")}, nil
	case actuators.Retire:
		return []actuators.Step{actuators.NewStep("retire", p, "set it aside")}, nil
	case actuators.Restore:
		return []actuators.Step{actuators.NewStep("restore", p, "put it back"), actuators.NewStep("set", p, "change it")}, nil
	case actuators.Purge:
		return []actuators.Step{actuators.NewStep("purge", p, "destroy it")}, nil
	case actuators.Adopting:
		return []actuators.Step{actuators.NewStep("adopt", p, "mark it")}, nil
	}
	return nil, nil
}

func (k toy) op(name string) actuators.Op[toyParams, toyBefore, toyState] {
	o := actuators.Op[toyParams, toyBefore, toyState]{
		Name: name, Reversal: actuators.Exact, Timeout: 300 * time.Millisecond,
		Capture: func(_ context.Context, h actuators.Host, p toyParams) (toyBefore, error) {
			return k.capture(name, h, p)
		},
		Do: func(ctx context.Context, h actuators.Host, p toyParams, _ toyBefore) error {
			if k.fault == "deaf" && ctx.Err() != nil {
				time.Sleep(grace + 50*time.Millisecond)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			return k.do(name, h, p)
		},
		Undo: func(_ context.Context, h actuators.Host, p toyParams, before toyBefore) error {
			return k.undo(name, h, p, before)
		},
		Predict: func(p toyParams, have *toyState) *toyState { return k.predict(name, p, have) },
	}
	if name == "set" && k.set != "" {
		o.Reversal = k.set
	}
	if name == "purge" {
		o.Reversal = actuators.NoReversal
	}
	if o.Reversal == actuators.Kept || o.Reversal == actuators.NoReversal {
		o.Undo = nil
	}
	return o
}

func (k toy) predict(op string, p toyParams, have *toyState) *toyState {
	switch {
	case op == "retire":
		return nil
	case op == "adopt" || op == "purge":
		return have
	case k.fault == "predict lies" && op == "set":
		p.Size++
	}
	return &toyState{Config: toyConfig{Size: p.Size, Colour: p.Colour, Listed: true}}
}

func (k toy) capture(op string, h actuators.Host, p toyParams) (b toyBefore, err error) {
	name := p.Mark.ID.Name()
	if b.File, err = read(h, path(h, name)); err != nil {
		return b, err
	}
	if b.Aside, err = read(h, aside(h, name)); err != nil {
		return b, err
	}
	b.Listed = isListed(h, name)
	if k.fault == "a secret in before" {
		b.Secret = "hunter2"
	}
	if k.fault == "capture changes" && b.File != nil {
		return b, write(h, path(h, name), &toyFile{Mark: b.File.Mark, Size: b.File.Size, Colour: "captured"})
	}
	return b, k.mine(op, b.File, p)
}

// mine refuses a file that is there and not ours.
func (k toy) mine(op string, f *toyFile, p toyParams) error {
	if f == nil || op == "adopt" || f.Mark != nil && f.Mark.Installation == p.Mark.Installation {
		return nil
	}
	if op == "create" && k.fault == "destroys foreign" || op == "retire" && k.fault == "removes foreign" {
		return nil
	}
	return actuators.Foreign("the toy")
}

func (k toy) do(op string, h actuators.Host, p toyParams) error {
	name := p.Mark.ID.Name()
	f, err := read(h, path(h, name))
	if err != nil {
		return err
	}
	if err := k.mine(op, f, p); err != nil {
		return err
	}
	made := &toyFile{Mark: &p.Mark, Size: p.Size, Colour: p.Colour}
	switch op {
	case "create", "set":
		if k.fault == "no mark" {
			made.Mark = nil
		}
		if k.fault == "do adds up" && f != nil && op == "set" {
			made.Colour = f.Colour + p.Colour[:1]
		}
		if k.fault == "do twice fails" && f != nil && op == "create" {
			return errors.New("it exists")
		}
		if k.fault == "touches others" {
			if err := write(h, path(h, "neighbour"), made); err != nil {
				return err
			}
		}
		return errors.Join(write(h, path(h, name), made), setListed(h, name, true))
	case "retire":
		if f == nil {
			return setListed(h, name, false)
		}
		if k.fault == "leaves something" {
			if err := h.WriteFile(path(h, "scrap"), []byte("{}"), 0o600); err != nil {
				return err
			}
		}
		if err := write(h, aside(h, name), f); err != nil {
			return err
		}
		return errors.Join(write(h, path(h, name), nil), setListed(h, name, false))
	case "restore":
		old, err := read(h, aside(h, name))
		if err != nil {
			return err
		}
		if old != nil && f == nil {
			if err := write(h, path(h, name), made); err != nil {
				return err
			}
		}
		return errors.Join(write(h, aside(h, name), nil), setListed(h, name, true))
	case "purge":
		switch k.fault {
		case "purges nothing":
			return nil
		case "purges others":
			return errors.Join(write(h, aside(h, name), nil), write(h, path(h, "neighbour"), nil))
		}
		return write(h, aside(h, name), nil)
	case "adopt":
		if f == nil {
			return fmt.Errorf("cannot adopt: %w", actuators.ErrNotFound)
		}
		f.Mark = &p.Mark
		if k.fault == "adopting changes" {
			f.Size = 10
		}
		return write(h, path(h, name), f)
	}
	return nil
}

func (k toy) undo(op string, h actuators.Host, p toyParams, before toyBefore) error {
	name := p.Mark.ID.Name()
	switch k.fault {
	case "forgets the undo":
		if op == "create" {
			return nil
		}
	case "forgets the undo of an adoption":
		if op == "adopt" {
			return nil
		}
	case "undoes whole Dos only":
		if op == "create" && !isListed(h, name) {
			return nil
		}
	case "undo works once":
		if f, err := read(h, path(h, name)); op == "create" && (err != nil || f == nil) {
			return errors.New("nothing to undo")
		}
	case "leaves what it need not restore":
		if op == "set" && before.File != nil {
			before.File.Scratch = "undone"
		}
	case "undo forgets a part":
		before.Listed = true
	}
	err := write(h, path(h, name), before.File)
	return errors.Join(err, write(h, aside(h, name), before.Aside), setListed(h, name, before.Listed))
}

func remove(paths ...string) {
	for _, path := range paths {
		if err := os.Remove(path); err != nil {
			panic(err)
		}
	}
}
