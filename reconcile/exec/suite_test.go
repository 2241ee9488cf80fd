package exec_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// TestExecutor is what every executor does, in process or at the end of a pipe. open gives a new connection each time.
func TestExecutor(t *testing.T) {
	ways := map[string]func(*world) func() exec.Executor{
		"local":  func(w *world) func() exec.Executor { return w.local },
		"remote": func(w *world) func() exec.Executor { return w.dial },
	}
	for way, open := range ways {
		for name, test := range suite {
			t.Run(way+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				test(w, open(w))
			})
		}
	}
}

var suite = map[string]func(w *world, open func() exec.Executor){
	"says who it is":                         helloTest,
	"does and undoes":                        doUndoTest,
	"undoes half a do":                       halfTest,
	"observes targets":                       observeTest,
	"observes ten megabytes":                 observeBigTest,
	"keeps the classes of errors":            classesTest,
	"refuses what it does not know":          strangersTest,
	"ends a do at its timeout":               timeoutTest,
	"refuses lower epochs":                   epochTest,
	"never undoes beside a live do":          besideTest,
	"does many together":                     manyTest,
	"parts the culprit from the others":      manyCulpritTest,
	"does many that do not go together":      manyAloneTest,
	"refuses lower epochs for many":          manyEpochTest,
	"never undoes many beside a live do":     manyBesideTest,
	"passes hints on":                        watchTest,
	"stamps several kinds at once":           stampsTest,
	"keeps what is confirmed":                confirmedTest,
	"undoes what is not confirmed":           unconfirmedTest,
	"tells of an undo that is stuck":         stuckTest,
	"takes a second confirmation as none":    confirmTwiceTest,
	"forgets a waiting step that was undone": undoneWaitingTest,
	"confirms many at once":                  batchConfirmedTest,
	"undoes many that are not confirmed":     batchUnconfirmedTest,
	"undoes only what is not confirmed":      batchCulpritTest,
	"undoes one of many that wait":           batchUndoneTest,
	"does again what waits":                  batchAgainTest,
}

func helloTest(w *world, open func() exec.Executor) {
	hello, err := open().Hello(w.ctx())
	w.must(err)
	hostname, _ := os.Hostname()
	if hello.Name != "jino0" || hello.Protocol != exec.Protocol || hello.Arch != runtime.GOOS+"/"+runtime.GOARCH ||
		hello.Hostname != hostname || len(hello.Boot) != 36 || hello.Clock.IsZero() || len(hello.Kinds) != 2 {
		w.Fatalf("hello: %+v", hello)
	}
}

func doUndoTest(w *world, open func() exec.Executor) {
	e := open()
	w.must(e.Preflight(w.ctx(), w.set(nil)))
	c := w.captured(e, w.set(nil))
	for range 2 {
		w.must(e.Do(w.ctx(), c))
		w.is("new1\nnew2\n")
	}
	for range 2 {
		w.must(e.Undo(w.ctx(), c))
		w.is("old\nold\n")
	}
}

func halfTest(w *world, open func() exec.Executor) {
	e := open()
	c := w.captured(e, w.set(nil))
	w.write("new1\n")
	w.must(e.Undo(w.ctx(), c))
	w.is("old\nold\n")
	w.write("somebody else\n")
	w.fails(e.Undo(w.ctx(), c), actuators.ErrStuck)
	w.is("somebody else\n")
}

func observeTest(w *world, open func() exec.Executor) {
	scope := actuators.Scope{Targets: []actuators.Target{
		{ID: "pair/p", Spec: encode(w, pairSpec{Path: w.pair})},
		{ID: "pair/absent", Spec: encode(w, pairSpec{Path: w.pair + "no"})},
	}}
	all, err := open().Observe(w.ctx(), "pair", scope)
	w.must(err)
	if len(all) != 1 || all[0].ID != "pair/p" || all[0].Mark.Installation != "test" ||
		string(all[0].State) != `{"config":{"text":"old\nold\n"},"status":{}}` {
		w.Fatalf("observed %+v", all)
	}
	w.must(os.Remove(w.pair))
	w.must(os.Mkdir(w.pair, 0o700)) // reading it fails: no partial answer
	if all, err := open().Observe(w.ctx(), "pair", scope); err == nil || all != nil {
		w.Fatalf("a failed look gave %v, %v", all, err)
	}
}

func observeBigTest(w *world, open func() exec.Executor) {
	spec := encode(w, pairSpec{Path: w.pair, Big: 100})
	all, err := open().Observe(w.ctx(), "pair", actuators.Scope{Targets: []actuators.Target{{ID: "pair/p", Spec: spec}}})
	w.must(err)
	total := 0
	for _, one := range all {
		total += len(one.State)
	}
	if len(all) != 101 || total < 10_000_000 || all[57].ID != "pair/big57" {
		w.Fatalf("observed %d states, %d bytes", len(all), total)
	}
}

func classesTest(w *world, open func() exec.Executor) {
	e := open()
	for name, class := range failures {
		c := w.set(func(p *pairParams) { p.Fail = name })
		for _, err := range []error{e.Preflight(w.ctx(), c), e.Do(w.ctx(), c), e.Undo(w.ctx(), c)} {
			w.fails(err, class)
			if want := "cannot set pair " + w.pair + ": " + class.Error(); err.Error() != want {
				w.Errorf("error %q, want %q", err, want)
			}
		}
		for _, other := range failures {
			if err := e.Do(w.ctx(), c); other != class && (errors.Is(err, other) || errors.Is(err, exec.ErrUnknown)) {
				w.Errorf("error %v is %q too", err, other)
			}
		}
	}
	w.is("old\nold\n")
}

func strangersTest(w *world, open func() exec.Executor) {
	e := open()
	kind, op, version := w.set(nil), w.set(nil), w.set(nil)
	kind.Kind, op.Op, version.Version = "nosuch", "nosuch", 2
	for _, c := range []exec.Call{kind, op, version} {
		_, err := e.Capture(w.ctx(), c)
		w.fails(err)
		w.fails(e.Do(w.ctx(), c))
		w.fails(e.Undo(w.ctx(), c))
	}
	_, err := e.Observe(w.ctx(), "nosuch", actuators.Scope{All: true})
	w.fails(err)
	w.is("old\nold\n")
}

func timeoutTest(w *world, open func() exec.Executor) {
	e := open()
	c := w.captured(e, w.set(func(p *pairParams) { p.Sleep = uniqueSleep(w) }))
	c.Timeout = 300 * time.Millisecond
	w.fails(e.Do(w.ctx(), c), exec.ErrUnknown, context.DeadlineExceeded)
	w.is("new1\n")
	if left := processes(uniqueSleep(w)); len(left) > 0 {
		w.Fatalf("the program of the do lives on: %v", left)
	}
	w.must(e.Undo(w.ctx(), c))
	w.is("old\nold\n")
}

func epochTest(w *world, open func() exec.Executor) {
	older, newer := open(), open()
	c := w.captured(older, w.set(nil))
	c.Epoch = 7
	w.must(newer.Do(w.ctx(), c))
	c.Epoch = 6
	w.fails(older.Undo(w.ctx(), c), exec.ErrFenced)
	w.fails(older.Do(w.ctx(), c), exec.ErrFenced)
	w.is("new1\nnew2\n")
	hello, err := open().Hello(w.ctx())
	w.must(err)
	if hello.Epoch != 7 {
		w.Fatalf("the host remembers epoch %d, want 7", hello.Epoch)
	}
	c.Epoch = 7
	w.must(older.Undo(w.ctx(), c))
}

func besideTest(w *world, open func() exec.Executor) {
	gate := filepath.Join(filepath.Dir(w.pair), "gate")
	w.must(os.WriteFile(gate, nil, 0o600))
	doing, undoing := open(), open()
	c := w.captured(doing, w.set(func(p *pairParams) { p.Deaf = gate }))
	did := make(chan error, 1)
	go func() { did <- doing.Do(w.ctx(), c) }()
	w.becomes("new1\n")

	soon := c
	soon.Timeout = 200 * time.Millisecond
	w.fails(undoing.Undo(w.ctx(), soon), actuators.ErrTransient)
	w.is("new1\n")
	undid := make(chan error, 1)
	go func() { undid <- undoing.Undo(w.ctx(), c) }()
	w.must(os.Remove(gate))
	w.must(<-did)
	w.must(<-undid)
	w.is("old\nold\n")
}

func watchTest(w *world, open func() exec.Executor) {
	e := open()
	var texts []string
	err := e.Watch(w.ctx(), "pair", func(event actuators.Event) {
		if event.ID == schema.ID("pair/p") && !event.Time.IsZero() {
			texts = append(texts, event.Text)
		}
	})
	w.fails(err, actuators.ErrTransient)
	if got := string(encode(w, texts)); got != `["hint 0","hint 1","hint 2"]` {
		w.Fatalf("hints %s", got)
	}
	w.fails(e.Watch(w.ctx(), "polled", func(actuators.Event) {}), exec.ErrPolled)
}

func stampsTest(w *world, open func() exec.Executor) {
	e := open()
	scopes := map[string]actuators.Scope{
		"pair":   {All: true, Targets: []actuators.Target{{ID: "pair/p", Spec: encode(w, pairSpec{Path: w.pair})}}},
		"polled": {All: true},
		"nobody": {All: true},
	}
	ask := func() map[string]string {
		stamps, err := e.Stamps(w.ctx(), scopes)
		w.must(err)
		return stamps
	}
	w.must(os.Remove(w.pair))
	if got := ask(); len(got) != 0 {
		w.Fatalf("a failed stamp, and kinds without any: %v", got)
	}
	w.must(os.WriteFile(w.pair, []byte("one\ntwo\n"), 0o600))
	first := ask()
	if len(first) != 1 || first["pair"] == "" || ask()["pair"] != first["pair"] {
		w.Fatalf("stamps %v", first)
	}
	w.must(os.WriteFile(w.pair, []byte("one\nthree\n"), 0o600))
	if now := ask()["pair"]; now == first["pair"] {
		w.Fatalf("it is still %s", now)
	}
	if other, err := open().Stamps(w.ctx(), scopes); err != nil || other["pair"] == ask()["pair"] {
		w.Fatalf("another executor vouches for the same: %v %v", other, err)
	}
}

func uniqueSleep(w *world) string {
	// The numbers of the test's directory, as seconds that no other test sleeps.
	digits := []byte("9")
	for _, b := range []byte(filepath.Base(filepath.Dir(filepath.Dir(w.pair)))) {
		if b >= '0' && b <= '9' {
			digits = append(digits, b)
		}
	}
	return string(digits) + ".25"
}
