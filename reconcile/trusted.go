package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"plumbline/reconcile/journal"
	"plumbline/reconcile/notify"
	"plumbline/reconcile/plan"
	"plumbline/schema"
	"plumbline/sources"
	"plumbline/sources/trust"
)

// TrustConfig says whose commits are followed.
type TrustConfig struct {
	Mode       trust.Mode    `json:"mode"`
	Signers    string        `json:"signers"`
	Keyring    string        `json:"keyring"`
	Revoked    string        `json:"revoked"`
	Repository trust.Files   `json:"repository"`
	Since      string        `json:"since"`
	Scopes     []trust.Scope `json:"scopes"`
	// Paths change only when so many agree, by pattern.
	Paths map[string]trust.Protected `json:"paths,omitempty"`

	places map[string]schema.Pos // of Paths
}

// check finds what can never let a commit in.
func (t *TrustConfig) check(repository string) error {
	switch {
	case t == nil:
		return nil
	case strings.HasPrefix(repository, "dir:"):
		return errors.New("trust: a plain directory has no signed commits; name a Git repository, or take trust out")
	case t.Signers == "" && t.Keyring == "" && t.Repository.Signers == "" && t.Repository.Keyring == "":
		return errors.New("trust: no list of keys is named, so nothing could be trusted; name signers or keyring")
	}
	return nil
}

// policy is the configuration as sources/trust judges by it; nil = every commit of the branch is followed.
func (c *Controller) policy() *trust.Policy {
	t := c.cfg.Trust
	if t == nil {
		return nil
	}
	return &trust.Policy{
		Mode: t.Mode, Files: trust.Files{Signers: t.Signers, Keyring: t.Keyring, Revoked: t.Revoked},
		InTree: t.Repository, Since: t.Since, Scopes: t.Scopes, Now: c.now,
	}
}

// trusted refuses a commit that brings what nobody signed who may. It is asked before anything of the commit is evaluated.
func (c *Controller) trusted(ctx context.Context, id string) (signer trust.Signer, err error) {
	policy := c.policy()
	if policy == nil {
		return signer, nil
	}
	src, ok := c.source.(sources.Signable)
	if !ok {
		return signer, errors.New("cannot trust any commit: this source has no signatures")
	}
	commits, err := c.store.Commits()
	if err != nil {
		return signer, err
	}
	base := commits.Judged()
	if once := commits.Once; once != nil {
		if once.Commit == id {
			return trust.Signer{Name: once.By}, nil
		}
		covered, err := c.source.Descends(ctx, id, once.Commit)
		if err != nil {
			return signer, err
		}
		if covered {
			base = once.Commit
		}
	}
	if signer, err = policy.Check(ctx, src, id, base); err != nil {
		return trust.Signer{}, fmt.Errorf("cannot follow to commit %.10s: %w", id, err)
	}
	return signer, nil
}

// accept remembers a commit that is followed, and by whose word.
func (c *Controller) accept(commit string, signer trust.Signer) error {
	commits, err := c.store.Commits()
	if err != nil || commits.Highest == commit {
		return err
	}
	c.board.update(func(s *Status) { s.Signer = signer.Name })
	if signer.Name != "" {
		c.log.Info().Str("commit", commit).Str("signer", signer.Name).Str("key", signer.Key).Msg("commit is trusted")
	}
	return c.store.Accept(commit, signer.Name, signer.Key, c.cfg.Trust != nil)
}

// TrustOnce accepts a commit and all that it builds on, though nobody signed it who may.
func (c *Controller) TrustOnce(ctx context.Context, once journal.Once) (string, error) {
	if c.cfg.Trust == nil {
		return "", errors.New("nothing has to be signed: the controller's file does not set trust")
	}
	id, err := c.full(ctx, once.Commit)
	if err != nil {
		return "", err
	}
	once.Commit, once.At, once.By = id, c.now(), orderer(ctx)
	text := fmt.Sprintf("commit %s and what it builds on is accepted once, by %s: %s", plan.ShortCommit(id), once.By, once.Reason)
	if err := c.audit.order(about(ctx, "trust", text, schema.Instance{}, id), func() error { return c.store.TrustOnce(once) }); err != nil {
		return "", err
	}
	c.notify(notify.Notice{
		ID: notify.ReasonTrustedOnce + "/" + id, Status: notify.Event, Reason: notify.ReasonTrustedOnce, Severity: notify.Warning, Commit: id,
		StartsAt: once.At, Message: text,
	})
	c.Reconsider()
	return text, nil
}

// full finds the commit on the branch that a shortened ID names.
func (c *Controller) full(ctx context.Context, short string) (string, error) {
	if c.source == nil {
		return "", errors.New("the repository is not open here")
	}
	head, err := c.source.Head(ctx)
	if err != nil {
		return "", err
	}
	log, err := c.source.Log(ctx, head.ID, 10_000)
	if err != nil {
		return "", err
	}
	found := slices.DeleteFunc(log, func(commit sources.Commit) bool { return !strings.HasPrefix(commit.ID, short) })
	switch {
	case len(short) < 7:
		return "", fmt.Errorf("%q is too short to name a commit; give at least 7 digits", short)
	case len(found) == 0:
		return "", fmt.Errorf("no commit of the branch begins with %q: %w", short, sources.ErrNoCommit)
	case len(found) > 1:
		return "", fmt.Errorf("%d commits begin with %q; give more digits", len(found), short)
	}
	return found[0].ID, nil
}
