package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"plumbline/reconcile/control"
	"plumbline/schema"
	"plumbline/sources"
)

// execute is the command with its arguments; it returns the exit code. The first interrupt asks for a gentle end, the next
// ends the process as it stands.
func execute(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, func() {
		stop()
		if signalled := context.Cause(ctx); signalled != context.Canceled {
			time.AfterFunc(patience, func() {
				fmt.Fprintln(os.Stderr, "plumb: interrupted; it ends when what is under way is done or taken back (interrupt again to end at once: the next start makes it good)")
			})
		}
	})
	s := &settings{}
	defer s.close()
	root := newRoot(s)
	out := &console{file: os.Stdout, exact: func() bool { return (s.exact || s.output != "text") && !term.IsTerminal(int(os.Stdout.Fd())) }}
	root.SetOut(out)
	root.SetErr(&console{file: os.Stderr, exact: func() bool { return false }})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if failed := out.failed(); failed != nil && (err == nil || exitCode(err) == exitChanges) {
		err = failed
	}
	report(root, s, err)
	return exitCode(err)
}

// report prints an error as people read it: mistakes one a line, everything else behind "plumb: ", with what to do next.
func report(root *cobra.Command, s *settings, err error) {
	problems, more, mistaken := schema.Told(err)
	switch {
	case err == nil || err.Error() == "":
	case mistaken:
		for _, p := range problems {
			root.PrintErrln(p.String())
		}
		if more > 0 {
			root.PrintErrf("… and %d more\n", more)
		}
		where := "the topology"
		if len(problems) > 0 && problems[0].Pos.File == s.configFile {
			where = "the controller's file"
		}
		root.PrintErrf("%s in %s\n", plural(len(problems)+more, "mistake"), where)
	case errors.Is(err, context.Canceled):
		root.PrintErrln("plumb: interrupted")
	default:
		root.PrintErrln("plumb: " + err.Error() + remedy(s, err))
	}
}

// remedy is what to do about an error whose text does not say it.
func remedy(s *settings, err error) string {
	switch {
	case errors.Is(err, fs.ErrPermission) && os.Geteuid() != 0:
		return fmt.Sprintf("; run it as %s, or name places of your own with --state, --socket and --config (now %s)",
			ownerOf(cmp.Or(s.config.State, s.configFile)), strings.Join(slices.DeleteFunc([]string{s.config.State, s.config.Socket, s.configFile}, func(p string) bool { return p == "" }), ", "))
	case errors.Is(err, sources.ErrGone):
		return gone(s.config.Repository)
	case errors.Is(err, control.ErrNobody) && !strings.Contains(err.Error(), "plumb run"):
		return "; start one with \"plumb run\""
	}
	return ""
}

// gone is what to do about a repository, or a branch of it, that is not there.
func gone(repository string) string {
	if _, plain := strings.CutPrefix(repository, "dir:"); plain {
		return "; name a directory that is"
	}
	if info, err := os.Stat(repository); err == nil && info.IsDir() && !isGit(repository) {
		return fmt.Sprintf(": the directory holds no Git repository; \"git init\" makes one, \"dir:%s\" names it as a plain directory", repository)
	}
	return "; check repository and branch (--repo, --branch)"
}

// isGit tells whether a directory is a repository, bare or with a working tree.
func isGit(path string) bool {
	for _, sign := range []string{".git", "HEAD"} {
		if _, err := os.Stat(filepath.Join(path, sign)); err == nil {
			return true
		}
	}
	return false
}

// changing is the title of the commands that change something.
const changing = "Change what is:"

func newRoot(s *settings) *cobra.Command {
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
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		if cmd.GroupID == changing {
			signal.Ignore(syscall.SIGPIPE) // what is under way is not left half done because nobody reads on
		}
		if err := wanting(cmd); err != nil {
			return err
		}
		return s.complete(cmd)
	}
	group(root, "See what is:", newValidate(s), newPlan(s), newPreview(s), newShow(s), newStatus(s), newDrift(s), newHistory(s), newAt(s), newRetired(s), newExplain(s), newGraph(s), newObserve(s))
	group(root, changing, newRun(s), newServe(s), newApply(s), newHeal(s), newAdopt(s), newAck(s), newRollback(s), newSuspend(s), newResume(s), newTrust(s), newRecover(s))
	group(root, "Begin:", newInit(s), newImport(s), newNew(s), newDoc(s), newFmt(s), newConfig(s), newSecret(s), newHost(), newLab())
	root.AddCommand(newExec(), newEval(), newMan(), newVersion(s))
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	explainUsage(root)
	return root
}

// group adds commands under a title.
func group(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = title
		root.AddCommand(cmd)
	}
}
