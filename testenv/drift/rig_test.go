// Package drift holds the drift alerts to what people count on, on real daemons.
package drift

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
	"plumbline/testenv/need"
	"plumbline/testenv/site"
)

func TestMain(m *testing.M) {
	lab.Main()
	code := m.Run()
	if shared.dir != "" {
		if shared.up != nil {
			if err := shared.up.Down(); err != nil {
				fmt.Fprintln(os.Stderr, err)
				code = 1
			}
		}
		shared.ear.Close()
		os.RemoveAll(shared.dir)
	}
	os.Exit(code)
}

// scene is a site on which everything was applied, with plumb run watching it.
type scene struct {
	*site.Site
	t   *testing.T
	ctx context.Context
	ear *ear
}

// shared is the site of all tests of this package.
var shared struct {
	up   *site.Site
	ear  *ear
	dir  string
	head string // that was applied
}

// every is how often what tells nothing is looked at.
const every = time.Second

// settings have each incident told alone, each time, and resolved by the first look that shows it so.
const settings = `drift: {hold: "0s", alone: 1000, flaps: 1000}`

// onSite gives the laboratory with one object of everything that can be declared, as it was applied.
func onSite(t *testing.T) *scene {
	t.Helper()
	need.Root(t)
	need.Program(t, "virsh", "qemu-img", "nft", "ip", "knotd", "knsupdate", "kdig", "keepalived", "git", "conntrack")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	t.Cleanup(cancel)
	if shared.dir == "" {
		bringUp(t, ctx)
	}
	if shared.up == nil {
		t.Fatal("the site was not brought up")
	}
	s := &scene{shared.up, t, ctx, shared.ear}
	s.Out = writer{t}
	if shared.head == "" {
		s.begin()
	}
	t.Cleanup(func() {
		s.Out = os.Stderr
		if t.Failed() {
			t.Logf("%s", s.LogTail())
		}
	})
	return s
}

func bringUp(t *testing.T, ctx context.Context) {
	t.Helper()
	dir, err := os.MkdirTemp("", "plumb-drift-")
	if err != nil {
		t.Fatal(err)
	}
	shared.dir, shared.ear = dir, listen()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "plumb")
	if out, err := exec.Command("go", "build", "-o", binary, "plumbline/cmd/plumb").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	secrets := filepath.Join(dir, "secrets")
	if err := errors.Join(os.Mkdir(secrets, 0o700), os.WriteFile(filepath.Join(secrets, "hook"), []byte(hookKey+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	up, err := site.Up(ctx, site.Options{
		Binary: binary, Dir: filepath.Join(dir, "site"), Out: writer{t}, Interval: every, Settings: fmt.Sprintf("%s\nsecrets: %q", settings, secrets),
		Sinks:  fmt.Sprintf("{webhook: %q, key: secret: \"hook\"}, ", shared.ear.URL),
		Change: func(c *lab.Config) { c.Share = append(c.Share, dir); change(c, filepath.Base(dir)) },
	})
	if err != nil {
		t.Fatalf("%v\n%v\n%s", err, up.Down(), lab.Logs(filepath.Join(dir, "site", "lab")))
	}
	shared.up = up
}

// change gives every host some cards without a cable, and the name server a zone more.
func change(c *lab.Config, name string) {
	c.Name = strings.ToLower(name)
	for i := range c.Hosts {
		if c.Hosts[i].Name == "ns1" {
			c.Hosts[i].Zones = append(c.Hosts[i].Zones, lab.Zone{Name: "other.com", Address: "203.0.113.53"})
		}
		for _, card := range []string{"eth3", "eth4", "eth5"} {
			c.Hosts[i].NICs = append(c.Hosts[i].NICs, lab.NIC{Name: card})
		}
	}
}

func (s *scene) begin() {
	s.t.Helper()
	for host, command := range ground {
		s.on(host, command)
	}
	text := strings.NewReplacer("IMAGE", "file://"+s.Image.Path, "SUM", s.Image.SHA256,
		"CORES", s.word("ns1", `lscpu -p=SOCKET,CORE | grep -v '^#' | sort -u | wc -l`), "MEMORY", s.word("ns1", memory),
		"DISKSIZE", s.word("ns1", diskSize)).Replace(topology)
	if err := s.Only("site.cue", text); err != nil {
		s.t.Fatal(err)
	}
	commit, err := s.Push(s.ctx, "everything")
	if err == nil {
		err = s.StartRun(s.ctx)
	}
	if err == nil {
		err = s.Applied(s.ctx, commit)
	}
	if err != nil {
		s.t.Fatalf("%v\n%s", err, s.LogTail())
	}
	shared.head = commit
}

// on runs a shell command on a host.
func (s *scene) on(host, command string) string {
	s.t.Helper()
	out, err := s.On(s.ctx, host, "bash", "-euo", "pipefail", "-c", command)
	if err != nil {
		s.t.Fatalf("on %s: %s: %v", host, command, err)
	}
	return out
}

func (s *scene) word(host, command string) string { return strings.TrimSpace(s.on(host, command)) }

type writer struct{ t *testing.T }

func (w writer) Write(p []byte) (int, error) {
	w.t.Logf("%s", strings.TrimRight(string(p), "\n"))
	return len(p), nil
}

func tell(n site.Notice) string {
	return fmt.Sprintf("%s %s %s: %s", n.Status, n.Reason, n.Object, n.Message)
}

func tellAll(all []site.Notice) string {
	var out []string
	for _, n := range all {
		out = append(out, tell(n))
	}
	return strings.Join(out, "\n")
}

// quiet wants nothing to have been told since so many notices.
func (s *scene) quiet(since int) {
	s.t.Helper()
	all, _ := s.ear.about("")
	if len(all) > since {
		s.t.Errorf("nothing is wrong, and it was told: %s", tellAll(all[since:]))
	}
}
