package main

import (
	"os"

	"github.com/spf13/cobra"

	"plumbline/actuators/all"
	"plumbline/reconcile/exec"
)

func newExec() *cobra.Command {
	var stdio, readOnly, boot bool
	var name, watch string
	var dirs exec.Dirs
	cmd := &cobra.Command{
		Use:   "exec",
		Short: "Serve a controller on standard input and output (on hosts)",
		Long: `Run on a host by the controller, usually over SSH. It answers on standard input and output and opens no port.
With --read-only every change is refused, which suits an SSH forced command. With --boot it takes back what a reboot left
unconfirmed, and ends.`,
		Example: "  ssh -T host1 plumb exec --stdio --name host1\n  command=\"plumb exec --stdio --read-only\" ssh-ed25519 AAAA… plumb",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			options := exec.Options{Version: version, Watcher: []string{"/proc/self/exe", "exec", "--watch-confirm"}, ReadOnly: readOnly, Passing: crashBoundary()}
			host := exec.NewMachine(name, dirs)
			switch {
			case watch != "":
				return exec.WatchConfirm(cmd.Context(), all.Registry(), watch)
			case boot:
				return exec.Recover(cmd.Context(), all.Registry(), host, options)
			case stdio:
				return exec.Serve(cmd.Context(), os.Stdin, os.Stdout, all.Registry(), host, options)
			}
			return fail(exitError, "cannot serve: say --stdio (or --boot)")
		},
	}
	f := cmd.Flags()
	f.BoolVar(&stdio, "stdio", false, "answer on standard input and output")
	f.BoolVar(&readOnly, "read-only", false, "refuse every change")
	f.BoolVar(&boot, "boot", false, "take back what a reboot left unconfirmed, then end")
	f.StringVar(&name, "name", "", "this host's name in the topology")
	f.StringVar(&dirs.State, "host-state", "/var/lib/plumb/exec", "where this host keeps what undoing needs")
	f.StringVar(&dirs.Secrets, "secrets", "/etc/plumb/secrets", "where this host keeps secrets")
	f.StringVar(&dirs.Identity, "age-key", defaultIdentity, "this host's age key, which opens the secrets of the repository")
	f.StringVar(&watch, "watch-confirm", "", "")
	f.MarkHidden("watch-confirm")
	return cmd
}
