package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"plumbline/schema"
)

// maxProblems is how many mistakes a person is shown at once.
const maxProblems = 50

// execute is the command with its arguments; it returns the exit code.
func execute(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := newRoot()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	report(root, err)
	return exitCode(err)
}

// report prints an error as people read it: mistakes one a line, everything else behind "plumb: ".
func report(root *cobra.Command, err error) {
	var problems schema.Problems
	switch {
	case err == nil || err.Error() == "":
	case errors.As(err, &problems):
		for i, p := range problems {
			if i == maxProblems {
				root.PrintErrf("… and %d more\n", len(problems)-maxProblems)
				break
			}
			root.PrintErrln(p.String())
		}
		root.PrintErrf("%s in the topology\n", plural(len(problems), "mistake"))
	default:
		root.PrintErrln("plumb: " + err.Error())
	}
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func newRoot() *cobra.Command {
	s := &settings{}
	root := &cobra.Command{
		Use:   "plumb",
		Short: "Keeps a private datacenter true to a Git repository",
		Long: strings.TrimSpace(`
plumb keeps a private datacenter true to a Git repository. CUE describes hosts, storage, networks, VMs, addresses,
balancers and DNS; plumb validates each commit, compares it with what is really running, orders the difference into a
plan, runs the plan with rollback, and keeps watching for drift.`),
		SilenceUsage: true, SilenceErrors: true,
		Example: `  plumb validate .                  check a working tree
  plumb plan                        what would change
  plumb run                         follow the repository and keep it true
  plumb status                      what is going on`,
	}
	s.flags(root.PersistentFlags())
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error { return s.complete(cmd) }
	root.AddCommand(
		newValidate(s), newPlan(s), newShow(s), newApply(s), newRun(s), newStatus(s), newDrift(s), newHeal(s), newHistory(s),
		newExplain(s), newGraph(s), newRollback(s), newSuspend(s), newResume(s), newTrust(s), newInit(s), newConfig(s), newLab(), newExec(),
		newEval(), newVersion(s),
	)
	root.CompletionOptions.HiddenDefaultCmd = false
	return root
}
