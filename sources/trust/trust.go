// Package trust says whether the commits that a head brings were signed by who may sign them.
//
//	head          the head alone
//	range         every commit since the last accepted one
//	firstParent   those on the way of first parents: what a forge merges, whatever was merged
//
// A commit is held against the keys of its first parent if that is judged in the same turn, else of the last accepted commit:
// none lets its own signer in, and a key that was taken off the list counts for no branch from before.
package trust

import (
	"context"
	"fmt"
	"slices"
	"time"

	"plumbline/sources"
)

// Mode says which of the new commits have to be signed.
type Mode string

// The modes.
const (
	Head        Mode = "head"
	Range       Mode = "range"
	FirstParent Mode = "firstParent"
)

// Policy is what the controller's file says of trust.
type Policy struct {
	Mode Mode
	// Files of the controller's own machine.
	Files Files
	// InTree are files of the repository, below the topology's directory, read from the parent of the commit that is judged.
	InTree Files
	// Since is a commit that the operator vouches for, with all that it builds on: where nothing was accepted yet, judging
	// begins after it.
	Since string
	// Scopes bind signers to paths. Who is in none may change everything.
	Scopes []Scope
	// Now is the time of receiving. nil = time.Now.
	Now func() time.Time
}

// Files are paths of lists of keys; empty ones are not used.
type Files struct {
	Signers string `json:"signers"` // SSH, as ssh-keygen(1) says under ALLOWED SIGNERS
	Keyring string `json:"keyring"` // OpenPGP public keys, armored
	Revoked string `json:"revoked"` // SSH public keys that are valid no longer, one a line
}

// Scope binds the signers whose name matches a shell pattern to the paths that match one of the patterns; "net/**" is
// everything below net.
type Scope struct {
	Signer string   `json:"signer"`
	Paths  []string `json:"paths"`
}

// Signer is who signed a commit.
type Signer struct {
	Name string `json:"name"` // its first principal, or the OpenPGP identity
	Key  string `json:"key"`  // fingerprint: SHA256:… of SSH, hex digits of OpenPGP
}

// Check judges what head brings beyond base, the commit that was accepted last (or ""), and gives the signer of head. Its
// error is an *Error, or that of reading the source or a list of keys; with any the head may not be followed.
func (p *Policy) Check(ctx context.Context, src sources.Signable, head, base string) (Signer, error) {
	if base == "" {
		base = p.Since
	}
	if base == "" && p.InTree != (Files{}) {
		return Signer{}, ErrNoBeginning
	}
	list, err := src.Since(ctx, head, base, p.Mode == FirstParent)
	if err != nil {
		return Signer{}, err
	}
	if p.Mode == Head && len(list) > 0 {
		list = list[len(list)-1:]
	}
	j := &judge{Policy: p, ctx: ctx, src: src, base: base, keys: map[string]*keys{}, judged: map[string]bool{}}
	var signer Signer
	for i := range list {
		if signer, err = j.commit(&list[i]); err != nil {
			return Signer{}, err
		}
	}
	return signer, nil
}

// judge is one Check.
type judge struct {
	*Policy
	ctx  context.Context
	src  sources.Signable
	base string
	keys map[string]*keys // by the commit they were read from; "" = only those of the machine

	judged map[string]bool // commits that were found to be trusted
}

func (j *judge) commit(c *sources.Signed) (Signer, error) {
	from := j.base
	if len(c.Parents) > 0 && j.judged[c.Parents[0]] {
		from = c.Parents[0]
	}
	known, err := j.keysOf(from)
	if err != nil {
		return Signer{}, err
	}
	now := time.Now
	if j.Now != nil {
		now = j.Now
	}
	signer, reason := known.verify(c, now())
	if reason != nil {
		return Signer{}, &Error{Commit: c.Commit, Reason: reason.reason, Text: reason.text}
	}
	j.judged[c.ID] = true
	return signer, j.scoped(c, signer)
}

// keysOf gives the keys that hold for children of a commit.
func (j *judge) keysOf(commit string) (*keys, error) {
	if j.InTree == (Files{}) {
		commit = ""
	}
	if known, ok := j.keys[commit]; ok {
		return known, nil
	}
	known := &keys{}
	if err := known.read(j.Files, readMachine); err != nil {
		return nil, err
	}
	if commit != "" {
		tree, err := j.src.Tree(j.ctx, commit)
		if err == nil {
			err = known.read(j.InTree, readTree(tree, commit))
		}
		if err != nil {
			return nil, fmt.Errorf("cannot read the signers of commit %.10s: %w", commit, err)
		}
	}
	j.keys[commit] = known
	return known, nil
}

// scoped refuses a change of paths that are not the signer's.
func (j *judge) scoped(c *sources.Signed, signer Signer) error {
	paths, bound := j.pathsOf(signer)
	if !bound {
		return nil
	}
	changed, err := j.changed(c)
	if err != nil {
		return err
	}
	for _, path := range changed {
		if !slices.ContainsFunc(paths, func(pattern string) bool { return matches(pattern, path) }) {
			return &Error{Commit: c.Commit, Reason: OutOfScope, Text: fmt.Sprintf("changes %s, which is not among the paths of its signer %s", path, signer.Name)}
		}
	}
	return nil
}

func (j *judge) pathsOf(signer Signer) (paths []string, bound bool) {
	for _, scope := range j.Scopes {
		if matches(scope.Signer, signer.Name) {
			paths, bound = append(paths, scope.Paths...), true
		}
	}
	return paths, bound
}

// changed is what a commit itself changes: of a merge, what it has from none of its parents, unless only the way of first
// parents is judged.
func (j *judge) changed(c *sources.Signed) ([]string, error) {
	switch {
	case j.Mode == Head:
		return j.src.Changed(j.ctx, j.base, c.ID)
	case len(c.Parents) == 0:
		return j.src.Changed(j.ctx, "", c.ID)
	}
	changed, err := j.src.Changed(j.ctx, c.Parents[0], c.ID)
	if err != nil || j.Mode == FirstParent {
		return changed, err
	}
	for _, parent := range c.Parents[1:] {
		other, err := j.src.Changed(j.ctx, parent, c.ID)
		if err != nil {
			return nil, err
		}
		changed = slices.DeleteFunc(changed, func(path string) bool { return !slices.Contains(other, path) })
	}
	return changed, nil
}
