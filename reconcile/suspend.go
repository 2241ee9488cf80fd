package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"plumbline/reconcile/audit"
	"plumbline/schema"
)

// Suspension keeps the loop from applying and healing. It is a file of the state directory, so that it holds over a restart
// and can be written by hand when nothing else works.
type Suspension struct {
	Reason string    `json:"reason"`
	Owner  string    `json:"owner"`
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"`
}

// String is "by OWNER until TIME: REASON".
func (s Suspension) String() string {
	text := "suspended by " + s.Owner
	if !s.Until.IsZero() {
		text += " until " + s.Until.Format(time.RFC3339)
	}
	return text + ": " + s.Reason
}

func (c *Controller) suspensionPath() string { return filepath.Join(c.cfg.State, "suspended.json") }

// Suspend stops applying and healing from the next turn on.
func (c *Controller) Suspend(ctx context.Context, s Suspension) error {
	s.Since = c.now()
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.cfg.State, 0o700); err != nil {
		return fmt.Errorf("cannot suspend: %w", err)
	}
	c.suspending.Lock()
	defer c.suspending.Unlock()
	order := about(ctx, "suspend", s.String(), schema.Instance{}, "")
	if err := c.audit.order(order, func() error { return replace(c.suspensionPath(), data) }); err != nil {
		return fmt.Errorf("cannot suspend: %w", err)
	}
	c.board.update(func(st *Status) { st.Suspended = s.String() })
	c.tellSuspension(newsSuspension, s.String())
	return nil
}

// Continued says what Continue did.
func Continued(was bool) string {
	if was {
		return "the suspension is over"
	}
	return "nothing was suspended"
}

// Continue ends a suspension and considers the head again; it tells whether there was one.
func (c *Controller) Continue(ctx context.Context) (bool, error) {
	c.suspending.Lock()
	defer c.suspending.Unlock()
	s, why := c.suspended()
	if s != nil {
		order := about(ctx, "resume", "it was "+why, schema.Instance{}, "")
		if err := c.audit.order(order, func() error { return os.Remove(c.suspensionPath()) }); err != nil {
			return false, fmt.Errorf("cannot resume: %w", err)
		}
		c.tellSuspension(newsSuspension, "")
	}
	c.board.update(func(st *Status) { st.Suspended = c.frozen() })
	c.Reconsider()
	return s != nil, nil
}

// suspension is why the loop may not change anything, or "": a freeze, or a suspension. One that cannot be read holds.
func (c *Controller) suspension() string {
	if why := c.frozen(); why != "" {
		return why
	}
	s, why := c.suspended()
	if s != nil && s.over(c.now()) {
		return ""
	}
	return why
}

// suspended is what the file says, over or not; nil = there is none.
func (c *Controller) suspended() (s *Suspension, why string) {
	data, err := os.ReadFile(c.suspensionPath())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ""
	}
	s = &Suspension{}
	if err == nil {
		err = json.Unmarshal(data, s)
	}
	if err != nil {
		return &Suspension{}, fmt.Sprintf("suspended: %s is there and cannot be read (%v); \"plumb resume\" removes it", c.suspensionPath(), err)
	}
	return s, s.String()
}

func (s *Suspension) over(now time.Time) bool { return !s.Until.IsZero() && now.After(s.Until) }

// heedSuspension ends a suspension whose time is over, and tells, and takes down, what was done to the file by hand; true: it is there, or
// gone, since the last time.
func (c *Controller) heedSuspension() (changed bool) {
	c.suspending.Lock()
	defer c.suspending.Unlock()
	s, why := c.suspended()
	switch {
	case s == nil:
		if c.tellSuspension(newsSuspension, "") && c.stood {
			c.audit.later(audit.Record{Type: audit.Order, Action: "resume", Text: "the file of the suspension is gone"})
		}
	case s.over(c.now()):
		order := audit.Record{Action: "resume", By: ByItself, Text: "its time is over: it was " + why}
		if c.audit.order(order, func() error { return os.Remove(c.suspensionPath()) }) == nil {
			c.tellSuspension(newsSuspension, "")
		}
	case c.tellSuspension(newsSuspension, why) && s.Since.IsZero():
		c.audit.later(audit.Record{Type: audit.Order, Action: "suspend", By: fileOwner(c.suspensionPath()), Text: why})
	}
	if changed = c.stood != (s != nil); changed {
		c.stood = s != nil
		c.board.update(func(st *Status) { st.Suspended = c.suspension() })
	}
	return changed
}

// fileOwner is whose file one is; "" = it is gone.
func fileOwner(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return ""
	}
	return userName(fmt.Sprint(info.Sys().(*syscall.Stat_t).Uid))
}
