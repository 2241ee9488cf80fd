package main

import (
	"encoding/json"

	"github.com/spf13/cobra"
)

func newConfig(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:     "config",
		Short:   "Check and show the controller's own file",
		Example: "  plumb config check\n  plumb config show --config ./plumb.cue",
	}
	cmd.AddCommand(
		&cobra.Command{Use: "check", Short: "Check the file", Example: "  plumb config check --config ./plumb.cue", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			if s.configMissing {
				return fail(exitError, "there is no %s; the defaults are in force (plumb config show)", s.configFile)
			}
			return s.tell(cmd, s.configFile+" is valid")
		}},
		&cobra.Command{Use: "show", Short: "Show what is in force: flags and environment over the file over defaults", Example: "  plumb config show | jq .state", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
			enc := json.NewEncoder(cmd.OutOrStdout())
			enc.SetIndent("", "  ")
			return enc.Encode(s.config)
		}},
	)
	return cmd
}
