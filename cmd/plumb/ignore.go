package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/schema"
)

// ignoring is what a rule about drift is written by.
type ignoring struct {
	rewrite
	name           string // "" = no rule is wanted
	rule           reconcile.IgnoreRule
	until          string
	mute, unmanage bool
	permanent      bool
}

func (i *ignoring) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&i.name, "write-ignore", "", "write a rule that ignores the drift of OBJECT[@HOST][.FIELD]")
	cmd.Flags().StringVar(&i.rule.Owner, "owner", "", "who answers for the rule")
	cmd.Flags().StringVar(&i.rule.Reason, "reason", "", "why it is ignored")
	cmd.Flags().StringVar(&i.until, "until", "", "last day on which it is ignored, YYYY-MM-DD, at most 90 days ahead")
	cmd.Flags().BoolVar(&i.permanent, "permanent", false, "ignore it for ever")
	cmd.Flags().BoolVar(&i.mute, "mute", false, "it is drift still, and told to nobody (the default)")
	cmd.Flags().BoolVar(&i.unmanage, "unmanage", false, "it is no difference at all: nothing changes it for that alone")
	cmd.MarkFlagsMutuallyExclusive("mute", "unmanage")
	cmd.MarkFlagsMutuallyExclusive("until", "permanent")
	i.rewrite.flags(cmd)
}

// run writes the rule.
func (i *ignoring) run(cmd *cobra.Command, s *settings) (err error) {
	switch {
	case i.rule.Owner == "" || i.rule.Reason == "":
		return fail(exitError, "a rule says who answers for it and why: give --owner and --reason")
	case i.until == "" && !i.permanent:
		return fail(exitError, "a rule ends on a day: give --until, such as --until %s, or --permanent", time.Now().UTC().AddDate(0, 0, 30).Format(time.DateOnly))
	}
	if i.until != "" {
		if i.rule.Until, err = time.Parse(time.DateOnly, i.until); err != nil {
			return fail(exitError, "--until %q is no day; write it like 2026-12-31", i.until)
		}
	}
	if i.rule.Mode = schema.Mute; i.unmanage {
		i.rule.Mode = schema.Unmanage
	}
	return i.rewrite.run(cmd, s, proposed{verb: "ignore", names: []string{i.name}, make: func(ctx context.Context, c *reconcile.Controller, commit string) (*reconcile.Rewriting, error) {
		return c.Ignore(ctx, commit, i.name, i.rule)
	}})
}
