package liar

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	hostexec "plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/sources/dir"
)

// TestClocksTenMinutesApart: a host is another process, whose clock is ten minutes ahead or behind. A volume is made, set aside when it
// is declared no more, put back, set aside again, purged as people agreed, made anew, and lost. All of it goes as with right clocks, what
// the controller remembers and tells has its own times, and the log says whose clock differs and by how much.
func TestClocksTenMinutesApart(t *testing.T) {
	for _, off := range []time.Duration{10 * time.Minute, -10 * time.Minute} {
		t.Run(off.String(), func(t *testing.T) {
			t.Parallel()
			apart(t, off)
		})
	}
}

func apart(t *testing.T, off time.Duration) {
	at, said := t.TempDir(), new(strings.Builder)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Mkdir(filepath.Join(at, "work"), 0o755))
	source, err := dir.Open(dir.Config{Path: filepath.Join(at, "work"), NoEvents: true})
	must(err)
	store, err := journal.Open(filepath.Join(at, "state", "journal.db"), journal.Options{Version: "test"})
	must(err)
	defer store.Close()
	kinds := all.Registry()
	c := reconcile.New(reconcile.Options{
		Config: reconcile.Config{State: filepath.Join(at, "state")}, Kinds: kinds, Source: source, Store: store, Log: zerolog.New(zerolog.SyncWriter(said)),
		Dial: func(ctx context.Context, host, _ string) (hostexec.Executor, error) {
			dirs := hostexec.Dirs{State: filepath.Join(at, "host"+host)}
			if host == "" {
				return hostexec.Local(kinds, hostexec.NewMachine(host, dirs), hostexec.Options{}), nil
			}
			return hostexec.DialSelf(ctx, nil, hostexec.Self{Name: host, Dirs: dirs, Off: off}, hostexec.DialOptions{})
		},
	})
	defer c.Close()
	pool := filepath.Join(at, "pool")
	apply := func(volume string) time.Time {
		t.Helper()
		text := fmt.Sprintf("package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {\n\tsite: boston: {}\n\thost: h: site: \"boston\"\n\tpool: images: {host: \"h\", dir: %q}\n%s}\n", pool, volume)
		must(os.WriteFile(filepath.Join(at, "work", "site.cue"), []byte(text), 0o600))
		head, err := source.Head(t.Context())
		must(err)
		p, err := c.Plan(t.Context(), head.ID)
		must(err)
		begun := time.Now()
		result, err := c.Apply(t.Context(), p, nil)
		must(err)
		if result.Verdict != run.Applied {
			t.Fatalf("%s: %+v", result.Verdict, result.Lanes)
		}
		return begun
	}
	const volume = "\tvolume: disk: {pool: \"images\", size: \"1Mi\"}\n"
	disks := func(want int, name string) {
		t.Helper()
		if files, err := filepath.Glob(filepath.Join(pool, "[^.]*.qcow2")); err != nil || len(files) != want || want > 0 && !strings.HasPrefix(filepath.Base(files[0]), name) {
			t.Errorf("there is %v (%v)", files, err)
		}
	}
	waits := func(since time.Time) string {
		t.Helper()
		head, err := source.Head(t.Context())
		must(err)
		all, err := c.Retired(t.Context(), head.ID)
		must(err)
		if len(all) != 1 || !during(all[0].Instances[0].Since, since) {
			t.Fatalf("the volume was set aside at %v, and what waits is %+v", since, all)
		}
		return all[0].Approve
	}
	apply(volume)
	waits(apply(""))
	apply(volume)
	disks(1, "disk.qcow2")
	line := waits(apply(""))
	disks(1, "disk.plumb-retired-")
	apply("\t" + line + "\n")
	disks(0, "")
	apply(volume)
	disks(1, "disk.qcow2")
	lost := time.Now()
	must(os.Remove(filepath.Join(pool, "disk.qcow2")))
	must(os.Remove(filepath.Join(pool, "disk.qcow2.plumb.json")))
	drifted, err := c.Drift(t.Context())
	must(err)
	if len(drifted.Incidents) != 1 || !during(drifted.Incidents[0].FirstSeen, lost) {
		t.Errorf("the volume was lost at %v, and the incidents are %+v", lost, drifted.Incidents)
	}
	if n := strings.Count(said.String(), "the clock of the host is not the controller's"); n != 1 || !strings.Contains(said.String(), `"host":"h"`) {
		t.Errorf("told %d times of the clock:\n%s", n, said)
	}
}

// during tells whether a time lies between another and now.
func during(at, from time.Time) bool { return !at.Before(from) && !at.After(time.Now()) }
