// Package drift holds the drift alerts to what people count on, on real daemons.
package drift

import (
	"context"
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
	os.Exit(m.Run())
}

// scene is a site on which everything was applied, with plumb run watching it.
type scene struct {
	*site.Site
	t   *testing.T
	ctx context.Context
	ear *ear
}

// every is how often what tells nothing is looked at.
const every = time.Second

// settings have each incident told alone, each time, and resolved by the first look that shows it so.
const settings = `drift: {hold: "0s", alone: 1000, flaps: 1000}`

// onSite brings up the laboratory with one object of everything that can be declared.
func onSite(t *testing.T) *scene {
	t.Helper()
	need.Root(t)
	need.Program(t, "virsh", "qemu-img", "nft", "ip", "knotd", "knsupdate", "kdig", "keepalived", "git")
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	t.Cleanup(cancel)
	dir, err := os.MkdirTemp("", "plumb-drift-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	binary := filepath.Join(dir, "plumb")
	if out, err := exec.Command("go", "build", "-o", binary, "plumbline/cmd/plumb").CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	people := listen(t)
	up, err := site.Up(ctx, site.Options{
		Binary: binary, Dir: filepath.Join(dir, "site"), Out: writer{t}, Interval: every, Settings: settings, Sinks: fmt.Sprintf("{webhook: %q}, ", people.URL),
		Change: func(c *lab.Config) {
			c.Name = strings.ToLower(filepath.Base(dir))
			c.Share = append(c.Share, dir)
			for i := range c.Hosts {
				if c.Hosts[i].Name == "ns1" {
					c.Hosts[i].Zones = append(c.Hosts[i].Zones, lab.Zone{Name: "other.com", Address: "203.0.113.53"})
				}
				for _, card := range []string{"eth3", "eth4", "eth5"} {
					c.Hosts[i].NICs = append(c.Hosts[i].NICs, lab.NIC{Name: card})
				}
			}
		},
	})
	t.Cleanup(func() {
		if err := up.Down(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatalf("%v\n%s", err, lab.Logs(filepath.Join(dir, "site", "lab")))
	}
	s := &scene{up, t, ctx, people}
	s.begin()
	return s
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
