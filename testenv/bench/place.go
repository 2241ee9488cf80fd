package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"plumbline/testenv/bench/fleet"
)

// place is the directory in which one size is measured:
//
//	tree       the topology, a work tree of repo.git
//	repo.git   the watched repository
//	state      of plumb: journal, inventory, cache
//	model      the modelled datacenter, once all was applied
//	plumb.cue  the controller's file
type place struct {
	dir   string
	fleet *fleet.Fleet
	turn  int // of the last push
}

func (p *place) path(name ...string) string {
	return filepath.Join(append([]string{p.dir}, name...)...)
}

// controllerFile polls nothing: commits are told by events, and drift is looked for when it is asked for. Limits are off.
const controllerFile = `repository: %q
state:    %q
socket:   %q
model:    %q
interval: "1h"
parallel: 64
drift: interval: %q
limits: {destroys: 1000000, share: 1.0}
%s
`

// makePlace writes a fleet of n objects and its repository.
func makePlace(dir string, n int) (*place, error) {
	p := &place{dir: dir, fleet: fleet.New(n)}
	if err := generate(n, p.path("tree")); err != nil {
		return nil, err
	}
	for _, args := range [][]string{
		{"init", "-q", "--bare", "--initial-branch=main", p.path("repo.git")},
		{"init", "-q", "--initial-branch=main"},
		{"config", "user.name", "bench"}, {"config", "user.email", "bench@fleet.example"}, {"config", "gc.auto", "0"},
		{"remote", "add", "origin", p.path("repo.git")},
		{"add", "-A"}, {"commit", "-q", "-m", "all"}, {"push", "-q", "origin", "main"},
		{"--git-dir", p.path("repo.git"), "repack", "-q", "-a", "-d"},
	} {
		if _, err := p.git(args...); err != nil {
			return nil, err
		}
	}
	return p, p.writeController("1h", "")
}

// writeController writes the controller's file; more is appended to it.
func (p *place) writeController(drift, more string) error {
	text := fmt.Sprintf(controllerFile, p.path("repo.git"), p.path("state"), p.path("plumb.sock"), p.path("model"), drift, more)
	return os.WriteFile(p.path("plumb.cue"), []byte(text), 0o600)
}

func (p *place) git(args ...string) (string, error) {
	cmd := exec.Command("git", args...)
	cmd.Dir = p.path("tree")
	cmd.Env = append(os.Environ(), "GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("cannot run git %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(bytes.TrimSpace(out)), nil
}

// prepare brings a commit that changes one file into the repository, and not yet onto the branch that is watched.
func (p *place) prepare() (commit string, err error) {
	p.turn++
	file, data := p.fleet.Push(p.turn)
	if err := writeFile(p.path("tree", file), data); err != nil {
		return "", err
	}
	for _, args := range [][]string{{"commit", "-q", "-m", fmt.Sprint("push ", p.turn), file}, {"push", "-q", "origin", "main:next"}} {
		if _, err := p.git(args...); err != nil {
			return "", err
		}
	}
	return p.git("rev-parse", "HEAD")
}

// land moves the watched branch to a commit as git does, by renaming a lock file: it is the end of a push.
func (p *place) land(commit string) error {
	ref := p.path("repo.git", "refs", "heads", "main")
	if err := os.WriteFile(ref+".lock", []byte(commit+"\n"), 0o644); err != nil {
		return err
	}
	return os.Rename(ref+".lock", ref)
}
