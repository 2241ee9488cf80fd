package main

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/audit"
	"plumbline/reconcile/journal"
	"plumbline/reconcile/plan"
)

func newHistory(s *settings) *cobra.Command {
	var count int
	var export, verify bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List the plans that ran and what people ordered, newest first; export or verify the audit trail",
		Long: `List the plans that ran, newest first: by whom, by which request and whose approval, and between them what people ordered. With -o json
it is the plans alone. The audit trail knows more: every change, refusal, alert and order, with who, why and what was seen before and
after. --export writes all of it as JSON lines, --verify tells whether it is as it was written.`,
		Example: "  plumb history -n 5\n  plumb history -o ndjson | jq -r '[.begun_at, .plan.commit, .verdict] | @tsv'\n  plumb history --export | jq 'select(.object == \"vm/payroll@jino0\")'\n  plumb history --verify",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case export:
				return s.export(cmd)
			case verify:
				return s.verify(cmd)
			}
			past, err := s.history(cmd, count)
			if err != nil {
				return err
			}
			if s.output == "text" {
				return s.tellHistory(cmd, past)
			}
			return s.writeHistory(cmd.OutOrStdout(), past)
		},
	}
	cmd.Flags().IntVarP(&count, "count", "n", 20, "how many")
	cmd.Flags().BoolVar(&export, "export", false, "write the whole audit trail as JSON lines")
	cmd.Flags().BoolVar(&verify, "verify", false, "check that the audit trail is whole and unchanged")
	cmd.MarkFlagsMutuallyExclusive("export", "verify")
	return cmd
}

func (s *settings) writeHistory(w io.Writer, past []journal.Past) error {
	if s.output == "json" {
		return json.NewEncoder(w).Encode(append([]journal.Past{}, past...))
	}
	for _, p := range past {
		if err := json.NewEncoder(w).Encode(p); err != nil {
			return err
		}
	}
	return nil
}

// mostOrders is how many orders stand beside the plans.
const mostOrders = 100

// tellHistory writes plans, and between them what people ordered since the oldest of them.
func (s *settings) tellHistory(cmd *cobra.Command, past []journal.Past) error {
	known, orders := map[string]audit.Record{}, []audit.Record{}
	for _, p := range past {
		known[p.Plan.ID] = audit.Record{}
	}
	trail, err := audit.Read(s.config.State, func(r audit.Record) error {
		_, ours := known[r.Plan]
		switch {
		case r.Type == audit.Plan && ours:
			known[r.Plan] = r
		case r.Type == audit.Order && ours && known[r.Plan].By == "":
			known[r.Plan] = audit.Record{By: r.By} // it runs
		case r.Type == audit.Order && !ours && (len(past) == 0 || r.Time.After(past[len(past)-1].BegunAt)):
			orders = append(orders, r)
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.faults(cmd, trail)
	orders = orders[max(0, len(orders)-mostOrders):]
	slices.Reverse(orders)
	w := cmd.OutOrStdout()
	for _, p := range past {
		for len(orders) > 0 && orders[0].Time.After(p.BegunAt) {
			writeOrder(w, orders[0])
			orders = orders[1:]
		}
		verdict := p.Verdict
		if p.EndedAt == nil {
			verdict = "open"
		}
		fmt.Fprintf(w, "%s  %-10s  %-14s  %s\n", p.BegunAt.Local().Format(time.DateTime), plan.ShortCommit(p.Plan.Commit), verdict, p.Summary)
		writeWords(w, known[p.Plan.ID])
	}
	for _, o := range orders {
		writeOrder(w, o)
	}
	return nil
}

func writeOrder(w io.Writer, o audit.Record) {
	what := strings.Join(slices.DeleteFunc([]string{o.Result, o.Text, strings.Join(o.Requests, ", ")}, func(s string) bool { return s == "" }), ": ")
	fmt.Fprintf(w, "%s  %-10s  %-14s  %s\n", o.Time.Local().Format(time.DateTime), "by "+screen(orderer(o.By)), o.Action, screen(what))
}

// writeWords tells by whose word a plan ran, unless it is the controller's alone.
func writeWords(w io.Writer, r audit.Record) {
	var words []string
	if r.By != "" && r.By != reconcile.ByItself {
		words = append(words, "ordered by "+r.By)
	}
	if len(r.Requests) > 0 {
		words = append(words, "came by "+strings.Join(r.Requests, ", "))
	}
	for _, a := range r.Approvals {
		words = append(words, agreement(a))
	}
	if len(words) > 0 {
		fmt.Fprintf(w, "    %s\n", screen(strings.Join(words, "; ")))
	}
}

// agreement says who let something through, and which rule waited for it.
func agreement(a audit.Approval) string {
	text := "agreed to by "
	if len(a.By) == 0 {
		return text + "the line " + a.Place.String()
	}
	if text += strings.Join(a.By, ", ") + " (" + a.Rule; a.Need > 0 {
		text += fmt.Sprintf(", %d wanted by %s", a.Need, a.Place)
	}
	return text + ")"
}

func (s *settings) history(cmd *cobra.Command, count int) ([]journal.Past, error) {
	if client, err := s.dial(cmd.Context()); err == nil {
		defer client.Close()
		return client.History(cmd.Context(), count)
	}
	store, err := s.readStore()
	if err != nil {
		return nil, err
	}
	if store == nil {
		return nil, fail(exitError, "nothing was applied from %s yet", s.config.State)
	}
	defer store.Close()
	return store.History(count)
}
