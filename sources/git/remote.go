package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/config"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/transport"
	"github.com/go-git/go-git/v5/storage"
	"github.com/go-git/go-git/v5/storage/memory"

	"plumbline/sources"
)

// remote is a repository on another machine and our mirror of its branch. What
// was fetched is kept, also when the remote rewrites its history.
type remote struct {
	config   Config
	endpoint *transport.Endpoint
	branch   plumbing.ReferenceName
	mirror   string
	busy     chan struct{} // holds one token: one conversation at a time
}

func newRemote(c Config, e *transport.Endpoint, branch plumbing.ReferenceName) (*remote, error) {
	if c.CacheDir == "" {
		return nil, errors.New("no cache directory is set for its mirror")
	}
	// One mirror per remote and branch: two sources never wait for each other.
	sum := sha256.Sum256([]byte(c.URL + "\x00" + c.Branch))
	name := hex.EncodeToString(sum[:12]) + ".git"
	return &remote{config: c, endpoint: e, branch: branch, mirror: filepath.Join(c.CacheDir, name), busy: make(chan struct{}, 1)}, nil
}

// tip asks the remote where its branch is, and fetches nothing.
func (r *remote) tip(ctx context.Context) (h plumbing.Hash, err error) {
	err = r.converse(ctx, func(ctx context.Context) (err error) {
		h, err = r.list(ctx)
		return err
	})
	return h, err
}

// fetch makes the mirror's branch that of the remote.
func (r *remote) fetch(ctx context.Context) error {
	return r.converse(ctx, func(ctx context.Context) error {
		tip, err := r.list(ctx)
		if err != nil {
			return err
		}
		unlock, err := lock(ctx, r.mirror+".lock")
		if err != nil {
			return r.unreachable(err)
		}
		defer unlock()
		if r.has(tip) {
			return nil
		}
		return r.pull(ctx)
	})
}

// converse runs talk within the timeout. An ssh handshake heeds no context
// (golang/go#19338): it is left behind then, and the next talk waits for its end.
func (r *remote) converse(ctx context.Context, talk func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, r.config.Timeout)
	select {
	case r.busy <- struct{}{}:
	case <-ctx.Done():
		cancel()
		return r.unreachable(fmt.Errorf("an earlier conversation is not over: %w", ctx.Err()))
	}
	done := make(chan error, 1)
	go func() {
		defer cancel()
		defer func() { <-r.busy }()
		done <- talk(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // ended just now: the end of a talk cancels its context, too
		return err
	default:
		return r.unreachable(ctx.Err())
	}
}

// list is where the remote's branch is.
func (r *remote) list(ctx context.Context) (plumbing.Hash, error) {
	auth, ca, err := r.credentials()
	if err != nil {
		return plumbing.ZeroHash, r.unreachable(err)
	}
	refs, err := r.on(memory.NewStorage()).ListContext(ctx, &gogit.ListOptions{Auth: auth, CABundle: ca})
	if err != nil && !errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return plumbing.ZeroHash, r.listError(err)
	}
	var names []string
	for _, ref := range refs {
		if ref.Name() == r.branch && ref.Type() == plumbing.HashReference {
			return ref.Hash(), nil
		}
		if ref.Name().IsBranch() {
			names = append(names, ref.Name().Short())
		}
	}
	slices.Sort(names)
	return plumbing.ZeroHash, &sources.GoneError{Repository: r.config.URL, Branch: r.config.Branch, Branches: names}
}

func (r *remote) listError(err error) error {
	if errors.Is(err, transport.ErrRepositoryNotFound) {
		return fmt.Errorf("%w, or may not be read with these credentials", &sources.GoneError{Repository: r.config.URL})
	}
	if strings.Contains(err.Error(), "object-format=sha256") { // go-git has no name for it
		return fmt.Errorf("repository %s: %w: it has SHA-256 objects, only SHA-1 can be read", r.config.URL, sources.ErrUnsupported)
	}
	return r.unreachable(err)
}

// pull fetches the branch into the mirror: the whole history, as Descends needs it.
func (r *remote) pull(ctx context.Context) error {
	auth, ca, err := r.credentials()
	if err != nil {
		return r.unreachable(err)
	}
	repo, err := r.openMirror()
	if err != nil {
		return r.unreachable(fmt.Errorf("cannot open mirror: %w", err))
	}
	if err := repo.Storer.RemoveReference(fetched); err != nil {
		return r.unreachable(fmt.Errorf("cannot prepare mirror: %w", err))
	}
	spec := config.RefSpec(fmt.Sprintf("+%s:%s", r.branch, fetched))
	err = r.on(repo.Storer).FetchContext(ctx, &gogit.FetchOptions{
		RemoteName: "origin", RefSpecs: []config.RefSpec{spec}, Auth: auth, CABundle: ca, Tags: gogit.NoTags, Force: true,
	})
	if err != nil && !errors.Is(err, gogit.NoErrAlreadyUpToDate) {
		return r.unreachable(err)
	}
	if err := r.publish(ctx); err != nil {
		return r.unreachable(fmt.Errorf("cannot write mirror: %w", err))
	}
	return nil
}

func (r *remote) on(s storage.Storer) *gogit.Remote {
	return gogit.NewRemote(s, &config.RemoteConfig{Name: "origin", URLs: []string{r.config.URL}})
}

func (r *remote) credentials() (transport.AuthMethod, []byte, error) {
	ca, err := r.config.Auth.certificates()
	if err != nil {
		return nil, nil, err
	}
	auth, err := r.config.Auth.method(r.endpoint)
	return auth, ca, err
}

func (r *remote) unreachable(err error) error {
	return fmt.Errorf("repository %s: %w: %w", r.config.URL, sources.ErrUnreachable, err)
}
