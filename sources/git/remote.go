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
	"unicode"
	"unicode/utf8"

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

	refused plumbing.Hash // the commit that was over a limit last, and what was said: it is not fetched again and again
	because error
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
func (r *remote) tip(ctx context.Context) (plumbing.Hash, error) {
	var tip plumbing.Hash // of whoever gives up on the conversation, the conversation's own
	err := r.converse(ctx, func(ctx context.Context) (err error) {
		tip, err = r.list(ctx)
		return err
	})
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return tip, nil
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
		if tip == r.refused {
			return r.because
		}
		return r.pull(ctx, tip)
	})
}

// errLate is why the context of a conversation ended by itself.
var errLate = errors.New("a conversation lasted too long")

// converse runs talk within the time that one may last. What does not end then is left behind, and the next talk waits for its end.
func (r *remote) converse(ctx context.Context, talk func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, r.config.Intake.Time, errLate)
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
		return r.inTime(ctx, err)
	case <-ctx.Done():
	}
	select {
	case err := <-done: // ended just now: the end of a talk cancels its context, too
		return r.inTime(ctx, err)
	default:
		return r.inTime(ctx, r.unreachable(ctx.Err()))
	}
}

// inTime adds to an error whose limit it was that ended the conversation.
func (r *remote) inTime(ctx context.Context, err error) error {
	if err == nil || !errors.Is(context.Cause(ctx), errLate) {
		return err
	}
	return fmt.Errorf("%w; it may last %s: see fetch.time in the controller's file", err, r.config.Intake.Time)
}

// list is where the remote's branch is.
func (r *remote) list(ctx context.Context) (plumbing.Hash, error) {
	auth, ca, err := r.credentials()
	if err != nil {
		return plumbing.ZeroHash, r.unreachable(err)
	}
	ctx, m := metered(ctx, mostRefs, &sources.IntakeError{What: "more than " + amount(mostRefs) + " of names of branches and tags; remove some there"})
	via, forget := m.through(r.endpoint)
	defer forget()
	refs, err := r.on(memory.NewStorage()).ListContext(ctx, &gogit.ListOptions{Auth: auth, CABundle: ca, ProxyOptions: via})
	if err != nil && !errors.Is(err, transport.ErrEmptyRemoteRepository) {
		return plumbing.ZeroHash, r.listError(m.judge(err))
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
	if errors.Is(err, sources.ErrLimit) {
		return fmt.Errorf("repository %s: %w", r.config.URL, err)
	}
	if errors.Is(err, transport.ErrRepositoryNotFound) {
		return fmt.Errorf("%w, or may not be read with these credentials", &sources.GoneError{Repository: r.config.URL})
	}
	if strings.Contains(err.Error(), "object-format=sha256") { // go-git has no name for it
		return fmt.Errorf("repository %s: %w: it has SHA-256 objects, only SHA-1 can be read", r.config.URL, sources.ErrUnsupported)
	}
	return r.unreachable(err)
}

// pull fetches the branch into the mirror: the whole history, as Descends needs it.
func (r *remote) pull(ctx context.Context, tip plumbing.Hash) error {
	repo, err := r.openMirror()
	if err != nil {
		return r.unreachable(fmt.Errorf("cannot open mirror: %w", err))
	}
	if err := repo.Storer.RemoveReference(fetched); err != nil {
		return r.unreachable(fmt.Errorf("cannot prepare mirror: %w", err))
	}
	if err := r.receive(ctx, repo.Storer, r.branch, fetched); errors.Is(err, sources.ErrLimit) {
		r.refused, r.because = tip, fmt.Errorf("repository %s: %w", r.config.URL, err)
		return r.because
	} else if err != nil {
		return r.unreachable(err)
	}
	if err := r.publish(ctx); err != nil {
		return r.unreachable(fmt.Errorf("cannot write mirror: %w", err))
	}
	return nil
}

// receive takes in what a ref has and the mirror has not, within the limits, and gives it a name there.
func (r *remote) receive(ctx context.Context, mirror storage.Storer, from, to plumbing.ReferenceName) error {
	auth, ca, err := r.credentials()
	if err != nil {
		return err
	}
	most := r.config.Intake
	ctx, m := metered(ctx, most.Bytes+mostRefs, &sources.IntakeError{What: "more than " + amount(most.Bytes), Setting: "fetch.bytes"})
	via, forget := m.through(r.endpoint)
	defer forget()
	into := &receiver{Storer: mirror, ctx: ctx, packs: filepath.Join(r.mirror, "objects", "pack"), most: most}
	spec := config.RefSpec(fmt.Sprintf("+%s:%s", from, to))
	err = r.on(into).FetchContext(ctx, &gogit.FetchOptions{
		RemoteName: "origin", RefSpecs: []config.RefSpec{spec}, Auth: auth, CABundle: ca, Tags: gogit.NoTags, Force: true, ProxyOptions: via,
	})
	switch {
	case into.over != nil:
		return into.over
	case errors.Is(err, gogit.NoErrAlreadyUpToDate):
		return nil
	}
	return m.judge(err)
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
	return fmt.Errorf("repository %s: %w: %w", r.config.URL, sources.ErrUnreachable, foreign{err})
}

// foreign is an error that may hold words of a remote: they steer no terminal and are cut short.
type foreign struct{ error }

// Error is the text that is left.
func (f foreign) Error() string {
	const most = 300
	text := strings.Map(func(c rune) rune {
		if unicode.IsGraphic(c) && c != utf8.RuneError {
			return c
		}
		return ' '
	}, f.error.Error())
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " …"
	}
	return text
}

// Unwrap is the error as it is.
func (f foreign) Unwrap() error { return f.error }
