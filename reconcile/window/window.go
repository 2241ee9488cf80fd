// Package window decides when what may be changed, by the truth table of Argo CD's sync windows. It is pure: the clock is
// data. It imports schema only.
//
//	active deny?   matching allow active?   matching allow at all?   →
//	yes            –                        –                        closed, unless all active denies say manual and a person orders it
//	no             yes                      –                        open
//	no             no                       yes                      closed, unless all matching allows say manual and a person orders it
//	no             no                       no                       open
package window

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"plumbline/schema"
)

// Effect is what a window does while it is active.
type Effect string

// The effects.
const (
	Allow Effect = "allow" // what it matches is changed within allowing windows only
	Deny  Effect = "deny"  // what it matches is not changed
)

// Rule is a window as the controller's file declares it. What it selects has to fit every selector that it gives.
type Rule struct {
	Name     string            `json:"name"`
	Effect   Effect            `json:"effect"`
	Schedule string            `json:"schedule"` // five fields of crontab(5): when it becomes active
	Duration time.Duration     `json:"-"`        // for how long, in elapsed time
	Zone     string            `json:"zone"`
	Kinds    []string          `json:"kinds,omitempty"`
	Objects  []string          `json:"objects,omitempty"` // shell patterns of "kind/name"
	Sites    []string          `json:"sites,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`  // of the host; it carries all of them
	Manual   bool              `json:"manual,omitempty"`  // does not bind what a person orders
	Overrun  bool              `json:"overrun,omitempty"` // what began may be finished when it closes
	Pos      schema.Pos        `json:"-"`                 // of the declaration
}

// Window is a rule that can be asked.
type Window struct {
	Rule
	schedule schedule
}

// Parse reads rules, or says what is wrong with the first bad one.
func Parse(rules []Rule) (Set, error) {
	var out Set
	for n, rule := range rules {
		s, err := parseSchedule(rule.Schedule, rule.Zone)
		if err == nil && rule.Duration < time.Minute {
			err = fmt.Errorf("duration: a window is open for a minute or longer")
		}
		for _, pattern := range rule.Objects {
			if _, bad := path.Match(pattern, ""); bad != nil && err == nil {
				err = fmt.Errorf("objects: %q is not a pattern of names, such as \"vm/db-*\"", pattern)
			}
		}
		if n := slices.IndexFunc(out, func(w Window) bool { return w.Name == rule.Name }); n >= 0 && err == nil {
			err = fmt.Errorf("there are two of this name")
		}
		if err != nil {
			return nil, fmt.Errorf("windows.%d (%s): %w", n, rule.Name, err)
		}
		out = append(out, Window{rule, s})
	}
	return out, nil
}

// Thing is what may be changed: an instance, with the labels of its host, among them host and site.
type Thing struct {
	ID     schema.ID
	Labels map[string]string
}

// Matches tells whether a window is about a thing.
func (w *Window) Matches(t Thing) bool {
	fits := func(list []string, value string) bool { return len(list) == 0 || slices.Contains(list, value) }
	if !fits(w.Kinds, t.ID.Kind()) || !fits(w.Sites, t.Labels["site"]) {
		return false
	}
	if len(w.Objects) > 0 && !slices.ContainsFunc(w.Objects, func(p string) bool { ok, _ := path.Match(p, string(t.ID)); return ok }) {
		return false
	}
	for key, value := range w.Labels {
		if t.Labels[key] != value {
			return false
		}
	}
	return true
}

// Active tells whether a window is open at a time, that is, began no longer ago than it lasts, and when it ends.
func (w *Window) Active(now time.Time) (until time.Time, active bool) {
	begin := w.schedule.after(now.Add(-w.Duration))
	if begin.IsZero() || begin.After(now) {
		return time.Time{}, false
	}
	for range overlaps {
		until = begin.Add(w.Duration)
		if begin = w.schedule.after(begin); begin.IsZero() || begin.After(until) {
			break
		}
	}
	return until, true
}

// overlaps is how many windows that run into each other are taken for one.
const overlaps = 1500

// Next is when a window that is not active becomes so; zero: never.
func (w *Window) Next(now time.Time) time.Time { return w.schedule.after(now) }

// change is the next instant at which a window opens or closes; zero: never.
func (w *Window) change(now time.Time) time.Time {
	if until, active := w.Active(now); active {
		return until
	}
	return w.Next(now)
}

// String names a window and where it is declared: `"nights" (/etc/plumb/plumb.cue:12:3)`.
func (w *Window) String() string {
	if w.Pos == (schema.Pos{}) {
		return fmt.Sprintf("%q", w.Name)
	}
	return fmt.Sprintf("%q (%s)", w.Name, w.Pos)
}

func names(all []*Window) string {
	parts := make([]string, len(all))
	for i, w := range all {
		parts[i] = w.String()
	}
	return strings.Join(parts, ", ")
}
