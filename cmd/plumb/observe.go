package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"plumbline/actuators"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

func newObserve(s *settings) *cobra.Command {
	var flags surveyFlags
	cmd := &cobra.Command{
		Use:   "observe HOST...",
		Short: "Show what runs on hosts, without a repository",
		Long: `Look at everything that Plumbline knows to look at on hosts, and show whose it is: ours, foreign (nobody's mark), or another
installation's. It needs no repository and no state, and changes nothing: hosts are reached by the transports of the controller's file,
else by ssh, where "plumb exec --stdio --read-only" answers. localhost is this machine. A host that does not answer is told on standard
error, the rest is shown, and the exit code is 10.`,
		Example: `  plumb observe localhost
  plumb observe jino0 root@edge1
  plumb observe ns1 --zone mycompany.com --key tsig-boston
  plumb observe jino0 -o json | jq '.[] | select(.owner == "foreign") | .id'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hosts, err := s.surveyed(args, flags)
			if err != nil {
				return err
			}
			looks, err := s.survey(cmd, hosts)
			if err != nil {
				return err
			}
			if err := s.writeObserved(cmd, looks); err != nil {
				return err
			}
			return exits(blind(cmd, looks))
		},
	}
	flags.add(cmd)
	return cmd
}

// observed is one thing that was seen, as -o json tells it.
type observed struct {
	Host         string          `json:"host"`
	Kind         string          `json:"kind"`
	ID           schema.ID       `json:"id"`
	Owner        string          `json:"owner"` // ours | foreign | installation
	Installation string          `json:"installation,omitempty"`
	Retired      bool            `json:"retired,omitempty"`
	Unknown      string          `json:"unknown,omitempty"` // why it could not be looked at; then nothing else is said of it
	Config       json.RawMessage `json:"config,omitempty"`
	Status       json.RawMessage `json:"status,omitempty"`
}

func (s *settings) writeObserved(cmd *cobra.Command, looks []*diff.Look) error {
	whose := s.owners(cmd.Context())
	out := []observed{}
	for _, look := range looks {
		found := slices.Clone(look.Found)
		slices.SortStableFunc(found, func(a, b actuators.Observed) int { return strings.Compare(string(a.ID), string(b.ID)) })
		for _, one := range found {
			out = append(out, tell(look, one, whose))
		}
	}
	switch s.output {
	case "json":
		encoder := json.NewEncoder(cmd.OutOrStdout())
		encoder.SetIndent("", "  ")
		return encoder.Encode(out)
	case "ndjson":
		encoder := json.NewEncoder(cmd.OutOrStdout())
		for _, one := range out {
			if err := encoder.Encode(one); err != nil {
				return err
			}
		}
		return nil
	}
	return writeObservedText(cmd.OutOrStdout(), out)
}

func tell(look *diff.Look, one actuators.Observed, whose ownership) observed {
	var state struct{ Config, Status json.RawMessage }
	_ = json.Unmarshal(one.State, &state) // every state has these two halves
	o := observed{Host: look.Host, Kind: look.Kind, ID: one.ID, Owner: whose.of(one), Retired: one.Retired, Unknown: one.Unknown, Config: state.Config, Status: state.Status}
	if one.Mark != nil {
		o.Installation = one.Mark.Installation
		o.Owner, _, _ = strings.Cut(o.Owner, " ")
	}
	return o
}

// widest is how many characters of a thing's fields are shown.
const widest = 110

func writeObservedText(w io.Writer, all []observed) error {
	table := tabwriter.NewWriter(w, 2, 0, 2, ' ', 0)
	host := ""
	for _, o := range all {
		if o.Host != host {
			host = o.Host
			fmt.Fprintf(table, "%s\n", host)
		}
		owner := o.Owner
		if owner == "installation" {
			owner += " " + o.Installation
		}
		if o.Retired {
			owner += ", set aside"
		}
		if o.Unknown != "" {
			fmt.Fprintf(table, "  %s\tunknown\t%s\n", o.ID, o.Unknown)
			continue
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\n", o.ID, owner, short(fieldsOf(o.Config, o.Status), widest))
	}
	return table.Flush()
}

func short(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return text
}

// fieldsOf are the fields of what operations decide, or, where they decide nothing, of what is reported.
func fieldsOf(halves ...json.RawMessage) string {
	for _, half := range halves {
		var value any
		if json.Unmarshal(half, &value) != nil {
			continue
		}
		if text := words(value, true); text != "" {
			return text
		}
	}
	return ""
}

// words is a value as people read it: "cpu {max 4, now 1}, power running". What is empty is left out.
func words(value any, outermost bool) string {
	switch v := value.(type) {
	case map[string]any:
		var parts []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if text := words(v[name], false); text != "" {
				parts = append(parts, name+" "+text)
			}
		}
		text := strings.Join(parts, ", ")
		if text != "" && !outermost {
			text = "{" + text + "}"
		}
		return text
	case []any:
		var parts []string
		for _, one := range v {
			parts = append(parts, words(one, false))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case float64:
		return fmt.Sprintf("%.0f", v)
	case nil:
		return ""
	}
	return fmt.Sprint(value)
}
