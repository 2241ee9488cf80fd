package trust_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"github.com/ProtonMail/go-crypto/openpgp/packet"

	"plumbline/sources/git"
	"plumbline/sources/trust"
	"plumbline/testenv/need"
)

// repo is a repository whose commits are signed by git and ssh-keygen, as people do.
type repo struct {
	t     *testing.T
	dir   string
	clock int64
}

func newRepo(t *testing.T) *repo {
	t.Helper()
	need.Program(t, "git", "ssh-keygen")
	r := &repo{t: t, dir: t.TempDir(), clock: 1_790_000_000}
	r.git("init", "-q", "-b", "main", ".")
	r.git("config", "gpg.format", "ssh")
	return r
}

func (r *repo) path(name string) string { return filepath.Join(r.dir, name) }

func (r *repo) git(args ...string) string { r.t.Helper(); return r.gitIn("", args...) }

func (r *repo) gitIn(in string, args ...string) string {
	r.t.Helper()
	r.clock++
	date := fmt.Sprintf("%d +0000", r.clock)
	cmd := exec.Command("git", args...)
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(in)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date,
		"GIT_AUTHOR_NAME=Ann", "GIT_AUTHOR_EMAIL=ann@boston", "GIT_COMMITTER_NAME=Ann", "GIT_COMMITTER_EMAIL=ann@boston")
	out, err := cmd.CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// key makes an SSH key and gives the line of its public half.
func (r *repo) key(name string, args ...string) string {
	r.t.Helper()
	if len(args) == 0 {
		args = []string{"-t", "ed25519"}
	}
	file := r.path(".git/" + name)
	if out, err := exec.Command("ssh-keygen", append(args, "-q", "-N", "", "-C", name, "-f", file)...).CombinedOutput(); err != nil {
		r.t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	public, err := os.ReadFile(file + ".pub")
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(public))
}

func (r *repo) write(name, text string) string {
	r.t.Helper()
	if err := os.MkdirAll(filepath.Dir(r.path(name)), 0o755); err != nil {
		r.t.Fatal(err)
	}
	if err := os.WriteFile(r.path(name), []byte(text), 0o644); err != nil {
		r.t.Fatal(err)
	}
	return r.path(name)
}

// commit changes a file and commits it, signed with a key, or unsigned for "".
func (r *repo) commit(key, file string) string {
	r.t.Helper()
	r.write(file, fmt.Sprintf("package p // %d\n", r.clock))
	return r.record(key, "commit", "-q", "-m", "change "+file)
}

// record adds everything and runs a git command that makes a commit.
func (r *repo) record(key string, args ...string) string {
	r.t.Helper()
	r.git("add", "-A")
	sign := []string{"-c", "commit.gpgsign=false"}
	if key != "" {
		sign = []string{"-c", "commit.gpgsign=true", "-c", "user.signingkey=" + r.path(".git/"+key)}
	}
	r.git(append(sign, args...)...)
	return r.git("rev-parse", "HEAD")
}

// commitPGP makes a commit that is signed by an OpenPGP key.
func (r *repo) commitPGP(by *openpgp.Entity, file string) string {
	r.t.Helper()
	r.commit("", file)
	raw := r.git("cat-file", "commit", "HEAD") + "\n"
	var sig bytes.Buffer
	if err := openpgp.ArmoredDetachSign(&sig, by, strings.NewReader(raw), &packet.Config{Time: func() time.Time { return time.Unix(r.clock, 0) }}); err != nil {
		r.t.Fatal(err)
	}
	head, message, _ := strings.Cut(raw, "\n\n")
	signed := head + "\ngpgsig " + strings.ReplaceAll(strings.TrimSpace(sig.String()), "\n", "\n ") + "\n\n" + message
	id := r.gitIn(signed, "hash-object", "-t", "commit", "-w", "--stdin")
	r.git("update-ref", "HEAD", id)
	return id
}

// check judges a head by a policy, at a time one hour after the last commit.
func (r *repo) check(p trust.Policy, head, base string) (trust.Signer, error) {
	r.t.Helper()
	s, err := git.Open(git.Config{URL: r.dir})
	if err != nil {
		r.t.Fatal(err)
	}
	if p.Now == nil {
		p.Now = func() time.Time { return time.Unix(r.clock, 0).Add(time.Hour) }
	}
	return p.Check(r.t.Context(), s, head, base)
}

func (r *repo) trusted(p trust.Policy, head, base, name string) {
	r.t.Helper()
	signer, err := r.check(p, head, base)
	if err != nil {
		r.t.Fatalf("refused: %v", err)
	}
	if signer.Name != name || signer.Key == "" {
		r.t.Errorf("signer = %+v, want %s", signer, name)
	}
}

func (r *repo) refused(p trust.Policy, head, base string, reason trust.Reason, commit string) {
	r.t.Helper()
	signer, err := r.check(p, head, base)
	var e *trust.Error
	if !errors.As(err, &e) {
		r.t.Fatalf("signer %+v, error %v; want a refusal", signer, err)
	}
	if e.Reason != reason || e.Commit.ID != commit {
		r.t.Errorf("refused %s as %q (%v), want %s as %q", e.Commit.ID, e.Reason, err, commit, reason)
	}
	if !strings.Contains(err.Error(), commit[:10]) || !strings.Contains(err.Error(), "plumb trust --once") {
		r.t.Errorf("does not name commit and way out: %v", err)
	}
}
