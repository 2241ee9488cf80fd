// Package hold keeps the promises that only the whole can show: the real binary on the laboratory's real daemons, one
// scenario a file, judged by virsh, nft, kdig, ip and curl.
package hold

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/testenv/lab"
	"plumbline/testenv/need"
	"plumbline/testenv/site"
)

func TestMain(m *testing.M) {
	lab.Main()
	code := m.Run()
	if shared.up != nil {
		if err := shared.up.Down(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the binary under test, and where everything of this package lies.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func plumb(t *testing.T) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "plumb-hold-"); built.err != nil {
			return
		}
		if built.err = os.Chmod(built.dir, 0o755); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", filepath.Join(built.dir, "plumb"), "plumbline/cmd/plumb").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("go build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "plumb")
}

// scene is a site within one test.
type scene struct {
	*site.Site
	t   *testing.T
	ctx context.Context
}

var shared struct {
	up  *site.Site
	out *bytes.Buffer
}

// onSite gives the site that the tests of this package share, with the base topology applied and plumb run following it. One
// that an earlier test left broken is made anew.
func onSite(t *testing.T) *scene {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	t.Cleanup(cancel)
	if shared.up != nil {
		s := &scene{shared.up, t, ctx}
		err := s.again()
		if err == nil {
			return s
		}
		t.Logf("the site that is shared is broken, a new one is made: %v", err)
		dropShared(t)
	}
	s := newSite(t, ctx, site.Options{})
	shared.up = s.Site
	if err := s.again(); err != nil {
		dropShared(t)
		t.Fatal(err)
	}
	return s
}

func dropShared(t *testing.T) {
	t.Helper()
	up := shared.up
	shared.up = nil
	if err := up.Down(); err != nil {
		t.Fatal(err)
	}
}

// newSite brings up a laboratory with a repository; nothing runs on it yet.
func newSite(t *testing.T, ctx context.Context, o site.Options) *scene {
	t.Helper()
	need.Root(t)
	need.Program(t, "virsh", "qemu-img", "nft", "knotd", "kdig", "curl", "git")
	o.Binary = plumb(t)
	dir, err := os.MkdirTemp(built.dir, "site-")
	if err != nil {
		t.Fatal(err)
	}
	change := o.Change
	o.Dir, o.Out = dir, testWriter{t}
	o.Change = func(c *lab.Config) {
		c.Name = strings.ToLower(filepath.Base(dir))
		c.Share = append(c.Share, built.dir)
		if change != nil {
			change(c)
		}
	}
	up, err := site.Up(ctx, o)
	if err != nil {
		t.Fatalf("%v\n%v\n%s", err, up.Down(), lab.Logs(filepath.Join(dir, "lab")))
	}
	up.Out = os.Stderr
	return &scene{up, t, ctx}
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}
