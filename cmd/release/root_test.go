package main

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"plumbline/testenv/need"
)

// TestMain runs from the root of the repository, as `make release` does.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// machine is a root file system with the essential packages of Debian, as a new machine has them, and systemd, which does
// not run.
type machine struct {
	*testing.T
	root string
}

// sources are where this machine's own packages come from.
func sources(t *testing.T) string {
	for _, file := range []string{"/etc/apt/sources.list.d/debian.sources", "/etc/apt/sources.list"} {
		if info, err := os.Stat(file); err == nil && info.Size() > 0 {
			return file
		}
	}
	t.Fatal("this machine has no Debian sources")
	return ""
}

// newMachine begins to make one; the result waits until it is there.
func newMachine(t *testing.T) func() *machine {
	need.Root(t)
	need.Package(t, "mmdebstrap", "rpm")
	dir, err := os.MkdirTemp("/var/tmp", "plumb-root-") // not /tmp: apt's own user must get in
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	root := filepath.Join(dir, "root")
	made := make(chan error, 1)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		made <- do(ctx, nil, "mmdebstrap", "--variant=essential", "--include=man-db,openssh-client,passwd,systemd", "--dpkgopt=force-unsafe-io",
			codename(), root, sources(t))
	}()
	t.Cleanup(cancel)
	return func() *machine {
		if err := <-made; err != nil {
			t.Fatal(err)
		}
		return &machine{t, root}
	}
}

func codename() string {
	data, _ := os.ReadFile("/etc/os-release") // without it mmdebstrap says what is wrong
	_, name, _ := strings.Cut(string(data), "VERSION_CODENAME=")
	name, _, _ = strings.Cut(name, "\n")
	return name
}

// command is a program of the machine, in namespaces of its own: nothing that it mounts is left.
func (m *machine) command(argv ...string) *exec.Cmd {
	const enter = `mount -t proc proc "$0/proc" && exec chroot "$0" "$@"`
	cmd := exec.CommandContext(m.Context(), "unshare", append([]string{"--mount", "--net", "sh", "-c", enter, m.root}, argv...)...)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive"}
	return cmd
}

// run gives all that a program of the machine writes; its failure ends the test.
func (m *machine) run(argv ...string) string {
	m.Helper()
	var out bytes.Buffer
	cmd := m.command(argv...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	m.Logf("$ %s\n%s", strings.Join(argv, " "), out.String())
	if err != nil {
		m.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out.String())
	}
	return out.String()
}

func (m *machine) says(text string, wants ...string) {
	m.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			m.Errorf("this says nothing of %q:\n%s", want, text)
		}
	}
}

func (m *machine) write(path, text string, mode fs.FileMode) {
	m.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(m.root+path), 0o755), os.WriteFile(m.root+path, []byte(text), mode)); err != nil {
		m.Fatal(err)
	}
}

func (m *machine) read(path string) string {
	m.Helper()
	data, err := os.ReadFile(m.root + path)
	if err != nil {
		m.Fatal(err)
	}
	return string(data)
}

// is checks type, mode and owner of a file; "" means that it is not there.
func (m *machine) is(path, mode, owner string) {
	m.Helper()
	info, err := os.Lstat(m.root + path)
	if errors.Is(err, fs.ErrNotExist) {
		if mode != "" {
			m.Errorf("%s is missing", path)
		}
		return
	}
	if err != nil {
		m.Fatal(err)
	}
	if info.Mode().String() != mode {
		m.Errorf("%s is %s, want %q", path, info.Mode(), mode)
	}
	name := "root"
	if uid := info.Sys().(*syscall.Stat_t).Uid; uid != 0 {
		name = strings.TrimSpace(m.run("stat", "-c", "%U", path))
	}
	if name != owner {
		m.Errorf("%s belongs to %s, want %s", path, name, owner)
	}
}
