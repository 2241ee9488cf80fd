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

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/reconcile"
	hostexec "plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/sources/dir"
)

// shifted is a host whose clock is not the controller's.
type shifted struct {
	actuators.Host
	off time.Duration
}

func (s shifted) Now() time.Time { return s.Host.Now().Add(s.off) }

// TestClocksTenMinutesApart: the clock of a host is ten minutes ahead or behind. A volume is made, set aside when it is declared no
// more, and put back. All of it goes as with right clocks, what the controller remembers has its own times, and
// the log says whose clock differs and by how much.
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
		Dial: func(_ context.Context, host, _ string) (hostexec.Executor, error) {
			machine := hostexec.NewMachine(host, hostexec.Dirs{State: filepath.Join(at, "host"+host)})
			if host == "" {
				return hostexec.Local(kinds, machine, hostexec.Options{}), nil
			}
			return hostexec.Local(kinds, shifted{machine, off}, hostexec.Options{}), nil
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
	apply(volume)
	gone := apply("")
	held, err := store.Inventory()
	must(err)
	entry := held[schema.ID("volume/disk").On("h")]
	if entry == nil || entry.Retired == nil || entry.Retired.Before(gone) || entry.Retired.After(time.Now()) {
		t.Errorf("the volume was set aside at %v, and the inventory says %+v", gone, entry)
	}
	apply(volume)
	if files, err := filepath.Glob(filepath.Join(pool, "[^.]*.qcow2")); err != nil || len(files) != 1 || filepath.Base(files[0]) != "disk.qcow2" {
		t.Errorf("there is %v (%v)", files, err)
	}
	if n := strings.Count(said.String(), "the clock of the host is not the controller's"); n != 1 || !strings.Contains(said.String(), `"host":"h"`) {
		t.Errorf("told %d times of the clock:\n%s", n, said)
	}
}
