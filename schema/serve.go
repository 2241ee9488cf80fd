package schema

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"sync"
	"sync/atomic"
)

// ServeEval is the child of a Process or a Pool: it reads limits, binds itself to them, then reads sources, evaluates
// each and writes its evaluation, until there are no more. It ends the process when its parent goes away, or when an
// evaluation has used up its time on the processor.
func ServeEval(in io.Reader, out io.Writer) error {
	var limits Limits
	if err := binary.Read(in, binary.BigEndian, &limits); err != nil {
		return fmt.Errorf("cannot read the limits: %w", err)
	}
	if err := limits.set(); err != nil {
		return err
	}
	// Evaluation leaves little garbage that outlives it. Collecting seldom saves time and costs memory: a fifth less time for
	// twice the memory beyond this, measured;
	// near the limit it must be collected all the same.
	debug.SetGCPercent(200)
	debug.SetMemoryLimit(int64(limits.Data / 4 * 3))
	var busy atomic.Bool
	sources := make(chan Source)
	go readSources(in, sources, &busy)
	w := frames{out: out}
	for {
		if err := limits.renew(); err != nil {
			return err
		}
		src := <-sources
		evaluation, err := evaluate(context.Background(), src, &w)
		last := report{Evaluation: &evaluation, Spent: limits.spent()}
		if err != nil {
			last = report{Error: err.Error(), Spent: true}
		}
		busy.Store(false)
		if err := w.write(last); err != nil || last.Spent {
			return err
		}
	}
}

// readSources hands on one source after the other. It ends this process when the parent closes the pipe, also by dying,
// even in the midst of an evaluation: nobody reads what that would say.
func readSources(in io.Reader, sources chan<- Source, busy *atomic.Bool) {
	for {
		var src Source
		data, err := readFrame(in)
		if err == nil {
			err = json.Unmarshal(data, &src)
		}
		switch {
		case err == io.EOF && !busy.Load():
			os.Exit(0)
		case err != nil:
			fmt.Fprintln(os.Stderr, "cannot read the source:", err)
			os.Exit(1)
		}
		busy.Store(true)
		sources <- src
	}
}

// frames writes frames from several goroutines.
type frames struct {
	mu  sync.Mutex
	out io.Writer
}

func (f *frames) write(r report) error {
	data, err := r.encode()
	if err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return writeFrame(f.out, data)
}

// began implements watcher.
func (f *frames) began(dir string) { _ = f.write(report{Dir: dir}) }

// ended implements watcher.
func (f *frames) ended(dir string, objects []Declaration) {
	_ = f.write(report{Dir: dir, Ended: true, Objects: objects})
}

// heap is the memory that Go holds in this process, in bytes.
func heap() uint64 {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64() - sample[1].Value.Uint64()
}
