package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile/audit"
	"plumbline/reconcile/plan"
	"plumbline/schema"
)

// export writes the whole trail as JSON lines: a line with the format, then a line for each record.
func (s *settings) export(cmd *cobra.Command) error {
	out := json.NewEncoder(cmd.OutOrStdout())
	out.SetEscapeHTML(false)
	if err := out.Encode(map[string]string{"format_version": audit.FormatVersion, "type": "version"}); err != nil {
		return err
	}
	trail, err := audit.Read(s.config.State, func(r audit.Record) error { return out.Encode(r) })
	if err == nil && trail.Records == 0 {
		return fail(exitError, "there is no audit trail in %s yet", s.config.State)
	}
	s.faults(cmd, trail)
	return err
}

// faults says what is wrong with the trail, and tells whether anything is.
func (s *settings) faults(cmd *cobra.Command, trail *audit.Trail) bool {
	if trail == nil {
		return false
	}
	for _, fault := range trail.Faults {
		cmd.PrintErrln("plumb: the audit trail: " + fault)
	}
	return len(trail.Faults) > 0
}

// verify reads the whole trail and tells whether it is as it was written.
func (s *settings) verify(cmd *cobra.Command) error {
	trail, err := audit.Read(s.config.State, nil)
	switch {
	case err != nil:
		return err
	case s.faults(cmd, trail):
		return fail(exitError, "the audit trail is not whole: it was changed, or parts of it are lost")
	}
	return s.tell(cmd, fmt.Sprintf("the audit trail is whole: %s in %s; it ends with %s", plural(int(trail.Records), "record"), plural(trail.Segments, "file"), trail.Chain()))
}

func newAt(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "at TIME [OBJECT[@HOST]]",
		Short: "Show what was applied at a time, and how it was seen",
		Long: `Show the commit that was applied at a time and each object with the commit that its state is of; with an object its spec and how it
was seen when that was applied. TIME is 2026-11-23, 2026-11-23T07:00, a time with its zone (RFC 3339), or an age such as 36h. The answer is
of the audit trail, which begins with the first controller that wrote one.`,
		Example: "  plumb at 2026-11-23T07:00\n  plumb at 36h vm/payroll -o json",
		Args:    cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			when, err := moment(args[0], time.Now())
			if err != nil {
				return err
			}
			past, err := s.stateAt(cmd, when)
			if err != nil {
				return err
			}
			if len(args) == 2 {
				past.only(schema.ParseInstance(args[1]))
				if len(past.Objects) == 0 {
					return fail(exitError, "nothing is known of %s at %s", args[1], when.Format(time.RFC3339))
				}
			}
			if s.output != "text" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(past)
			}
			past.write(cmd.OutOrStdout(), len(args) == 2)
			return nil
		},
	}
}

// moment reads a time of a person, in the local zone where none is named.
func moment(text string, now time.Time) (time.Time, error) {
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if at, err := time.ParseInLocation(form, text, time.Local); err == nil {
			return at, nil
		}
	}
	if day, err := time.ParseInLocation(time.DateOnly, text, time.Local); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Nanosecond), nil // at its end
	}
	return time.Time{}, fail(exitError, "cannot read the time %q: write 2026-11-23, 2026-11-23T07:00, 2026-11-23T07:00:00Z, or an age such as 36h", text)
}

// standing is what was applied at a time.
type standing struct {
	At      time.Time `json:"at"`
	Commit  string    `json:"commit"` // of the last plan that was applied in full
	Author  string    `json:"author,omitempty"`
	Subject string    `json:"subject,omitempty"`
	Signer  string    `json:"signer,omitempty"`
	Since   time.Time `json:"since,omitzero"`
	By      string    `json:"by,omitempty"` // who ordered it

	Requests  []string         `json:"requests,omitempty"`
	Approvals []audit.Approval `json:"approvals,omitempty"`
	Stopped   []audit.Record   `json:"stopped,omitempty"` // the orders by which nothing was changed then

	Objects []audit.Record `json:"objects"` // the last change of each, sorted
}

func (s *settings) stateAt(cmd *cobra.Command, when time.Time) (*standing, error) {
	out := &standing{At: when}
	objects, first := map[schema.Instance]audit.Record{}, time.Time{}
	trail, err := audit.Read(s.config.State, func(r audit.Record) error {
		if first.IsZero() {
			first = r.Time
		}
		if !r.Time.After(when) {
			out.take(objects, r)
		}
		return nil
	})
	s.faults(cmd, trail)
	switch {
	case err != nil:
		return nil, err
	case first.IsZero():
		return nil, fail(exitError, "there is no audit trail in %s yet", s.config.State)
	case when.Before(first):
		return nil, fail(exitError, "the audit trail begins at %s", first.Format(time.RFC3339))
	}
	out.Objects = append([]audit.Record{}, slices.SortedFunc(maps.Values(objects), func(a, b audit.Record) int { return a.Object.Compare(b.Object) })...)
	return out, nil
}

// take lets the state follow a record.
func (p *standing) take(objects map[schema.Instance]audit.Record, r audit.Record) {
	switch {
	case r.Type == audit.Plan && r.Result == "applied":
		p.Commit, p.Author, p.Subject, p.Signer, p.Since = r.Commit, r.Author, r.Subject, r.Signer, r.Time
		p.By, p.Requests, p.Approvals = r.By, r.Requests, r.Approvals
	case r.Type == audit.Order && r.Result == "":
		p.order(r)
	case r.Type == audit.Began, r.Type == audit.Change && r.Result == "applied":
		if objects[r.Object] = r; r.Spec == nil {
			delete(objects, r.Object)
		}
	}
}

// order takes in what stops everything, or lets it go on.
func (p *standing) order(r audit.Record) {
	ends := map[string]string{"suspend": "suspend", "resume": "suspend", "freeze": "freeze", "thaw": "freeze"}[r.Action]
	if ends == "" {
		return
	}
	p.Stopped = slices.DeleteFunc(p.Stopped, func(s audit.Record) bool { return s.Action == ends })
	if r.Action == ends {
		p.Stopped = append(p.Stopped, r)
	}
}

func (p *standing) only(about schema.Instance) {
	p.Objects = slices.DeleteFunc(p.Objects, func(r audit.Record) bool { return !meant(r, about) })
}

func meant(r audit.Record, about schema.Instance) bool {
	return r.Object.ID == about.ID && (about.Host == "" || r.Object.Host == about.Host)
}

func (p *standing) write(w io.Writer, whole bool) {
	if p.Commit != "" {
		fmt.Fprintf(w, "commit %s%s, applied %s\n", plan.ShortCommit(p.Commit), screen(byWhom(p.Author, p.Signer, p.Subject)), p.Since.Local().Format(time.DateTime))
		writeWords(w, audit.Record{By: p.By, Requests: p.Requests, Approvals: p.Approvals})
	}
	for _, stop := range p.Stopped {
		fmt.Fprintf(w, "%s, by %s\n", screen(stop.Text), screen(orderer(stop.By)))
	}
	for _, r := range p.Objects {
		fmt.Fprintf(w, "%s  of %s since %s  %s\n", r.Object, plan.ShortCommit(r.Commit), r.Time.Local().Format(time.DateTime), r.Declared)
		if whole {
			fmt.Fprintf(w, "    declared  %s\n    seen      %s\n", screen(string(r.Spec)), screen(string(r.After)))
		}
	}
}

func byWhom(author, signer, subject string) (text string) {
	if author != "" {
		text += " by " + author
	}
	if signer != "" {
		text += ", signed by " + signer
	}
	if subject != "" {
		text += " (" + subject + ")"
	}
	return text
}

// trailOf is what the trail tells of an object, oldest first.
func (s *settings) trailOf(cmd *cobra.Command, about schema.Instance) ([]audit.Record, error) {
	out := []audit.Record{}
	trail, err := audit.Read(s.config.State, func(r audit.Record) error {
		if meant(r, about) {
			out = append(out, r)
		}
		return nil
	})
	s.faults(cmd, trail)
	return out, err
}

// writeTrail tells the newest of what happened to an object: who, what, why, and what was seen.
func writeTrail(w io.Writer, all []audit.Record) {
	const most = 10
	if len(all) > most {
		fmt.Fprintf(w, "\nwhat happened to it, the newest %d of %d (all: plumb history --export):\n", most, len(all))
		all = all[len(all)-most:]
	} else if len(all) > 0 {
		fmt.Fprintln(w, "\nwhat happened to it:")
	}
	for _, r := range all {
		what := strings.TrimSpace(strings.Join([]string{string(r.Type), r.Action, r.Result}, " "))
		fmt.Fprintf(w, "%s  %s", r.Time.Local().Format(time.DateTime), strings.Join(strings.Fields(what), " "))
		if r.Commit != "" {
			fmt.Fprintf(w, "  %s%s", plan.ShortCommit(r.Commit), screen(byWhom(r.Author, r.Signer, r.Subject)))
		}
		fmt.Fprintln(w)
		for _, f := range r.Fields {
			fmt.Fprintf(w, "    %s %s → %s\n", f.Path, screen(value(f.From)), screen(value(f.To)))
		}
		for _, step := range r.Steps {
			fmt.Fprintf(w, "    %s: %s, %.1f s%s\n", screen(step.Summary), step.State, step.Seconds, promised(step.Promised))
		}
		if r.Text != "" {
			fmt.Fprintf(w, "    %s\n", screen(r.Text))
		}
		if r.Plan != "" {
			fmt.Fprintf(w, "    plan %s, effect %.19s, ordered by %s\n", r.Plan, r.Effect, screen(orderer(r.By)))
		} else if r.Type == audit.Order {
			fmt.Fprintf(w, "    ordered by %s\n", screen(orderer(r.By)))
		} else if r.By != "" {
			fmt.Fprintf(w, "    done by %s\n", screen(r.By))
		}
		if len(r.Requests) > 0 {
			fmt.Fprintf(w, "    came by %s\n", screen(strings.Join(r.Requests, ", ")))
		}
		for _, a := range r.Approvals {
			fmt.Fprintf(w, "    %s\n", screen(agreement(a)))
		}
	}
}

func promised(word string) string {
	if word == "" {
		return ""
	}
	return ", users notice: " + word
}

func orderer(by string) string {
	if by == "" {
		return "somebody"
	}
	return by
}
