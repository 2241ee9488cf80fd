package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/plan"
	"plumbline/sources"
)

func newRecover(s *settings) *cobra.Command {
	var commit, installation string
	var dry, yes bool
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Rebuild the state of the controller from what its hosts show",
		Long: `After the state directory was lost, or an old copy of it was put back, find out what it must have held: from the marks on
everything that Plumbline made, and from the commits whose specs these marks name. It shows what is taken back (=), what is
missing, what is left alone, and which hosts did not answer; it asks; then it writes inventory and commit and begins an epoch above
all that the hosts have seen. Nothing on any host is changed, and nothing is taken away. No controller may run meanwhile.`,
		Example: `  plumb recover --dry-run
  plumb recover
  plumb recover --commit 3f2a91c07d --yes`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			source, err := s.openSource()
			if err != nil {
				return err
			}
			o := reconcile.RecoverOptions{Installation: installation}
			if commit != "" {
				if o.Commit, err = s.commit(cmd.Context(), source, []string{commit}); err != nil {
					return err
				}
			}
			c, done, err := s.recoverer(cmd.Context(), source, dry)
			if err != nil {
				return err
			}
			defer done()
			stop := waiting(cmd, "looking at the hosts")
			found, err := c.Recover(cmd.Context(), o)
			stop()
			if err = undisturbed(cmd, err); err != nil {
				return err
			}
			if err := s.writeRecovery(cmd.OutOrStdout(), found); err != nil || dry {
				return err
			}
			if !yes {
				if err := confirmed(cmd, "Take this over?", "not taken over; say yes, or give --yes"); err != nil {
					return err
				}
			}
			if err := c.Rebuild(found); err != nil {
				return err
			}
			cmd.PrintErrf("the state is rebuilt; \"plumb plan\" shows what is left to do\n")
			return nil
		},
	}
	cmd.Flags().StringVar(&commit, "commit", "", "the commit that was applied last; without it the one that explains the marks best")
	cmd.Flags().StringVar(&installation, "installation", "", "whose marks are taken back, when those of several installations are there")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only show it")
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// recoverer is a controller that takes up nothing; to show what it would do it needs no state at all.
func (s *settings) recoverer(ctx context.Context, source sources.Source, dry bool) (*reconcile.Controller, func(), error) {
	if dry {
		return s.planner(ctx, source)
	}
	store, err := s.openStore("")
	if err != nil {
		return nil, nil, err
	}
	c := s.controller(source, store, nil)
	return c, func() { c.Close(); store.Close() }, nil
}

// fateGlyphs are what stands before an instance: "=" is ours afterwards, "!" is ours and not there, "?" could not be seen.
var fateGlyphs = map[reconcile.Fate]string{
	reconcile.Taken: "=", reconcile.Lost: "!", reconcile.NotSeen: "?", reconcile.Absent: "+", reconcile.SetAside: "^", reconcile.Left: " ", reconcile.Strange: " ",
}

func (s *settings) writeRecovery(w io.Writer, r *reconcile.Recovery) error {
	if s.output != "text" {
		return json.NewEncoder(w).Encode(r)
	}
	fmt.Fprint(w, s.modelled())
	fmt.Fprintf(w, "Recover installation %s from commit %s, which explains %d of %s.\n\n",
		r.Installation, plan.ShortCommit(r.Commit), r.Explained, plural(r.Marked, "mark"))
	width := 0
	for _, item := range r.Items {
		width = max(width, len(item.Instance.String()))
	}
	for _, item := range r.Items {
		line := fmt.Sprintf("  %s %-*s  %s", fateGlyphs[item.Fate], width, item.Instance, item.Fate)
		if item.Text != "" {
			line += ": " + item.Text
		}
		fmt.Fprintln(w, line)
	}
	for n, host := range r.Unseen {
		if n == 0 {
			fmt.Fprintln(w, "\nDid not answer:")
		}
		fmt.Fprintf(w, "  %s: %s\n", host.Host, host.Err)
	}
	for _, id := range r.GivenUp {
		fmt.Fprintf(w, "\nPlan %s is open in this old copy; it is given up, for it has gone on without it.\n", id)
	}
	fmt.Fprintf(w, "\nThe highest epoch that a host has seen is %d; a higher one begins. Nothing on any host is changed.\n", r.Epoch)
	if n := r.Count(reconcile.Left); n > 0 {
		fmt.Fprintf(w, "%s left alone: never removed by plumb, unless you declare it again and take the declaration out later.\n", plural(n, "object"))
	}
	return nil
}
