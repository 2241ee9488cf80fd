package reconcile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"plumbline/reconcile/notify"
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
func (c *Controller) Suspend(s Suspension) error {
	s.Since = c.now()
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.cfg.State, 0o700); err != nil {
		return fmt.Errorf("cannot suspend: %w", err)
	}
	if err := replace(c.suspensionPath(), data); err != nil {
		return fmt.Errorf("cannot suspend: %w", err)
	}
	c.board.update(func(st *Status) { st.Suspended = s.String() })
	c.audit.order("suspend", s.Owner, s.String(), schema.Instance{}, "")
	c.tellSuspension(notify.ReasonSuspended, s.String())
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
func (c *Controller) Continue() (bool, error) {
	err := os.Remove(c.suspensionPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("cannot resume: %w", err)
	}
	was := err == nil
	c.board.update(func(st *Status) { st.Suspended = c.frozen() })
	if was {
		c.audit.order("resume", operatorName(), "the suspension is over", schema.Instance{}, "")
		c.tellSuspension(notify.ReasonResumed, "the loop goes on")
	}
	c.Reconsider()
	return was, nil
}

// suspension is why the loop may not change anything, or "": a freeze, or a suspension. One that cannot be read holds.
func (c *Controller) suspension() string {
	if why := c.frozen(); why != "" {
		return why
	}
	data, err := os.ReadFile(c.suspensionPath())
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	var s Suspension
	if err == nil {
		err = json.Unmarshal(data, &s)
	}
	switch {
	case err != nil:
		return fmt.Sprintf("suspended: %s is there and cannot be read (%v); \"plumb resume\" removes it", c.suspensionPath(), err)
	case !s.Until.IsZero() && c.now().After(s.Until):
		os.Remove(c.suspensionPath())
		return ""
	}
	return s.String()
}
