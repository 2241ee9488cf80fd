package reconcile_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hiddeco/sshsig"
	"golang.org/x/crypto/ssh"

	"plumbline/reconcile"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/notify"
	"plumbline/sources"
	"plumbline/sources/trust"
)

// signedRepository is a repository of which some commits are signed.
type signedRepository struct {
	*repository
	key    ssh.Signer
	signed map[string]bool
}

// sign pushes a commit that is signed.
func (r *signedRepository) sign(name, body string) string {
	r.mu.Lock()
	r.signed[name+strings.Repeat("0", 40-len(name))] = true
	r.mu.Unlock()
	return r.push(name, body)
}

func (r *signedRepository) Since(_ context.Context, id, base string, _ bool) ([]sources.Signed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []sources.Signed
	for ; id != "" && id != base; id = r.parents[id] {
		one := sources.Signed{Commit: sources.Commit{ID: id, Time: time.Now()}, Payload: []byte("commit " + id)}
		if parent := r.parents[id]; parent != "" {
			one.Parents = []string{parent}
		}
		if r.signed[id] {
			sig, err := sshsig.Sign(bytes.NewReader(one.Payload), r.key, sshsig.HashSHA512, "git")
			if err != nil {
				return nil, err
			}
			one.Signature = string(sshsig.Armor(sig))
		}
		out = append(out, one)
	}
	slices.Reverse(out)
	return out, nil
}

func (r *signedRepository) Head(context.Context) (sources.Commit, error) {
	return r.repository.Head(context.Background())
}

func (r *signedRepository) Log(ctx context.Context, id string, _ int) (log []sources.Commit, err error) {
	list, err := r.Since(ctx, id, "", false)
	for _, s := range list {
		log = append(log, s.Commit)
	}
	return log, err
}

// newTrustingScene is a scene in which every commit has to be signed.
func newTrustingScene(t *testing.T) (*scene, *signedRepository) {
	s := newScene(t)
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(s.dir, "signers")
	if err := os.WriteFile(list, []byte("ann@boston "+string(ssh.MarshalAuthorizedKey(key.PublicKey()))), 0o600); err != nil {
		t.Fatal(err)
	}
	repo := &signedRepository{repository: s.repo, key: key, signed: map[string]bool{}}
	kinds := s.world.kinds()
	s.Controller = reconcile.New(reconcile.Options{
		Config: reconcile.Config{State: s.dir, Trust: &reconcile.TrustConfig{Mode: trust.Range, Signers: list}},
		Kinds:  kinds, Source: repo, Store: s.store, Dial: s.world.dialer(kinds, s.dir), Again: 5 * time.Millisecond, Tell: notify.To(s.tell),
	})
	s.Cleanup(s.Controller.Close)
	return s, repo
}

func TestOnlyTrustedCommitsAreFollowed(t *testing.T) {
	s, repo := newTrustingScene(t)
	s.run()
	good := repo.sign("a", ground+declare("p", "h1", "/one"))
	s.applied(good)
	if got := s.Status().Signer; got != "ann@boston" {
		t.Errorf("signer %q", got)
	}
	unsigned := repo.push("b", "this is no CUE at all") // and is not even evaluated
	s.until("refused", func() bool { return s.Status().Verdict == "refused" })
	if status := s.Status(); len(status.Problems) > 0 || !strings.Contains(status.Error, "is not signed") || !strings.Contains(status.Error, unsigned[:10]) {
		t.Errorf("status %+v", status)
	}
	head := repo.sign("c", ground+declare("p", "h1", "/three"))
	s.until("the signed head is refused, too", func() bool { st := s.Status(); return st.Head == head && st.Verdict == "refused" })
	if got := s.world.dir(pool("p", "h1")); got != "/one" {
		t.Errorf("the pool is %q", got)
	}
	if n := s.told(notify.ReasonUntrusted); n != 2 {
		t.Errorf("told %d times", n)
	}
}

func TestAnOperatorsWordCountsOnce(t *testing.T) {
	s, repo := newTrustingScene(t)
	s.run()
	s.applied(repo.sign("a", ground+declare("p", "h1", "/one")))
	unsigned := repo.push("b0b0b0b0b0", ground+declare("p", "h1", "/two"))
	s.until("refused", func() bool { return s.Status().Verdict == "refused" })
	if _, err := s.TrustOnce(t.Context(), journal.Once{Commit: "b0b", Reason: "too short"}); err == nil {
		t.Error("three digits name a commit")
	}
	if _, err := s.TrustOnce(t.Context(), journal.Once{Commit: "ffffffff", Reason: "nobody's"}); !errors.Is(err, sources.ErrNoCommit) {
		t.Errorf("a commit that is not there: %v", err)
	}
	text, err := s.TrustOnce(reconcile.OrderedBy(t.Context(), "eve"), journal.Once{Commit: "b0b0b0b", Reason: "the keys burned"})
	if err != nil || !strings.Contains(text, "by eve: the keys burned") {
		t.Fatalf("%q, %v", text, err)
	}
	s.applied(unsigned)
	if s.told(notify.ReasonTrustedOnce) != 1 {
		t.Error("nobody was told")
	}
	s.applied(repo.sign("c", ground+declare("p", "h1", "/three")))
	last := repo.push("d", ground+declare("p", "h1", "/four"))
	s.until("the next one is refused", func() bool { st := s.Status(); return st.Head == last && st.Verdict == "refused" })
}

func TestAnOperatorsWordCoversWhatItsCommitBuildsOn(t *testing.T) {
	s, repo := newTrustingScene(t)
	repo.push("a", ground)
	repo.push("b0b0b0b0b0", ground)
	head := repo.sign("c", ground+declare("p", "h1", "/three"))
	if _, err := s.TrustOnce(t.Context(), journal.Once{Commit: "b0b0b0b0b0", Reason: "from before"}); err != nil {
		t.Fatal(err)
	}
	s.run()
	s.applied(head)
}

func TestASavedPlanOfAnUntrustedCommitIsRefused(t *testing.T) {
	s, repo := newTrustingScene(t)
	id := repo.push("a", ground+declare("p", "h1", "/one"))
	p, err := s.Plan(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var untrusted *trust.Error
	if _, err := s.ApplySaved(t.Context(), p, nil); !errors.As(err, &untrusted) || untrusted.Reason != trust.Unsigned {
		t.Errorf("applied: %v", err)
	}
	if got := s.world.dir(pool("p", "h1")); got != "" {
		t.Errorf("the pool is %q", got)
	}
}

// What was accepted while trust was off is taken as it is; what was accepted while it was on counts over a rewind, too.
func TestARewindKeepsWhatWasTrusted(t *testing.T) {
	s, repo := newTrustingScene(t)
	s.run()
	first := repo.sign("a", ground+declare("p", "h1", "/one"))
	s.applied(first)
	s.applied(repo.sign("b", ground+declare("p", "h1", "/two")))
	repo.rewrite(1)
	if err := s.Rewind(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.applied(first)
	commits, err := s.store.Commits()
	if err != nil || commits.Judged() != first {
		t.Errorf("%+v, %v", commits, err)
	}
}
