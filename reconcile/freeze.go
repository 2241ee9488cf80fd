package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"plumbline/reconcile/audit"
)

// ErrFrozen means that a freeze file is there: nothing is changed by anybody.
var ErrFrozen = errors.New("frozen")

// FreezeFile freezes every controller of a machine, as the file "freeze" in its state directory freezes one.
const FreezeFile = "/etc/plumb/freeze"

func (c *Controller) freezeFiles() []string {
	return []string{filepath.Join(c.cfg.State, "freeze"), FreezeFile}
}

// mostReason bounds what is read of a freeze file, in bytes.
const mostReason = 500

// frozen is why nothing may be changed, or "".
func (c *Controller) frozen() string {
	_, why := c.freeze()
	return why
}

// freeze is the first freeze file that is there, with its text. One that cannot be read freezes, too.
func (c *Controller) freeze() (file, why string) {
	for _, path := range c.freezeFiles() {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		reason := "no reason is given"
		if err == nil {
			data, _ := io.ReadAll(io.LimitReader(f, mostReason))
			f.Close()
			if text := strings.Join(strings.Fields(strings.ToValidUTF8(string(data), "")), " "); text != "" {
				reason = text
			}
		}
		return path, fmt.Sprintf("frozen by %s: %s; remove the file to go on", path, reason)
	}
	return "", ""
}

// thawed is an error while a freeze file is there.
func (c *Controller) thawed() error {
	if why := c.frozen(); why != "" {
		return fmt.Errorf("%w: nothing is changed: %s", ErrFrozen, why)
	}
	return nil
}

// freezeEvery is how soon a freeze file is heeded that came or went.
const freezeEvery = time.Second

// heedFreeze tells people once when a freeze file came or went, and takes it down; it is true then.
func (c *Controller) heedFreeze() bool {
	file, why := c.freeze()
	if why == "" && c.tellSuspension(newsFreeze, "") {
		c.froze = ""
		c.audit.later(audit.Record{Type: audit.Order, Action: "thaw", Text: "the freeze file is gone"})
		return true
	}
	if (why == "") == (c.froze == "") {
		return false
	}
	c.froze = why
	if why == "" {
		return true
	}
	c.board.update(func(s *Status) { s.Suspended = why })
	if c.tellSuspension(newsFreeze, why) {
		c.audit.later(audit.Record{Type: audit.Order, Action: "freeze", By: fileOwner(file), Text: why})
	}
	return true
}

// thaw waits until no freeze file is there: not even a plan that was left open is taken up before.
func (c *Controller) thaw(ctx context.Context) error {
	tick := time.NewTicker(freezeEvery)
	defer tick.Stop()
	for {
		c.heedFreeze()
		if c.froze == "" {
			return nil
		}
		c.phase(Waiting)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		case c.pulse.rests <- struct{}{}:
		}
	}
}
