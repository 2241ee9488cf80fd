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

	"plumbline/reconcile/plan"

	"plumbline/reconcile"
	"plumbline/reconcile/journal"
)

func newStatus(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Tell what the controller is doing, and what keeps it from more",
		Long: `Tell what the running controller is doing, which commit is applied, and what is held, refused, unknown or drifted. When no
controller runs, the state directory answers what it knows.`,
		Example: "  plumb status\n  plumb status -o json | jq .verdict",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			status, err := s.status(cmd)
			if err != nil {
				return err
			}
			if s.output != "text" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(status)
			}
			return writeStatus(cmd.OutOrStdout(), status, time.Now())
		},
	}
}

func (s *settings) status(cmd *cobra.Command) (reconcile.Status, error) {
	client, err := s.dial(cmd.Context())
	if err == nil {
		defer client.Close()
		return client.Status(cmd.Context())
	}
	store, missing := s.readStore()
	if missing != nil {
		return reconcile.Status{}, missing
	}
	if store == nil {
		return reconcile.Status{}, fmt.Errorf("%w, and nothing was applied from %s yet; start one with \"plumb run\"", err, s.config.State)
	}
	defer store.Close()
	c, err := s.witness(store)
	if err != nil {
		return reconcile.Status{}, err
	}
	defer c.Close()
	return c.Remembered()
}

// readStore opens the store for reading; nil when there is none yet.
func (s *settings) readStore() (*journal.Store, error) {
	if there, err := exists(s.storePath()); err != nil || !there {
		return nil, err
	}
	store, err := journal.Open(s.storePath(), journal.Options{Version: version, ReadOnly: true})
	return store, s.inUse(err)
}

// report of a status: a word, aligned, and what it says.
type board struct{ rows [][2]string }

func (b *board) add(word, format string, args ...any) {
	b.rows = append(b.rows, [2]string{word, fmt.Sprintf(format, args...)})
}

func writeStatus(w io.Writer, s reconcile.Status, now time.Time) error {
	var b board
	if s.Phase == reconcile.Stopped {
		b.add("stopped", "no controller runs; start one with \"plumb run\"")
	} else {
		b.add(string(s.Phase), "for %s", since(now.Sub(s.Since)))
	}
	b.add("head", "%s", strings.TrimRight(fmt.Sprintf("%-10s  %s", plan.ShortCommit(s.Head), s.Verdict), " "))
	if s.Signer != "" {
		b.add("signer", "%s", s.Signer)
	}
	b.add("applied", "%-10s  %s", plan.ShortCommit(s.Applied), plural(s.Objects, "object"))
	b.troubles(s, now)
	width := 0
	for _, row := range b.rows {
		width = max(width, len(row[0]))
	}
	for _, row := range b.rows {
		text := strings.ReplaceAll(row[1], "\n", "\n"+strings.Repeat(" ", width+2))
		if _, err := fmt.Fprintf(w, "%-*s  %s\n", width, row[0], text); err != nil {
			return err
		}
	}
	return nil
}

func (b *board) troubles(s reconcile.Status, now time.Time) {
	if s.Suspended != "" {
		b.add("held", "%s", s.Suspended)
	}
	for _, line := range s.Windows {
		b.add("window", "%s", line)
	}
	if s.Source != "" {
		b.add("source", "%s", s.Source)
	}
	if s.Error != "" {
		b.add("refused", "%s", s.Error)
	}
	for _, held := range s.Held {
		b.add("held", "%s", held)
	}
	for _, r := range s.Refusals {
		b.add(string(r.Class), "%s: %s", r.Instance, r.Text)
	}
	for _, host := range slices.Sorted(maps.Keys(s.Looks)) {
		if look := s.Looks[host]; look.Err != "" {
			b.add("unseen", "%s: %s%s", host, look.Err, lastSeen(look, now))
		}
	}
	if s.Incidents > 0 {
		b.add("drift", "%s; see \"plumb drift\"", incidents(s))
	}
	for _, g := range s.Groups {
		line := fmt.Sprintf("%s of one cause: %s", plural(g.Most, "incident"), g.Cause)
		if g.Who != "" {
			line += "; by " + g.Who
		}
		if word := seenTo(&g.Life, now); word != "" {
			line += "; " + word
		}
		b.add("drift", "%s", line)
	}
	for _, n := range s.Notes {
		b.add("note", "%s: %s", n.Instance, n.Text)
	}
}

// incidents counts what drifted, what somebody sees to, and what is told to nobody.
func incidents(s reconcile.Status) string {
	text := plural(s.Incidents, "incident")
	if s.Phase == reconcile.Stopped {
		text += " when it ended"
	}
	if s.Acked > 0 {
		text += fmt.Sprintf(", %d seen to", s.Acked)
	}
	if s.Muted > 0 {
		text += fmt.Sprintf(", %d muted", s.Muted)
	}
	return text
}

func lastSeen(look reconcile.HostLook, now time.Time) string {
	if look.At.IsZero() {
		return ""
	}
	return fmt.Sprintf(" (seen %s ago)", since(now.Sub(look.At)))
}
