package reconcile

import (
	"sync"

	"plumbline/reconcile/exec"
)

// boots remembers the boot that each host answered with last, by the kernel's boot ID: no connection outlives one.
type boots struct {
	mu sync.Mutex
	by map[string]string
}

// note takes in who answers, see checked.
func (b *boots) note(host string, hello exec.Hello) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.by == nil {
		b.by = map[string]string{}
	}
	b.by[host] = hello.Boot
	return nil
}

func (b *boots) of(host string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.by[host]
}
