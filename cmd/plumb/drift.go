package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/drift"
	"plumbline/reconcile/who"
)

func newDrift(s *settings) *cobra.Command {
	var detailed bool
	var ignore ignoring
	cmd := &cobra.Command{
		Use:   "drift",
		Short: "Show what is live and not as it was last applied",
		Long: `Show what differs from what was last applied. A running controller answers from what it watches; without one everything
is looked at once. Nothing is changed. Exit code 10: something could not be looked at, so nobody can say that all is well.

With --write-ignore a rule that ignores some drift is written into the topology, beside the object: as a patch on standard output, into
a working tree (--write), or as a request at the forge (--request).`,
		Example: `  plumb drift
  plumb drift --detailed-exitcode -o json
  plumb drift --write-ignore vm/payroll.memory.now --owner anna --reason "year's end" --until 2027-01-15 --request`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if ignore.name != "" {
				return ignore.run(cmd, s)
			}
			found, healer, err := s.drift(cmd)
			if err != nil {
				return err
			}
			if err := s.writeDrift(cmd.OutOrStdout(), found, healer, time.Now()); err != nil {
				return err
			}
			switch {
			case len(found.Unseen) > 0:
				return exits(exitIncomplete)
			case detailed && len(found.Incidents) > 0:
				return exits(exitChanges)
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when something drifted")
	ignore.flags(cmd)
	return cmd
}

// drift gives what differs and what could not be seen, and says who heals what may be healed by itself.
func (s *settings) drift(cmd *cobra.Command) (found reconcile.Drifted, healer string, err error) {
	if client, err := s.dial(cmd.Context()); err == nil {
		defer client.Close()
		status, err := client.Status(cmd.Context())
		if err != nil {
			return found, "", err
		}
		healer = "is healed by itself"
		if status.Suspended != "" {
			healer = "is healed by itself when the suspension is over"
		}
		found, err = client.Incidents(cmd.Context())
		return found, healer, err
	}
	memory, done, err := s.memory(cmd.Context())
	if err != nil {
		return found, "", err
	}
	defer done()
	if memory == nil {
		return found, "", fail(exitError, "cannot look for drift: nothing was applied from %s yet", s.config.State)
	}
	c, err := s.witness(memory)
	if err != nil {
		return found, "", err
	}
	defer c.Close()
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	found, err = c.Drift(cmd.Context())
	return found, "is healed by itself when a controller runs", undisturbed(cmd, err)
}

func (s *settings) writeDrift(w io.Writer, found reconcile.Drifted, healer string, now time.Time) error {
	if s.output != "text" {
		return json.NewEncoder(w).Encode(found)
	}
	for _, g := range found.Groups {
		writeGroup(w, g, now)
	}
	width := 0
	for _, i := range found.Incidents {
		width = max(width, len(i.Instance.String()))
	}
	for _, i := range found.Incidents {
		writeIncident(w, i, width, healer, now)
	}
	for _, h := range found.Unseen {
		fmt.Fprintf(w, "%s  unknown (%s): %s\n", hostName(h.Host), strings.Join(h.Kinds, ", "), h.Err)
	}
	if len(found.Incidents) == 0 && len(found.Unseen) == 0 {
		fmt.Fprintln(w, "no drift: everything is as it was last applied")
	}
	return nil
}

func writeGroup(w io.Writer, g drift.Group, now time.Time) {
	fmt.Fprintf(w, "%s of one cause, told as one: %s, for %s\n", plural(g.Most, "incident"), g.Cause, since(now.Sub(g.FirstSeen)))
	if word := seenTo(&g.Life, now); word != "" {
		fmt.Fprintf(w, "    %s\n", word)
	} else {
		fmt.Fprintf(w, "    \"plumb ack '%s'\" says that you see to it\n", g.Cause)
	}
}

func writeIncident(w io.Writer, i drift.Incident, width int, healer string, now time.Time) {
	fmt.Fprintf(w, "%-*s  %s for %s  %s\n", width, i.Instance, i.Class, since(now.Sub(i.FirstSeen)), i.Declared)
	for _, c := range i.Changes {
		if i.Class != diff.Gone {
			fmt.Fprintf(w, "    %s is %s, applied was %s\n", c.Path, value(c.From), value(c.To))
		}
	}
	if i.Told != "" {
		fmt.Fprintf(w, "    the host says: %s\n", i.Told)
	}
	if i.Who != nil && (i.Who.Sure != who.Unknown || i.Who.How != "") {
		fmt.Fprintf(w, "    who did it: %s\n", i.Who)
	}
	if i.Group != "" {
		fmt.Fprintf(w, "    told with others: %s\n", i.Group)
	}
	if i.Muted != "" {
		fmt.Fprintf(w, "    told to nobody: the rule ignore: %q mutes it\n", i.Muted)
	}
	if i.Flapping {
		fmt.Fprintln(w, "    comes and goes: it is told again when it stayed away")
	}
	word := seenTo(&i.Life, now)
	switch {
	case word != "":
		fmt.Fprintf(w, "    %s; until then nothing is done by itself\n", word)
	case !i.Clean.IsZero():
		fmt.Fprintln(w, "    is as it was applied again, for a moment; it is over when that lasts")
	case i.Contended:
		fmt.Fprintln(w, "    was healed again and again within an hour and undone each time: somebody or something else changes it; it is left alone now")
	case i.Policy == drift.Heal:
		fmt.Fprintln(w, "    "+healer)
	default:
		waits := "nothing is done by itself"
		if i.Policy == drift.Ask {
			waits = "it waits for a person to say"
		}
		fmt.Fprintf(w, "    %[2]s; \"plumb heal %[1]s\" brings back what was applied, \"plumb adopt %[1]s\" declares what is live,\n"+
			"    \"plumb drift --write-ignore %[1]s\" ignores it\n", i.Instance, waits)
	}
}

// seenTo tells who sees to an alert, until when and why; "" is nobody.
func seenTo(a *drift.Life, now time.Time) string {
	if a.Ack == nil || !a.Ack.Until.IsZero() && now.After(a.Ack.Until) {
		return ""
	}
	text := a.Ack.By + " sees to it"
	if !a.Ack.Until.IsZero() {
		text += " until " + a.Ack.Until.Local().Format(time.DateTime)
	} else {
		text += " until it is resolved"
	}
	if a.Ack.Reason != "" {
		text += " (" + a.Ack.Reason + ")"
	}
	return text
}

// value is a value as people write it: text bare, nothing by name, the rest as JSON.
func value(v any) string {
	switch v := v.(type) {
	case nil:
		return "nothing"
	case string:
		return v
	}
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(data)
}

func hostName(name string) string {
	if name == "" {
		return "the controller"
	}
	return name
}
