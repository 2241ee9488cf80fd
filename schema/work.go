package schema

import (
	"context"
	"sync"
)

// mostJob is how many bytes of packages are evaluated at a time: some three thousand objects. So neither a child nor this
// process holds all the CUE of a large tree, and no job comes near its limits.
const mostJob = 512 << 10

// work is the evaluation of packages that a cache does not know.
type work struct {
	*Cache
	evaluator Evaluator
	stock     *stock
	schema    map[string][]byte
	keys      map[string]string // by directory
	turn      int
}

// job is a part of it, read.
type job struct {
	Source
	err error
}

// evaluate does one job after the other. While one is evaluated, the next is read and the one before is kept; what was kept
// is of use even if a later one fails.
func (w *work) evaluate(ctx context.Context, dirty []string) (all Evaluation, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var (
		keeping sync.WaitGroup
		wrong   mistakes
	)
	defer keeping.Wait()
	jobs := 0
	for next := range w.read(ctx, dirty) {
		jobs++
		if next.err != nil {
			return Evaluation{}, next.err
		}
		fresh, err := w.evaluator.Evaluate(ctx, next.Source)
		if err != nil {
			return Evaluation{}, err
		}
		keeping.Go(func() { w.keepAll(fresh, w.keys, w.turn) })
		all.add(fresh.Objects, fresh.Warnings)
		wrong.add(fresh.Problems...)
		wrong.more += fresh.More
		all.Partial = all.Partial || fresh.Partial
	}
	if pool, ok := w.evaluator.(*Pool); ok && jobs > 1 {
		pool.Rest()
	}
	all.Problems, all.More = wrong.told()
	return all, ctx.Err()
}

// read reads jobs, one ahead of who takes them.
func (w *work) read(ctx context.Context, dirty []string) <-chan job {
	jobs := make(chan job)
	read := func(dirs []string) bool {
		src, err := w.stock.part(dirs)
		src.Schema, src.Only = w.schema, dirs
		select {
		case jobs <- job{src, err}:
		case <-ctx.Done():
		}
		return err == nil && ctx.Err() == nil
	}
	go func() {
		defer close(jobs)
		if len(dirty) == 0 {
			read([]string{})
			return
		}
		for dirs := range portions(dirty, w.stock.size, w.mostJob) {
			if !read(dirs) {
				return
			}
			w.stock.forget(dirs)
		}
	}()
	return jobs
}
