package actuators

import (
	"encoding/json"
	"fmt"
)

// Action is what a plan does to an instance. Its String is the word in JSON, Glyph the sign in plan text.
type Action int

// The actions. The zero value is no change.
const (
	None Action = iota
	Create
	Update
	Migrate
	Replace
	Adopting
	Restore
	Retire
	Purge
)

var actionNames = [...]string{"none", "create", "update", "migrate", "replace", "adopt", "restore", "retire", "purge"}
var actionGlyphs = [...]string{" ", "+", "~", ">", "∓", "=", "^", "-", "x"}

// String is the action's word.
func (a Action) String() string { return actionNames[a] }

// Glyph is the action's sign in plan text.
func (a Action) Glyph() string { return actionGlyphs[a] }

// MarshalText makes an Action its word in JSON.
func (a Action) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads an action's word.
func (a *Action) UnmarshalText(text []byte) error {
	for i, name := range actionNames {
		if name == string(text) {
			*a = Action(i)
			return nil
		}
	}
	return fmt.Errorf("cannot read action %q", text)
}

// Removes tells whether the action takes something away from use.
func (a Action) Removes() bool { return a == Retire || a == Purge }

// Effect says when a changed field takes hold.
type Effect string

// The effects of a changed field. Empty means live.
const (
	EffectLive     Effect = "live"
	EffectNextBoot Effect = "next boot"
	EffectRestart  Effect = "restart"
	EffectNever    Effect = "never" // the substrate cannot change it; Diff still names it, Steps refuses
)

// Change is one field that differs. From and To are plain JSON values; nil is absent. Secrets never stand here.
type Change struct {
	Path   string `json:"path"`
	From   any    `json:"from,omitempty"`
	To     any    `json:"to,omitempty"`
	Effect Effect `json:"effect,omitempty"`
}

// Diff is how the live state of one instance differs from the declared fields of its spec.
type Diff struct {
	Action  Action   `json:"action"`
	Changes []Change `json:"changes,omitempty"`
	Notes   []string `json:"notes,omitempty"` // what is no diff but worth a line: "live size 2Gi is above the declared 1Gi"
}

// Field appends a change when from and to differ as JSON.
func (d *Diff) Field(path string, from, to any, effect Effect) {
	f, _ := json.Marshal(from)
	t, _ := json.Marshal(to)
	if string(f) != string(t) {
		d.Changes = append(d.Changes, Change{Path: path, From: from, To: to, Effect: effect})
	}
}

// Settle sets the action of a diff whose Changes are filled: Update if there are any.
func (d Diff) Settle() Diff {
	if d.Action == None && len(d.Changes) > 0 {
		d.Action = Update
	}
	return d
}
