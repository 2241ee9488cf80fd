package exec_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
)

func (w *world) host() actuators.Host { return newHost(w.self) }

func TestWriteFileReplacesWhole(t *testing.T) {
	w := newWorld(t)
	h := w.host()
	path := filepath.Join(h.StateDir(), "deep", "file")
	w.must(h.WriteFile(path, []byte("one"), 0o640))
	old, err := os.Open(path)
	w.must(err)
	defer old.Close()
	w.must(h.WriteFile(path, []byte("two"), 0o600))
	if data, _ := io.ReadAll(old); string(data) != "one" {
		t.Errorf("the old file was written into: %q", data)
	}
	data, err := h.ReadFile(path)
	w.must(err)
	info, err := os.Stat(path)
	w.must(err)
	entries, err := os.ReadDir(filepath.Dir(path))
	w.must(err)
	if string(data) != "two" || info.Mode().Perm() != 0o600 || len(entries) != 1 {
		t.Errorf("got %q, mode %s, %d files", data, info.Mode(), len(entries))
	}
	elsewhere := filepath.Join(filepath.Dir(w.pair), "missing", "file")
	w.fails(h.WriteFile(elsewhere, nil, 0o600), fs.ErrNotExist)
	for range 2 {
		w.must(h.Remove(path))
	}
	_, err = h.ReadFile(path)
	w.fails(err, actuators.ErrNotFound, fs.ErrNotExist)
}

func TestSecretsAreReadFromPrivateFilesOnly(t *testing.T) {
	w := newWorld(t)
	h, dir := w.host(), w.self.Dirs.Secrets
	w.must(os.MkdirAll(dir, 0o700))
	w.must(os.WriteFile(filepath.Join(dir, "good"), []byte("s3cret\n"), 0o600))
	w.must(os.WriteFile(filepath.Join(dir, "open"), []byte("s3cret\n"), 0o644))
	w.must(os.WriteFile(filepath.Join(dir, "exec"), []byte("s3cret\n"), 0o700))
	w.must(os.Symlink("good", filepath.Join(dir, "link")))
	secret, err := h.Secret(actuators.Secret{Name: "good"})
	if w.must(err); string(secret) != "s3cret" {
		t.Errorf("secret %q", secret)
	}
	for _, name := range []string{"", ".", "..", "../secrets/good", "/etc/passwd", "a..b", ".good", "open", "exec", "link"} {
		if secret, err := h.Secret(actuators.Secret{Name: name}); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("secret %q: got %q, %v", name, secret, err)
		}
	}
	_, err = h.Secret(actuators.Secret{Name: "absent"})
	w.fails(err, actuators.ErrNotFound)
}

func TestRunGivesOutputAndStatus(t *testing.T) {
	w := newWorld(t)
	t.Setenv("PLUMB_CANARY", "1")
	out, err := w.host().Run(w.ctx(), actuators.Cmd{
		Argv: []string{"sh", "-c", "cat; pwd; env >&2"}, Stdin: []byte("in\n"), Dir: "/", Env: []string{"EXTRA=yes"},
	})
	w.must(err)
	said := string(out.Stderr)
	if string(out.Stdout) != "in\n/\n" || !strings.Contains(said, "LANG=C\n") || !strings.Contains(said, "EXTRA=yes") || strings.Contains(said, "CANARY") {
		t.Errorf("stdout %q, stderr %q", out.Stdout, said)
	}
	_, err = w.host().Run(w.ctx(), actuators.Cmd{Argv: []string{"sh", "-c", "echo no such pool >&2; exit 3"}})
	var exit *actuators.ExitError
	if !errors.As(err, &exit) || exit.Code != 3 || err.Error() != "sh: exit status 3: no such pool" {
		t.Errorf("error %v", err)
	}
	_, err = w.host().Run(w.ctx(), actuators.Cmd{Argv: []string{"no-such-program"}})
	w.fails(err, actuators.ErrNotFound)
	_, err = w.host().Run(w.ctx(), actuators.Cmd{Argv: []string{"sh", "-c", "kill -9 $$"}})
	w.fails(err)
}

func TestRunKillsTheWholeGroup(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(context.Background())
	ran := make(chan error, 1)
	go func() {
		_, err := w.host().Run(ctx, actuators.Cmd{Argv: []string{"sh", "-c", "sleep " + uniqueSleep(w) + " & wait"}})
		ran <- err
	}()
	w.eventually("both run", func() bool { return len(processes(uniqueSleep(w))) == 2 })
	cancel()
	w.fails(<-ran, context.Canceled)
	w.eventually("both are gone", func() bool { return len(processes(uniqueSleep(w))) == 0 })
}

func TestRunLetsDaemonsLive(t *testing.T) {
	w := newWorld(t)
	out, err := w.host().Run(w.ctx(), actuators.Cmd{Argv: []string{"sh", "-c", "echo started; setsid sleep " + uniqueSleep(w) + " &"}})
	w.must(err)
	left := processes("sleep\x00" + uniqueSleep(w))
	for pid := range left {
		w.kill(pid, 9)
	}
	if string(out.Stdout) != "started\n" || len(left) != 1 {
		t.Errorf("stdout %q, daemons %v", out.Stdout, left)
	}
}

func TestRunRefusesHalfAnAnswer(t *testing.T) {
	w := newWorld(t)
	_, err := w.host().Run(w.ctx(), actuators.Cmd{Argv: []string{"yes"}})
	if err == nil || err.Error() != "yes: killed: it printed more than 16 MiB" {
		t.Errorf("error %v", err)
	}
}

func TestDialHeedsTheContext(t *testing.T) {
	w := newWorld(t)
	listener, err := net.Listen("unix", filepath.Join(t.TempDir(), "sock"))
	w.must(err)
	defer listener.Close()
	conn, err := w.host().Dial(w.ctx(), "unix", listener.Addr().String())
	w.must(err)
	conn.Close()
	past, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	_, err = w.host().Dial(past, "unix", listener.Addr().String())
	w.fails(err)
}
