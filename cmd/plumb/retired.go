package main

import (
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
)

func newRetired(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "retired",
		Short: "Show what was removed and waits for its purge",
		Long: `Show what was removed: since when each thing is set aside, under which name, what space it holds, and the line that
agrees to its purge. Nothing is changed. Declared again, a thing is put back with its data, whenever that is before its purge.
Older copies of what is declared, such as of an image that was fetched anew, are listed as such.
Exit code 10: something could not be looked at.`,
		Example: "  plumb retired\n  plumb retired -o json | jq -r '.retired[].approve'",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := s.retired(cmd)
			if err != nil {
				return err
			}
			if s.output != "text" {
				err = json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
					Retired []reconcile.Retired `json:"retired"`
				}{all})
			} else {
				writeRetired(cmd.OutOrStdout(), all, time.Now())
			}
			if err == nil && unseen(all) {
				return exits(exitIncomplete)
			}
			return err
		},
	}
}

func (s *settings) retired(cmd *cobra.Command) ([]reconcile.Retired, error) {
	source, err := s.openSource()
	if err != nil {
		return nil, err
	}
	c, done, err := s.planner(cmd.Context(), source)
	if err != nil {
		return nil, err
	}
	defer done()
	commit, err := s.commit(cmd.Context(), source, nil)
	if err != nil {
		return nil, err
	}
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	all, err := c.Retired(cmd.Context(), commit)
	return all, undisturbed(cmd, err)
}

func unseen(all []reconcile.Retired) bool {
	for _, r := range all {
		if r.Effect == "" {
			return true
		}
	}
	return false
}

func writeRetired(w io.Writer, all []reconcile.Retired, now time.Time) {
	total := int64(0)
	for _, r := range all {
		total += r.Bytes
		for _, one := range r.Instances {
			writeRetiredThing(w, one, now)
		}
		switch {
		case r.Approve == "":
			fmt.Fprintln(w, "    not all of it can be seen, so nobody can agree to its purge now")
		case r.Approved != nil:
			fmt.Fprintf(w, "    its purge has a line at %s; see \"plumb plan\"\n", r.Approved)
		default:
			fmt.Fprintf(w, "    %s:\n    %s\n", wayOut(r), r.Approve)
		}
	}
	if len(all) == 0 {
		fmt.Fprintln(w, "nothing waits for its purge")
		return
	}
	fmt.Fprintf(w, "%s, holding %s\n", plural(len(all), "object"), space(total))
}

// wayOut is what may be done with what was set aside. The older copies of what is declared are never put back by themselves.
func wayOut(r reconcile.Retired) string {
	for _, one := range r.Instances {
		if !one.Copy {
			return "declare it again to put it back, or destroy it for good"
		}
	}
	return "destroy what was set aside of it for good"
}

func writeRetiredThing(w io.Writer, one reconcile.RetiredThing, now time.Time) {
	due := "may be purged"
	switch {
	case one.Copy:
		due = "an older copy; what is declared stays"
	case now.Before(one.Due):
		due = "is kept until " + one.Due.Local().Format(time.DateOnly)
	}
	if one.Since.IsZero() {
		fmt.Fprintf(w, "%s  %s\n", one.Instance, due)
	} else {
		fmt.Fprintf(w, "%s  set aside on %s, %s\n", one.Instance, one.Since.Local().Format(time.DateOnly), due)
	}
	switch {
	case one.Unknown != "":
		fmt.Fprintf(w, "    unknown: %s\n", one.Unknown)
	case one.Gone:
		fmt.Fprintln(w, "    it is not there any more; an approval of its purge lets it be forgotten")
	case one.Bytes > 0:
		fmt.Fprintf(w, "    %s, %s\n", one.Name, space(one.Bytes))
	default:
		fmt.Fprintf(w, "    %s\n", one.Name)
	}
}

// space is an amount of storage as people read it.
func space(bytes int64) string {
	if bytes == 0 {
		return "no space"
	}
	value, unit := float64(bytes), 0
	for value >= 1024 && unit < len(binaryUnits)-1 {
		value, unit = value/1024, unit+1
	}
	return fmt.Sprintf("%.4g %s", value, binaryUnits[unit])
}

var binaryUnits = []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
