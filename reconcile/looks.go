package reconcile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/inventory"
)

// looks remembers how each host answered last about each kind.
type looks struct {
	mu   sync.Mutex
	last map[lookKey]HostLook
}

// note takes in a look, and what kept it from seeing all ("" = nothing did).
func (l *looks) note(key lookKey, at time.Time, unseen string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil {
		l.last = map[lookKey]HostLook{}
	}
	look := HostLook{At: at}
	if unseen != "" {
		look.Err, look.At = unseen, l.last[key].At
	}
	l.last[key] = look
}

// hosts tells by host when all of it was seen last, and what is wrong with it now.
func (l *looks) hosts() map[string]HostLook {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := map[string]HostLook{}
	for key, look := range l.last {
		if key.host == "" {
			continue
		}
		host, seen := out[key.host]
		if !seen || look.At.Before(host.At) {
			host.At = look.At
		}
		if look.Err != "" && (host.Err == "" || look.Err < host.Err) {
			host.Err = look.Err
		}
		out[key.host] = host
	}
	return out
}

// HostError is a host that could not be looked at, or some kinds on it.
type HostError struct {
	Host  string   `json:"host"`
	Kinds []string `json:"kinds"`
	Err   string   `json:"error"`
}

// unseen lists what the newest looks at the inventory could not see, by host; what nobody looked at yet is unseen, too.
func (l *looks) unseen(inv inventory.Inventory) []HostError {
	l.mu.Lock()
	defer l.mu.Unlock()
	found := map[[2]string]*HostError{}
	done := map[lookKey]bool{}
	for i, entry := range inv {
		key := lookKey{i.Host, i.ID.Kind()}
		look, looked := l.last[key]
		if !looked {
			look.Err = "nobody has looked yet"
		}
		if entry.Retired != nil || look.Err == "" || done[key] {
			continue
		}
		done[key] = true
		at := [2]string{key.host, look.Err}
		if found[at] == nil {
			found[at] = &HostError{Host: key.host, Err: look.Err}
		}
		found[at].Kinds = append(found[at].Kinds, key.kind)
	}
	out := make([]HostError, 0, len(found))
	for _, h := range found {
		slices.Sort(h.Kinds)
		out = append(out, *h)
	}
	slices.SortFunc(out, func(a, b HostError) int {
		return strings.Compare(a.Host+"\x00"+a.Err, b.Host+"\x00"+b.Err)
	})
	return out
}

// observe asks a host about a kind. A connection that broke is dropped and opened once more: it may have died of age.
func (c *Controller) observe(ctx context.Context, key lookKey, scope actuators.Scope) ([]actuators.Observed, error) {
	for attempt := 0; ; attempt++ {
		executor, err := c.hosts.Get(ctx, key.host)
		if err != nil {
			return nil, err
		}
		found, err := executor.Observe(ctx, key.kind, scope)
		if !errors.Is(err, exec.ErrUnreachable) {
			return found, err
		}
		c.hosts.Discard(key.host, executor)
		if attempt > 0 || ctx.Err() != nil {
			return nil, err
		}
	}
}
