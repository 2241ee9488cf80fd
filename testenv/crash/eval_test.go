package crash

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"plumbline/actuators/all"
	"plumbline/schema"
)

// TestMain makes this binary its own worker, too.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == "eval" {
		if err := schema.ServeEval(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// slow keeps a worker busy for as long as it lives.
const slow = `package slow
_n: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
_sum: [for a in _n for b in _n for c in _n for d in _n for e in _n for f in _n for g in _n for h in _n if a+b+c+d+e+f+g+h < 0 {a}]
site: x: description: "\(len(_sum))"
`

// TestAWorkerThatIsKilledIsNoMistakeInTheTopology: the load fails as something that may pass by itself, and the next one, with
// the same pool, goes through.
func TestAWorkerThatIsKilledIsNoMistakeInTheTopology(t *testing.T) {
	self, err := os.Executable()
	must(t, err)
	pool := schema.NewPool([]string{self, "eval"})
	defer pool.Close()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	loaded := make(chan error, 1)
	go func() {
		_, err := schema.Load(ctx, fstest.MapFS{"slow/slow.cue": {Data: []byte(slow)}}, "c", all.Registry(), schema.WithEvaluator(pool))
		loaded <- err
	}()
	for killed := 0; ; {
		select {
		case err := <-loaded:
			if killed == 0 || err == nil || errors.As(err, new(schema.Problems)) || ctx.Err() != nil {
				t.Fatalf("%d workers were killed, and the load ends with %v", killed, err)
			}
			t.Logf("after %d kills: %v", killed, err)
			g, err := schema.Load(ctx, fstest.MapFS{"site.cue": {Data: []byte("package boston\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {site: boston: {}}\n")}}, "c",
				all.Registry(), schema.WithEvaluator(pool))
			if err != nil || len(g.Objects) != 1 {
				t.Errorf("the load after it: %v", err)
			}
			return
		case <-time.After(20 * time.Millisecond):
			for _, pid := range workers(t, self) {
				if syscall.Kill(pid, syscall.SIGKILL) == nil {
					killed++
				}
			}
		}
	}
}

// workers lists the children of this process that evaluate and have begun to work.
func workers(t *testing.T, self string) (pids []int) {
	t.Helper()
	lists, err := filepath.Glob("/proc/self/task/*/children")
	must(t, err)
	for _, list := range lists {
		data, _ := os.ReadFile(list) // a thread may have ended
		for _, word := range strings.Fields(string(data)) {
			pid, err := strconv.Atoi(word)
			must(t, err)
			if argv, _ := os.ReadFile("/proc/" + word + "/cmdline"); string(argv) == self+"\x00eval\x00" {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}
