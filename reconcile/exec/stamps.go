package exec

import (
	"context"
	"sync"
	"time"

	"plumbline/actuators"
)

// stampTimeout bounds one kind's stamp: one that takes longer is not cheap, and a look may just as well be made.
const stampTimeout = 2 * time.Second

// Stamps asks all kinds at once, so that a daemon that hangs costs its own stamp only. Stamps of two executors are never equal.
func (l *local) Stamps(ctx context.Context, scopes map[string]actuators.Scope) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, stampTimeout)
	defer cancel()
	var (
		mu     sync.Mutex
		all    sync.WaitGroup
		stamps = map[string]string{}
	)
	for name, scope := range scopes {
		kind, ok := l.reg.Kind(name)
		if !ok || kind.Stamp == nil {
			continue
		}
		all.Go(func() {
			stamp, err := await(ctx, func(ctx context.Context) (string, error) { return kind.Stamp(ctx, l.host, scope) })
			if err != nil || stamp == "" {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			stamps[name] = l.nonce + " " + stamp
		})
	}
	all.Wait()
	return stamps, nil
}
