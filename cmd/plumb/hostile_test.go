package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumbline/reconcile"
	"plumbline/reconcile/control"
	"plumbline/testenv/need"
)

// hostile is a controller that follows a repository to which anything may be pushed.
type hostile struct {
	*testing.T
	dir, plumb, bare string
	commits          int
	log              *os.File
	client           *control.Client
}

func newHostile(t *testing.T) *hostile {
	t.Helper()
	return hostileAt(t, func(h *hostile) string { return h.bare }, "")
}

// hostileAt is one whose controller reaches the repository at an address, with more in its file.
func hostileAt(t *testing.T, address func(*hostile) string, settings string) *hostile {
	t.Helper()
	need.Program(t, "git")
	h := &hostile{T: t, dir: t.TempDir()}
	h.plumb, h.bare = filepath.Join(h.dir, "plumb"), filepath.Join(h.dir, "repo.git")
	self, err := os.Executable()
	h.must(err)
	if os.Link(self, h.plumb) != nil { // its name makes the test binary plumb, also for the children that it starts
		data, err := os.ReadFile(self)
		h.must(err)
		h.must(os.WriteFile(h.plumb, data, 0o755))
	}
	h.must(os.Chmod(h.dir, 0o755))
	h.git(nil, "init", "-q", "--bare", "-b", "main", h.bare)
	h.must(os.WriteFile(filepath.Join(h.dir, "plumb.cue"), fmt.Appendf(nil, "repository: %q\nstate: %q\nsocket: %q\nlocal: \"here\"\ninterval: \"1s\"\n%s",
		address(h), filepath.Join(h.dir, "state"), filepath.Join(h.dir, "sock"), settings), 0o600))
	h.start()
	return h
}

func (h *hostile) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

func (h *hostile) git(stdin []byte, args ...string) string {
	h.Helper()
	cmd := exec.Command("git", args...)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1")
	if stdin != nil {
		cmd.Dir, cmd.Stdin = h.bare, bytes.NewReader(stdin)
	} else if args[0] != "init" {
		cmd.Dir = h.bare
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.Fatalf("git %q: %v\n%s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// object writes what no git add would.
func (h *hostile) object(kind string, data []byte) string {
	h.Helper()
	return h.git(data, "hash-object", "-w", "--literally", "-t", kind, "--stdin")
}

// entry is a line of a tree: "100644", "40000", "120000", "160000".
func treeEntry(mode, name, hash string) string {
	var raw []byte
	fmt.Sscanf(hash, "%x", &raw)
	return mode + " " + name + "\x00" + string(raw)
}

// file is the entry of a file with a text.
func (h *hostile) file(name, text string) string {
	return treeEntry("100644", name, h.object("blob", []byte(text)))
}

func (h *hostile) folder(name string, entries ...string) string {
	return treeEntry("40000", name, h.object("tree", []byte(strings.Join(entries, ""))))
}

// push makes a tree of entries the new head and returns the commit.
func (h *hostile) push(entries ...string) string {
	h.Helper()
	return h.pushTree(h.object("tree", []byte(strings.Join(entries, ""))))
}

func (h *hostile) pushTree(tree string) string {
	h.Helper()
	h.commits++
	parent := ""
	if h.commits > 1 {
		parent = "parent " + h.git(nil, "rev-parse", "refs/heads/main") + "\n"
	}
	who := fmt.Sprintf("Mallory\x1b]0;owned\x07 <m@x> %d +0000", 1_790_000_000+h.commits)
	id := h.object("commit", fmt.Appendf(nil, "tree %s\n%sauthor %s\ncommitter %s\n\n\x1b[2Jsubject %d\n", tree, parent, who, who, h.commits))
	h.git(nil, "update-ref", "refs/heads/main", id)
	return id
}

// good pushes a topology that holds n objects, whose last commit applied is then this one.
func (h *hostile) good(n int) {
	h.Helper()
	id := h.push(h.file("site.cue", fmt.Sprintf("package site\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: s%d: {}\n}\n", n)))
	h.until("the next good commit is applied", func(s reconcile.Status) bool { return s.Applied == id })
}

func (h *hostile) start() {
	h.Helper()
	log, err := os.Create(filepath.Join(h.dir, "log"))
	h.must(err)
	h.log = log
	cmd := exec.Command(h.plumb, "run", "--config", filepath.Join(h.dir, "plumb.cue"))
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	h.must(cmd.Start())
	h.Cleanup(func() {
		h.client.Close()
		cmd.Process.Signal(syscall.SIGINT)
		if err := cmd.Wait(); cmd.ProcessState.Sys().(syscall.WaitStatus).Signaled() {
			h.Errorf("the controller died: %v", err)
		}
		log.Close()
	})
	for deadline := time.Now().Add(scriptPatience); ; {
		if h.client, err = control.Dial(context.Background(), filepath.Join(h.dir, "sock")); err == nil {
			return
		}
		if time.Now().After(deadline) {
			h.Fatal(err)
		}
		<-time.After(20 * time.Millisecond)
	}
}

func (h *hostile) until(what string, so func(reconcile.Status) bool) reconcile.Status {
	h.Helper()
	for deadline := time.Now().Add(3 * scriptPatience); ; {
		s, err := h.client.Status(h.Context())
		h.must(err)
		if so(s) {
			return s
		}
		if time.Now().After(deadline) {
			h.Fatalf("not so: %s; status %+v", what, s)
		}
		<-time.After(10 * time.Millisecond)
	}
}

// refused waits until the loop has refused a head, and gives its words.
func (h *hostile) refused(id, last string) string {
	h.Helper()
	s := h.until("the commit is refused", func(s reconcile.Status) bool { return s.Head == id && s.Verdict != "" && s.Error != "" })
	if s.Applied != last {
		h.Errorf("%s is applied, and not the last good commit %s", s.Applied, last)
	}
	return s.Error
}

// run runs a command and gives what it prints.
func (h *hostile) run(args ...string) (stdout, stderr string) {
	h.Helper()
	cmd := exec.Command(h.plumb, append(args, "--config", filepath.Join(h.dir, "plumb.cue"))...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		h.Fatal(err)
	}
	return out.String(), errs.String()
}

// steers tells whether a text holds what a terminal obeys, or a line that its author made.
func steers(text string) bool {
	return strings.ContainsAny(text, "\x1b\x07\x00\r\u009b\u202e\u2028") || strings.Contains(text, "\nFORGED")
}

// shown holds that no way to ask shows what steers a terminal. The escaped form is how it is shown.
func (h *hostile) shown() {
	h.Helper()
	for _, args := range [][]string{{"status"}, {"status", "-o", "json"}, {"validate"}, {"validate", "-o", "json"}, {"plan"}, {"plan", "-o", "json"}, {"history"}, {"drift"}, {"graph"}} {
		out, errs := h.run(args...)
		if args[len(args)-1] == "json" && out != "" && !json.Valid([]byte(out)) {
			h.Errorf("plumb %q prints what is no JSON: %q", args, out)
		}
		for line := range strings.Lines(out + errs) {
			if steers("\n" + line) {
				h.Errorf("plumb %q steers a terminal: %q", args, line)
			}
		}
	}
	data, err := os.ReadFile(h.log.Name())
	h.must(err)
	for line := range strings.Lines(string(data)) {
		if steers("\n" + line) {
			h.Errorf("the log steers a terminal: %q", line)
		}
	}
}
