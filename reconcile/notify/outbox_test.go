package notify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"plumbline/reconcile/notify"
)

// sinks are some that live over several lives of a process.
func sinks(names ...string) (list []notify.Sink, all []*sink) {
	for _, name := range names {
		s := &sink{name: name}
		list, all = append(list, s), append(all, s)
	}
	return list, all
}

func open(t *testing.T, path string) *notify.Outbox {
	t.Helper()
	box, err := notify.OpenOutbox(path)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// life runs a bus over a file until everything was given to the sinks.
func life(t *testing.T, path string, list []notify.Sink, do func(*notify.Bus)) {
	t.Helper()
	box := open(t, path)
	bus := notify.NewBus(t.Context(), zerolog.Nop(), nil, box, list...)
	do(bus)
	bus.Close()
	if err := box.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestNothingIsRepeatedAfterACleanRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "notices.log")
		list, all := sinks("a", "b", "a")
		for round := range 3 {
			life(t, path, list, func(b *notify.Bus) { b.Notify(notify.Notice{ID: fmt.Sprint(round)}) })
		}
		for _, s := range all {
			if s.has() != "0 1 2" {
				t.Errorf("%s got %q", s.name, s.has())
			}
		}
	})
}

func TestWhatASinkDidNotTakeWaitsForTheNextProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "notices.log")
		list, all := sinks("well", "away")
		all[1].fails = 1 << 30
		box := open(t, path)
		ctx, cancel := context.WithCancel(t.Context())
		bus := notify.NewBus(ctx, zerolog.Nop(), nil, box, list...)
		send(bus, 3)
		synctest.Wait()
		cancel()
		bus.Close()
		box.Close()
		all[1].fails = 0
		life(t, path, list, func(*notify.Bus) {})
		if all[0].has() != "0 1 2" || all[1].has() != "0 1 2" {
			t.Errorf("%q %q", all[0].has(), all[1].has())
		}
	})
}

func TestANewSinkIsGivenWhatIsDecidedFromNowOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "notices.log")
		list, all := sinks("a", "b")
		life(t, path, list[:1], func(b *notify.Bus) { b.Notify(notify.Notice{ID: "0"}) })
		life(t, path, list, func(b *notify.Bus) { b.Notify(notify.Notice{ID: "1"}) })
		life(t, path, list[1:], func(b *notify.Bus) { b.Notify(notify.Notice{ID: "2"}) })
		if all[0].has() != "0 1" || all[1].has() != "1 2" {
			t.Errorf("%q %q", all[0].has(), all[1].has())
		}
	})
}

// recorder takes a copy of the log at every delivery: right before the sink has it, and right after.
type recorder struct {
	sink
	path string
	file [][]byte
	had  []int
}

func (r *recorder) Send(ctx context.Context, n notify.Notice) error {
	r.snap()
	err := r.sink.Send(ctx, n)
	r.snap()
	return err
}

func (r *recorder) snap() {
	data, _ := os.ReadFile(r.path)
	r.file, r.had = append(r.file, data), append(r.had, len(r.got))
}

// TestAKillAtAnyInstantForgetsNothingAndRepeatsAtMostTheOneUnderWay takes the log at every delivery, cut off at many bytes that
// came since the log before, and starts a process on it.
func TestAKillAtAnyInstantForgetsNothingAndRepeatsAtMostTheOneUnderWay(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "notices.log")
	r := &recorder{sink: sink{name: "s"}, path: path}
	box := open(t, path)
	bus := notify.NewBus(t.Context(), zerolog.Nop(), nil, box, r)
	const count = 4
	for n := range count {
		bus.Commit(map[string]json.RawMessage{"decided": json.RawMessage(fmt.Sprint(n + 1))}, notify.Notice{ID: fmt.Sprint(n)})
	}
	bus.Close()
	r.snap()
	box.Close()
	kills := 0
	for k, data := range r.file {
		least := 0
		if k > 0 {
			for least < min(len(data), len(r.file[k-1])) && data[least] == r.file[k-1][least] {
				least++
			}
		}
		for cut := max(least, bytes.IndexByte(data, '\n')+1); cut <= len(data); cut = next(cut, len(data)) {
			kills++
			after(t, filepath.Join(dir, "killed.log"), data[:cut], r.got[:r.had[k]], cut == len(data))
		}
	}
	if kills < 50 {
		t.Errorf("only %d kills", kills)
	}
}

// next is where the log is cut off after a cut: nine bytes on, and at its end in any case.
func next(cut, end int) int {
	if cut < end {
		return min(cut+9, end)
	}
	return end + 1
}

// after starts a process on what a killed one left.
func after(t *testing.T, path string, data []byte, had []string, whole bool) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	next := &sink{name: "s"}
	box := open(t, path)
	var decided int
	if value, ok := box.State("decided")["decided"]; ok {
		if err := json.Unmarshal(value, &decided); err != nil {
			t.Fatal(err)
		}
	}
	bus := notify.NewBus(t.Context(), zerolog.Nop(), nil, box, next)
	bus.Close()
	box.Close()
	from := decided // the first that the new process gave
	if len(next.got) > 0 {
		fmt.Sscan(next.got[0], &from)
	}
	var want []string
	for n := from; n < decided; n++ {
		want = append(want, fmt.Sprint(n))
	}
	repeated := len(had) - from
	if strings.Join(want, " ") != next.has() || repeated < 0 || repeated > 1 && whole {
		t.Fatalf("had %q, decided %d, then got %q (log %q)", had, decided, next.has(), data)
	}
}

func TestALogThatCannotBeWrittenKeepsNobodyFromTelling(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	path := filepath.Join(dir, "notices.log")
	box := open(t, path)
	s := &sink{name: "s"}
	bus := notify.NewBus(t.Context(), zerolog.Nop(), nil, box, s)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	for n := range 6 { // long enough that the log is to be written anew
		bus.Notify(notify.Notice{ID: fmt.Sprint(n), Message: strings.Repeat("x", 1<<20)})
	}
	bus.Close()
	if s.has() != "0 1 2 3 4 5" {
		t.Error(s.has())
	}
}

func TestADamagedLineCostsNoOther(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notices.log")
	if err := os.WriteFile(path, []byte("{\"state\":{\"a\":1}}\n{\"sta\x00\x00\n{\"state\":{\"b\":2}}\n{\"state\":{\"c\":"), 0o600); err != nil {
		t.Fatal(err)
	}
	box := open(t, path)
	defer box.Close()
	if state := box.State(""); len(state) != 2 || box.Damage() != 1 {
		t.Errorf("%s %d", state, box.Damage())
	}
}

// repeating is a sink that wants to hear again what fires.
type repeating struct {
	sink
	mu    sync.Mutex
	heard []string
}

func (r *repeating) Every() time.Duration { return time.Minute }

func (r *repeating) Repeat(_ context.Context, open []notify.Notice) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range open {
		r.heard = append(r.heard, n.ID)
	}
	return nil
}

func TestASinkThatForgetsIsToldAgainWhatFires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "notices.log")
		r := &repeating{sink: sink{name: "r"}}
		life(t, path, []notify.Sink{r}, func(b *notify.Bus) {
			b.Notify(notify.Notice{ID: "1", Fingerprint: "f", Status: notify.Firing})
			b.Notify(notify.Notice{ID: "2", Fingerprint: "g", Status: notify.Firing})
			b.Notify(notify.Notice{ID: "3", Fingerprint: "f", Status: notify.Resolved})
		})
		life(t, path, []notify.Sink{r}, func(b *notify.Bus) { time.Sleep(150 * time.Second) })
		if got := strings.Join(r.heard, " "); got != "2 2" {
			t.Errorf("%q", got)
		}
	})
}
