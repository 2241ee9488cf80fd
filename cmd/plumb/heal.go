package main

import (
	"github.com/spf13/cobra"

	"plumbline/reconcile/run"
	"plumbline/schema"
)

func newHeal(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:     "heal [OBJECT[@HOST]…]",
		Short:   "Bring what drifted back to what was last applied",
		Long:    "Bring objects, or everything that drifted, back to what was last applied to them, whatever a newer commit says.",
		Example: "  plumb heal nat/payroll@edge1\n  plumb heal",
		RunE: func(cmd *cobra.Command, args []string) error {
			var instances []schema.Instance
			for _, arg := range args {
				instances = append(instances, schema.ParseInstance(arg))
			}
			result, err := s.heal(cmd, instances)
			if err != nil && len(result.Lanes) == 0 {
				return err
			}
			if code := s.writeResult(cmd, result); code != nil {
				if err != nil {
					cmd.PrintErrln("plumb: " + err.Error())
				}
				return code
			}
			return err
		},
	}
}

func (s *settings) heal(cmd *cobra.Command, instances []schema.Instance) (run.Result, error) {
	listen, stop := s.listener(cmd)
	defer stop()
	if client, err := s.dial(cmd.Context()); err == nil {
		defer client.Close()
		return client.Heal(cmd.Context(), instances, listen)
	}
	if there, err := exists(s.storePath()); err == nil && !there {
		return run.Result{}, fail(exitError, "cannot heal: nothing was applied from %s yet", s.config.State)
	}
	c, done, err := s.applier(cmd.Context(), "")
	if err != nil {
		return run.Result{}, err
	}
	defer done()
	return c.Heal(cmd.Context(), instances, listen)
}
