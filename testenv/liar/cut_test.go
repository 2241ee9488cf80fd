package liar

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	hostexec "plumbline/reconcile/exec"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/run"
	"plumbline/sources/dir"
	"plumbline/testenv/lab"
)

// TestMain makes this binary the far end, and the cable to it that breaks: "cut N FILE PROGRAM…".
func TestMain(m *testing.M) {
	if len(os.Args) > 4 && os.Args[1] == "cut" {
		os.Exit(cable(os.Args[2], os.Args[3], os.Args[4:]))
	}
	lab.Main()
	flag.Set("test.parallel", "24") // who lies is mostly waited for; the command line may say otherwise
	hostexec.Hook(all.Registry())
	os.Exit(m.Run())
}

// cable runs a program and passes on what it says, until it has passed N pieces on: then it is dead, once, and writes a file.
func cable(n, file string, argv []string) int {
	left, _ := strconv.Atoi(n)
	if _, err := os.Stat(file); err == nil {
		left = -1
	}
	far := exec.Command(argv[0], argv[1:]...)
	far.Stdin, far.Stderr = os.Stdin, os.Stderr
	out, err := far.StdoutPipe()
	if err != nil || far.Start() != nil {
		return 1
	}
	for piece := make([]byte, 64<<10); ; left-- {
		if left == 0 {
			os.WriteFile(file, nil, 0o600)
			far.Process.Kill()
			return 1
		}
		got, err := out.Read(piece)
		if err != nil {
			return 0
		}
		os.Stdout.Write(piece[:got])
	}
}

// TestACableThatBreaksAfterEachPiece: the connection to a host dies after every piece of what the host says, from the handshake
// to the last answer. However it ends, nothing is applied that is not there, and the next tries bring all there, once.
func TestACableThatBreaksAfterEachPiece(t *testing.T) {
	t.Parallel()
	const together = 16 // most of the time is a rest before a host is dialed again
	var cuts atomic.Int64
	for first := 1; int64(first-1) == cuts.Load() && !t.Failed(); first += together {
		t.Run(fmt.Sprintf("from %d", first), func(t *testing.T) {
			for n := first; n < first+together; n++ {
				t.Run(strconv.Itoa(n), func(t *testing.T) {
					t.Parallel()
					if breaks(t, n) {
						cuts.Add(1)
					}
				})
			}
		})
	}
	t.Logf("%d cuts", cuts.Load())
	if cuts.Load() < 5 {
		t.Errorf("only %d pieces were found to break after", cuts.Load())
	}
}

func breaks(t *testing.T, n int) (broke bool) {
	t.Helper()
	at := t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("cut after %d: %v", n, err)
		}
	}
	pool := filepath.Join(at, "pool")
	text := fmt.Sprintf("package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {site: boston: {}, host: h: site: \"boston\", pool: images: {host: \"h\", dir: %q}}\n", pool)
	must(os.Mkdir(filepath.Join(at, "work"), 0o755))
	must(os.WriteFile(filepath.Join(at, "work", "site.cue"), []byte(text), 0o600))
	source, err := dir.Open(dir.Config{Path: filepath.Join(at, "work"), NoEvents: true})
	must(err)
	store, err := journal.Open(filepath.Join(at, "state", "journal.db"), journal.Options{Version: "test"})
	must(err)
	defer store.Close()
	self, err := os.Executable()
	must(err)
	flag := filepath.Join(at, "broke")
	kinds := all.Registry()
	c := reconcile.New(reconcile.Options{
		Config: reconcile.Config{State: filepath.Join(at, "state")}, Kinds: kinds, Source: source, Store: store,
		Dial: func(ctx context.Context, host, _ string) (hostexec.Executor, error) {
			if host == "" {
				return hostexec.Local(kinds, hostexec.NewMachine("", hostexec.Dirs{State: filepath.Join(at, "here")}), hostexec.Options{}), nil
			}
			return hostexec.DialSelf(ctx, []string{self, "cut", strconv.Itoa(n), flag}, hostexec.Self{Name: host, Dirs: hostexec.Dirs{State: filepath.Join(at, "far")}}, hostexec.DialOptions{})
		},
	})
	defer c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	head, err := source.Head(ctx)
	must(err)
	for {
		must(ctx.Err())
		p, err := c.Plan(ctx, head.ID)
		must(err)
		if p.Empty() && len(p.Refusals) == 0 {
			break
		}
		result, err := c.Apply(ctx, p, nil)
		must(err)
		if _, err := os.Stat(filepath.Join(pool, ".plumb-pool")); result.Verdict == run.Applied && err != nil {
			t.Fatalf("cut after %d: it is said to be applied, and %v", n, err)
		}
		parked, err := store.Parked()
		must(err)
		for digest := range parked {
			_, err := store.Unpark(digest)
			must(err)
		}
	}
	entries, err := os.ReadDir(pool)
	must(err)
	if len(entries) != 1 {
		t.Errorf("cut after %d: the pool holds %v, want its marker alone", n, entries)
	}
	_, err = os.Stat(flag)
	return err == nil
}
