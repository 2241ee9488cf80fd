package reconcile

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/shown"
	"plumbline/sources"
	"plumbline/sources/forge"
)

// ForgeConfig is where requests to merge are opened, and how `plumb serve` gets in.
type ForgeConfig struct {
	Kind     forge.Kind         `json:"kind"`
	Project  string             `json:"project"` // its address
	Token    actuators.Secret   `json:"token"`
	Account  string             `json:"account"`
	Interval Duration           `json:"interval"`
	Settle   Duration           `json:"settle"`
	Listen   string             `json:"listen"`  // for webhooks; "" = nobody is listened to
	Metrics  string             `json:"metrics"` // "" = none
	Hooks    []actuators.Secret `json:"hooks"`
	Public   bool               `json:"public"`

	AfterFailure string `json:"afterFailure"`
}

// PreviewConfig says what previews are for.
type PreviewConfig struct {
	Required bool `json:"required"`
}

// check finds what can never work.
func (f *ForgeConfig) check(repository string) error {
	switch {
	case f == nil:
		return nil
	case strings.HasPrefix(repository, "dir:"):
		return errors.New("forge: a plain directory has no requests; name a Git repository, or take forge out")
	case f.Listen != "" && len(f.Hooks) == 0:
		return errors.New("forge.listen: no secret of webhooks is named, so none could be believed; name hooks, or take listen out")
	}
	if _, err := forge.ParseProject(f.Kind, f.Project); err != nil {
		return fmt.Errorf("forge.project: %w", err)
	}
	return nil
}

// ErrUnseen means that a commit would do something else than people were shown of its request.
var ErrUnseen = errors.New("held: it is not what was shown")

// seen is Seen for the head, and says it on the board.
func (c *Controller) seen(ctx context.Context, p *plan.Plan) error {
	err := Seen(ctx, c.cfg, c.source, p)
	unseen := ""
	if errors.Is(err, ErrUnseen) {
		unseen = p.EffectDigest
	}
	c.board.update(func(s *Status) { s.Unseen = unseen })
	return err
}

// Seen holds what is about to be applied against what the request of its commit showed last, where the configuration wants that. What changes
// nothing needs nobody's eyes. Errors: ErrUnseen.
func Seen(ctx context.Context, cfg Config, source sources.Source, p *plan.Plan) error {
	if !cfg.Preview.Required || p.Empty() {
		return nil
	}
	book, err := shown.Load(cfg.State)
	if err != nil {
		return err
	}
	log, err := source.Log(ctx, p.Commit, 1)
	if err != nil || len(log) == 0 {
		return errors.Join(fmt.Errorf("cannot read commit %.10s", p.Commit), err)
	}
	request := book.Of(shown.Commit{ID: p.Commit, Parents: log[0].Parents, Tree: log[0].Tree})
	if request != nil && request.Saw(p.EffectDigest) {
		return nil
	}
	if request == nil {
		return fmt.Errorf("%w: commit %.10s came by no request that plumb serve previewed; open one, or run \"plumb apply --unseen\" yourself", ErrUnseen, p.Commit)
	}
	return fmt.Errorf("%w: commit %.10s would do %.19s, and request %d showed %s; answer \"plumb approve\" there, or run \"plumb apply --unseen\" yourself",
		ErrUnseen, p.Commit, p.EffectDigest, request.Number, nothingOr(request.Effect))
}

func nothingOr(effect string) string {
	if effect == "" {
		return "nothing"
	}
	return fmt.Sprintf("%.19s", effect)
}
