package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"plumbline/reconcile/diff"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/sources"
)

// policyDir holds the policies of a repository. Directories that begin with "_" hold no packages of a topology.
const policyDir = "_policy"

// policies are the files that plans are held against: of the controller's machine, and of the commit that was applied last,
// so that none is judged by rules that it brings itself.
func (c *Controller) policies(ctx context.Context, applied string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if c.cfg.Policies != "" {
		if err := addPolicies(files, os.DirFS(c.cfg.Policies), ".", c.cfg.Policies); err != nil {
			return nil, err
		}
	}
	if _, git := c.source.(sources.Signable); !git || applied == "" || strings.HasPrefix(applied, "dir:") {
		return files, nil // a plain directory knows no commit but its own
	}
	tree, err := c.source.Tree(ctx, applied)
	if err != nil {
		return nil, fmt.Errorf("cannot read the policies of the last applied commit: %w", err)
	}
	return files, addPolicies(files, tree, policyDir, policyDir)
}

// addPolicies reads the CUE files of a directory; called is how people know it.
func addPolicies(files map[string][]byte, tree fs.FS, dir, called string) error {
	entries, err := fs.ReadDir(tree, dir)
	if errors.Is(err, fs.ErrNotExist) && called == policyDir {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cannot read the policies in %s: %w", called, err)
	}
	for _, entry := range entries {
		if entry.IsDir() || path.Ext(entry.Name()) != ".cue" {
			continue
		}
		data, err := fs.ReadFile(tree, path.Join(dir, entry.Name()))
		if err != nil {
			return fmt.Errorf("cannot read the policies in %s: %w", called, err)
		}
		files[filepath.Join(called, entry.Name())] = data
	}
	return nil
}

// checkPolicies refuses a commit whose policies could not be judged by once it is applied.
func checkPolicies(ctx context.Context, eval schema.Evaluator, tree fs.FS) error {
	files := map[string][]byte{}
	if err := addPolicies(files, tree, policyDir, policyDir); err != nil || len(files) == 0 {
		return err
	}
	return schema.CheckPolicies(ctx, eval, files)
}

// judged makes the plan of a comparison, without what the policies deny.
func (c *Controller) judged(ctx context.Context, in diff.Input, result diff.Result, applied string, of scope) (*plan.Plan, error) {
	p, err := of.make(result)
	if err != nil || p.Empty() {
		return p, err
	}
	files, err := c.policies(ctx, applied)
	if err != nil || len(files) == 0 {
		return p, err
	}
	document, err := json.Marshal(p.Document())
	if err != nil {
		return nil, err
	}
	verdicts, err := schema.Judge(ctx, c.eval, files, document)
	if err != nil {
		return nil, unjudged(err)
	}
	denied, warned := sorted(p, verdicts)
	if len(denied) > 0 {
		result = result.Bar(in, denied)
	}
	result.Notes = append(result.Notes, warned...)
	return of.make(result)
}

// sorted turns verdicts into refusals and notes; what a rule says of the whole plan is said of each change.
func sorted(p *plan.Plan, verdicts []schema.Verdict) (denied []diff.Refusal, warned []diff.Note) {
	for _, v := range verdicts {
		for _, change := range p.Changes {
			if len(change.Steps) == 0 || v.Address != "" && v.Address != change.Instance.String() {
				continue
			}
			if !v.Deny {
				warned = append(warned, diff.Note{Instance: change.Instance, Text: fmt.Sprintf("rule %q (%s) warns: %s", v.Rule, v.Pos, v.Text)})
				continue
			}
			denied = append(denied, diff.Refusal{
				Instance: change.Instance, Class: diff.Denied, Pos: change.Pos,
				Text: fmt.Sprintf("rule %q (%s) denies it: %s; %s", v.Rule, v.Pos, v.Text, wayOut(v.Pos)),
			})
		}
	}
	return denied, warned
}

// unjudged names the way out of policies that fail over a plan: what changes nothing on the machines is not held against them.
func unjudged(err error) error {
	var problems schema.Problems
	if !errors.As(err, &problems) {
		return err
	}
	problems = slices.Clone(problems)
	for n := range problems {
		problems[n].Remedy = "change the rule on the controller's machine, or in " + policyDir + " by a commit that changes nothing on machines: that one is not held against the rules"
	}
	return problems
}

func wayOut(pos schema.Pos) string {
	if strings.HasPrefix(pos.File, policyDir+"/") {
		return "declare it otherwise, or change the rule in a commit that is applied before"
	}
	return "declare it otherwise, or have the rule changed on the controller's machine"
}
