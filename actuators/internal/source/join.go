package source

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"plumbline/actuators"
)

// Join gives a watch that hears all of the watches. It stands when each of them does: what one told before is in the first
// look. It ends with the first that ends.
func Join(watches ...actuators.WatchFunc) actuators.WatchFunc {
	return func(ctx context.Context, h actuators.Host, emit func(actuators.Event)) error {
		var mu sync.Mutex
		waiting := len(watches)
		hear := func(e actuators.Event) {
			mu.Lock()
			defer mu.Unlock()
			if e.Standing {
				waiting--
			}
			if waiting == 0 {
				emit(e)
			}
		}
		all, ctx := errgroup.WithContext(ctx)
		for _, watch := range watches {
			all.Go(func() error { return watch(ctx, h, hear) })
		}
		return all.Wait()
	}
}
