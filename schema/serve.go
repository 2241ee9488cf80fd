package schema

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"sync"
)

// ServeEval is the child of a Process: it reads limits, binds itself to them, then reads one source, evaluates it and
// writes the evaluation. It ends the process when its parent goes away.
func ServeEval(in io.Reader, out io.Writer) error {
	var limits Limits
	if err := binary.Read(in, binary.BigEndian, &limits); err != nil {
		return fmt.Errorf("cannot read the limits: %w", err)
	}
	if err := limits.set(); err != nil {
		return err
	}
	// Evaluation leaves little garbage that outlives it, so collecting seldom saves a quarter of the time, measured;
	// near the limit it must be collected all the same.
	debug.SetGCPercent(400)
	debug.SetMemoryLimit(int64(limits.Data / 4 * 3))
	var src Source
	if err := readFrame(in, &src); err != nil {
		return fmt.Errorf("cannot read the source: %w", err)
	}
	go exitWith(in)
	var mu sync.Mutex
	tell := func(r report) error {
		mu.Lock()
		defer mu.Unlock()
		return writeFrame(out, r)
	}
	evaluation, err := Evaluate(context.Background(), src, func(dir string, ended bool) { _ = tell(report{Dir: dir, Ended: ended}) })
	if err != nil {
		return tell(report{Error: err.Error()})
	}
	return tell(report{Evaluation: &evaluation})
}

// exitWith ends this process when its parent closes the pipe, also by dying.
func exitWith(in io.Reader) {
	_, _ = io.Copy(io.Discard, in)
	os.Exit(1)
}
