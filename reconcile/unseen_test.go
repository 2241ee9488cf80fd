package reconcile_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile"
	"plumbline/reconcile/plan"
	"plumbline/reconcile/shown"
	"plumbline/sources"
)

// one is a source that holds one commit, a merge of request 7.
type one struct{ sources.Source }

func (one) Log(context.Context, string, int) ([]sources.Commit, error) {
	return []sources.Commit{{ID: "merge", Parents: []string{"base", "head"}, Tree: "tree"}}, nil
}

func TestNothingIsAppliedButWhatWasShown(t *testing.T) {
	required := reconcile.Config{Preview: reconcile.PreviewConfig{Required: true}}
	for name, c := range map[string]struct {
		cfg     reconcile.Config
		request *shown.Request
		effect  string
		want    string // of the error; "" = none
	}{
		"what was shown":            {required, &shown.Request{Head: "head", Effect: "sha256:a"}, "sha256:a", ""},
		"what was agreed to":        {required, &shown.Request{Head: "head", Effect: "sha256:b", Agreed: &shown.Agreed{Effect: "sha256:a"}}, "sha256:a", ""},
		"something else":            {required, &shown.Request{Number: 7, Head: "head", Effect: "sha256:b"}, "sha256:a", "request 7 showed sha256:b"},
		"what was discarded":        {required, &shown.Request{Head: "head", Effect: "sha256:a", Retired: "ada"}, "sha256:a", "showed"},
		"another request's effect":  {required, &shown.Request{Head: "other", Root: "other", Effect: "sha256:a"}, "sha256:a", "came by no request"},
		"no request":                {required, nil, "sha256:a", "came by no request"},
		"nobody wants to be shown":  {reconcile.Config{}, nil, "sha256:a", ""},
		"nothing would be done":     {required, nil, "", ""},
		"by its content, rebased":   {required, &shown.Request{Head: "gone", Root: "tree", Effect: "sha256:a"}, "sha256:a", ""},
		"by what its forge said":    {required, &shown.Request{Head: "gone", Merged: "merge", Effect: "sha256:a"}, "sha256:a", ""},
		"only its mistakes, before": {required, &shown.Request{Head: "head"}, "sha256:a", "showed nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			c.cfg.State = t.TempDir()
			book := &shown.Book{}
			if c.request != nil {
				book.Requests = []*shown.Request{c.request}
			}
			if err := book.Save(c.cfg.State); err != nil {
				t.Fatal(err)
			}
			p := &plan.Plan{Commit: "merge", EffectDigest: c.effect}
			if c.effect != "" {
				p.Steps = []actuators.Step{{ID: "1"}}
			}
			err := reconcile.Seen(t.Context(), c.cfg, one{}, p)
			if c.want == "" && err != nil || c.want != "" && (!errors.Is(err, reconcile.ErrUnseen) || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
