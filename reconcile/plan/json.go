package plan

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// Document is the JSON form of a plan, shaped as Terraform's so that existing policy tools read it, with what that form
// lacks beside it.
type Document struct {
	FormatVersion   string            `json:"format_version"`
	Timestamp       time.Time         `json:"timestamp"`
	ObservedAt      time.Time         `json:"observed_at,omitzero"` // everything compared with was true then or later
	Source          Source            `json:"source"`
	EffectDigest    string            `json:"effect_digest"`
	Applyable       bool              `json:"applyable"` // there is something to do
	Complete        bool              `json:"complete"`  // nothing is refused, unknown or held
	Errored         bool              `json:"errored"`
	ResourceChanges []ResourceChange  `json:"resource_changes"`
	Steps           []StepDocument    `json:"steps"`
	Gates           []Gate            `json:"gates,omitempty"` // what many steps wait for together; steps name them among their needs
	Lanes           []Lane            `json:"lanes"`
	Refusals        []diff.Refusal    `json:"refusals,omitempty"`
	External        []schema.External `json:"external,omitempty"`
	Notes           []diff.Note       `json:"notes,omitempty"`
	Windows         []string          `json:"windows,omitempty"`
	Suspended       string            `json:"suspended,omitempty"` // why the controller changes nothing now
	Opens           time.Time         `json:"opens_at,omitzero"`   // when the first of what a window refuses may be done
}

// Source says which commits the plan stands between.
type Source struct {
	Base string `json:"base_sha,omitempty"`
	Head string `json:"head_sha"`
}

// ResourceChange is one instance. Scanning Change.Actions for "delete" finds everything that is taken away.
type ResourceChange struct {
	Address string             `json:"address"`
	Was     string             `json:"previous_address,omitempty"` // it is renamed in place
	Type    string             `json:"type"`
	Name    string             `json:"name"`
	Host    string             `json:"host,omitempty"`
	Pos     schema.Pos         `json:"declared"`
	Lane    int                `json:"lane"`
	Action  actuators.Action   `json:"action"`
	Fields  []actuators.Change `json:"fields,omitempty"`
	Change  struct {
		Actions []string        `json:"actions"`
		Before  json.RawMessage `json:"before"`
		After   json.RawMessage `json:"after"`
	} `json:"change"`
}

// StepDocument is one step; durations are in seconds.
type StepDocument struct {
	ID         string             `json:"id"`
	Address    string             `json:"address"`
	Host       string             `json:"host,omitempty"`
	Op         string             `json:"op"`
	Summary    string             `json:"summary"`
	Needs      []string           `json:"needs,omitempty"`
	Share      []string           `json:"share,omitempty"`
	Lane       int                `json:"lane"`
	Reversal   actuators.Reversal `json:"reversal"`
	Disruptive string             `json:"disruptive,omitempty"`
	Timeout    float64            `json:"timeout_s"`
	Hold       float64            `json:"hold_s,omitempty"`
	Confirm    float64            `json:"confirm_s,omitempty"`
}

var documentActions = map[actuators.Action][]string{
	actuators.None: {"no-op"}, actuators.Create: {"create"}, actuators.Update: {"update"}, actuators.Migrate: {"update"},
	actuators.Replace: {"delete", "create"}, actuators.Adopting: {"no-op"}, actuators.Restore: {"create"},
	actuators.Retire: {"delete"}, actuators.Purge: {"delete"},
}

// Document gives the plan's JSON form.
func (p *Plan) Document() Document {
	d := Document{
		FormatVersion: p.FormatVersion, Timestamp: p.CreatedAt, ObservedAt: p.ObservedAt, Source: Source{Base: p.Base, Head: p.Commit},
		EffectDigest: p.EffectDigest, Applyable: !p.Empty(), Complete: len(p.Refusals) == 0 && !p.held(),
		ResourceChanges: []ResourceChange{}, Steps: []StepDocument{}, Gates: p.Gates, Lanes: p.Lanes, Refusals: p.Refusals, External: p.External, Notes: p.Notes,
		Windows: p.Windows, Opens: p.Opens, Suspended: p.Suspended,
	}
	for _, c := range p.Changes {
		if c.Action != actuators.None {
			d.ResourceChanges = append(d.ResourceChanges, resourceChange(c))
		}
	}
	for _, s := range p.Steps {
		d.Steps = append(d.Steps, StepDocument{
			ID: s.ID, Address: s.Instance.String(), Host: s.Host, Op: s.Op, Summary: s.Summary, Needs: s.Needs, Share: s.Share, Lane: s.Lane,
			Reversal: s.Reversal, Disruptive: s.Disruptive, Timeout: s.Timeout.Seconds(), Hold: s.Hold.Seconds(), Confirm: s.Confirm.Seconds(),
		})
	}
	return d
}

func (p *Plan) held() bool {
	return slices.ContainsFunc(p.Lanes, func(l Lane) bool { return l.Held != "" })
}

func resourceChange(c *Change) ResourceChange {
	r := ResourceChange{
		Address: c.Instance.String(), Type: c.Instance.ID.Kind(), Name: c.Instance.ID.Name(), Host: c.Instance.Host,
		Pos: c.Pos, Lane: c.Lane, Action: c.Action, Fields: c.Diff.Changes,
	}
	if c.Was != "" {
		r.Was = c.Was.On(c.Instance.Host).String()
	}
	r.Change.Actions = documentActions[c.Action]
	r.Change.Before, r.Change.After = config(c.Have.Here), c.Want
	return r
}

// config is the compared half of a state.
func config(state json.RawMessage) json.RawMessage {
	var halves struct {
		Config json.RawMessage `json:"config"`
	}
	if len(state) == 0 || json.Unmarshal(state, &halves) != nil {
		return nil
	}
	return halves.Config
}

// WriteJSON writes the plan's document, indented.
func (p *Plan) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	return enc.Encode(p.Document())
}

// Save writes the plan itself, to be shown or applied later.
func (p *Plan) Save(w io.Writer) error { return json.NewEncoder(w).Encode(p) }

// Open reads a saved plan; an unknown major format version is refused.
func Open(r io.Reader) (*Plan, error) {
	var p Plan
	if err := json.NewDecoder(r).Decode(&p); err != nil {
		return nil, fmt.Errorf("cannot read the plan: %w", err)
	}
	if major, _, _ := strings.Cut(p.FormatVersion, "."); major != "1" {
		return nil, fmt.Errorf("cannot read the plan: its format is %q, and this version reads 1.x; plan anew", p.FormatVersion)
	}
	for _, s := range p.Steps {
		if p.Change(s.Instance) == nil {
			return nil, fmt.Errorf("cannot read the plan: step %s belongs to no change; plan anew", s.ID)
		}
	}
	return &p, nil
}

// UnmarshalJSON is the inverse of json.Marshal: steps stand once in the text, and in the plan also at their changes.
func (p *Plan) UnmarshalJSON(data []byte) error {
	type plain Plan
	if err := json.Unmarshal(data, (*plain)(p)); err != nil {
		return err
	}
	if slices.Contains(p.Changes, nil) {
		return errors.New("one of its changes is null")
	}
	p.link()
	return nil
}

// link sorts the changes and gives each its steps.
func (p *Plan) link() {
	for _, c := range p.Changes {
		c.Steps = nil
	}
	slices.SortFunc(p.Changes, func(a, b *Change) int { return a.Instance.Compare(b.Instance) })
	for _, s := range p.Steps {
		if c := p.Change(s.Instance); c != nil {
			c.Steps = append(c.Steps, s)
		}
	}
}
