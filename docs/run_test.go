package docs

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumbline/testenv/lab"
	"plumbline/testenv/need"
)

// patience is how long the commands of one page may take.
const patience = 2 * time.Minute

func TestCommandsOfThePagesRun(t *testing.T) {
	binary := build(t)
	for _, file := range pages(t) {
		var run []block
		inLab := false
		for _, b := range blocks(t, file) {
			if b.is("sh") && !b.is("sh", "make") {
				run = append(run, b)
				inLab = inLab || b.is("sh", "lab")
			}
		}
		if len(run) == 0 {
			continue
		}
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			need.Program(t, "bash", "git", "qemu-img", "curl", "jq", "openssl")
			if inLab {
				need.Root(t)
				need.Package(t, lab.Packages()...)
			}
			s := newShell(t, binary)
			s.run(run)
			if !t.Failed() {
				compare(t, s, file)
			}
		})
	}
}

// build makes the binary that all pages run.
func build(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "plumb")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/plumb").CombinedOutput(); err != nil {
		t.Fatalf("cannot build plumb: %v\n%s", err, out)
	}
	return binary
}

// shell runs the commands of one page, as a person at a terminal would.
type shell struct {
	t   *testing.T
	dir string // the clone in which the person begins
	out map[int]string
}

func newShell(t *testing.T, binary string) *shell {
	dir, err := os.MkdirTemp("", "plumb-docs-")
	if err != nil {
		t.Fatal(err)
	}
	s := &shell{t: t, dir: dir, out: map[int]string{}}
	t.Cleanup(s.clean)
	for _, step := range []func() error{
		func() error { return os.CopyFS(filepath.Join(dir, "examples"), os.DirFS("../examples")) },
		func() error { return os.Mkdir(filepath.Join(dir, "bin"), 0o755) },
		func() error { return os.Mkdir(filepath.Join(dir, ".out"), 0o755) },
		func() error { return os.Link(binary, filepath.Join(dir, "bin/plumb")) },
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// clean ends what the page left behind; a page that ran to its end leaves nothing.
func (s *shell) clean() {
	labs, _ := filepath.Glob(filepath.Join(s.dir, "*/lab.json"))
	deeper, _ := filepath.Glob(filepath.Join(s.dir, "*/*/lab.json"))
	for _, found := range append(labs, deeper...) {
		if out, err := exec.Command(filepath.Join(s.dir, "bin/plumb"), "lab", "down", "--dir", filepath.Dir(found)).CombinedOutput(); err != nil {
			s.t.Errorf("cannot end the laboratory: %v\n%s", err, out)
		}
		if !s.t.Failed() {
			s.t.Errorf("the page leaves a laboratory behind: %s", found)
		}
	}
	if err := os.RemoveAll(s.dir); err != nil {
		s.t.Errorf("%v", err)
	}
}

// run lets one shell run all blocks of a page. What each prints goes to a file of its own.
func (s *shell) run(all []block) {
	s.t.Helper()
	var script strings.Builder
	for i, b := range all {
		fmt.Fprintf(&script, "exec >%s 2>&1\necho %d >%s\n", s.outFile(i), i, filepath.Join(s.dir, ".out/at"))
		if code := b.exits(); code != 0 {
			fmt.Fprintf(&script, "set +e\n%s[ $? -eq %d ] || exit 99\nset -e\n", b.text, code)
		} else {
			fmt.Fprintf(&script, "set -e\n%s", b.text)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.Env = s.dir, s.env()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	if syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) == nil && err == nil {
		s.t.Errorf("%s leaves processes behind", all[0].page)
	}
	at := 0
	if data, readErr := os.ReadFile(filepath.Join(s.dir, ".out/at")); readErr == nil {
		fmt.Sscan(string(data), &at)
	}
	for i := 0; i <= at; i++ {
		data, _ := os.ReadFile(s.outFile(i))
		s.out[all[i].line] = string(data)
	}
	if err != nil {
		logs, _ := filepath.Glob(filepath.Join(s.dir, "*/*.log"))
		for _, name := range logs {
			data, _ := os.ReadFile(name)
			s.t.Logf("%s:\n%s", name, data[max(0, len(data)-4000):])
		}
		s.t.Fatalf("%s: %v\n%s\nprinted:\n%s", all[at], err, all[at].text, s.out[all[at].line])
	}
}

func (s *shell) outFile(i int) string { return filepath.Join(s.dir, ".out", fmt.Sprint(i)) }

// env is that of a person who begins: nothing of ours is set.
func (s *shell) env() []string {
	cache, err := os.UserCacheDir()
	if err != nil {
		s.t.Fatal(err)
	}
	return []string{
		"PATH=" + filepath.Join(s.dir, "bin") + ":" + os.Getenv("PATH") + ":/usr/sbin:/sbin", "HOME=" + s.dir, "XDG_CACHE_HOME=" + cache, "TZ=UTC",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_GLOBAL=/dev/null", "GIT_AUTHOR_NAME=ada", "GIT_AUTHOR_EMAIL=ada@mycompany.com",
		"GIT_COMMITTER_NAME=ada", "GIT_COMMITTER_EMAIL=ada@mycompany.com",
	}
}

func TestMakeTargetsOfThePagesAreThere(t *testing.T) {
	for _, file := range pages(t) {
		for _, b := range blocks(t, file) {
			if !b.is("sh", "make") {
				continue
			}
			for line := range strings.Lines(b.text) {
				line, _, _ = strings.Cut(strings.TrimSpace(line), "#")
				_, target, ok := strings.Cut(line, "make ")
				if !ok {
					t.Errorf("%s: %q is not a make command", b, line)
					continue
				}
				if out, err := exec.Command("make", "-n", "-C", "..", strings.TrimSpace(target)).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", b, err, out)
				}
			}
		}
	}
}
