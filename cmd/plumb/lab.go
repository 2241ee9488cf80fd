package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"runtime"

	"github.com/spf13/cobra"

	"plumbline/testenv/forge"
	"plumbline/testenv/guest"
	"plumbline/testenv/lab"
	"plumbline/testenv/story"
)

// defaultLab is where the laboratory lives unless told otherwise.
const defaultLab = "/var/tmp/plumb-lab"

func newLab() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "lab",
		Short: "A laboratory of real hosts in namespaces on this machine (root)",
		Long: `Bring up the site of the payroll story on this machine: a hypervisor with libvirtd, two edges, a name server and a client
in the internet, each in namespaces of its own with real daemons. Nothing of it touches the machine's own network.`,
		Example: "  plumb lab up\n  plumb lab exec jino0 virsh list\n  plumb lab exec internet curl http://payroll.mycompany.com/\n  plumb lab down",
	}
	cmd.PersistentFlags().StringVar(&dir, "dir", defaultLab, "directory of the laboratory")
	cmd.AddCommand(labUp(&dir), labDown(&dir), labStatus(&dir), labExec(&dir), labDemo(&dir), labForge(), labInstall())
	return cmd
}

func labUp(dir *string) *cobra.Command {
	return &cobra.Command{Use: "up", Example: "  plumb lab up\n  plumb lab up --dir /var/tmp/mylab", Short: "Install what is missing and bring the hosts up", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if os.Geteuid() != 0 {
			return fail(exitPermission, "the laboratory needs root: it makes namespaces and mounts")
		}
		if err := lab.Install(cmd.Context(), cmd.ErrOrStderr()); err != nil {
			return err
		}
		config := lab.Boston(*dir)
		config.Keep = true
		if _, err := lab.Up(cmd.Context(), config); err != nil {
			return err
		}
		return writeLab(cmd, *dir)
	}}
}

// openLab is the laboratory in a directory.
func openLab(dir string) (*lab.Lab, error) {
	l, err := lab.Open(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fail(exitError, "there is no laboratory in %s; \"plumb lab up\" makes one, --dir names another place", dir)
	}
	return l, err
}

func labDown(dir *string) *cobra.Command {
	return &cobra.Command{Use: "down", Example: "  plumb lab down", Short: "End the laboratory and remove its traces", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		l, err := openLab(*dir)
		if err != nil {
			return err
		}
		return l.Down()
	}}
}

func labStatus(dir *string) *cobra.Command {
	return &cobra.Command{Use: "status", Example: "  plumb lab status\n  plumb lab status -o json", Short: "List hosts and services", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		return writeLab(cmd, *dir)
	}}
}

func writeLab(cmd *cobra.Command, dir string) error {
	l, err := openLab(dir)
	if err != nil {
		return err
	}
	hosts, err := l.Status()
	if err != nil {
		return err
	}
	if output, _ := cmd.Flags().GetString("output"); output != "text" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(hosts)
	}
	return writeHosts(cmd.OutOrStdout(), hosts)
}

func labExec(dir *string) *cobra.Command {
	cmd := &cobra.Command{Use: "exec HOST PROGRAM [ARG…]", Example: "  plumb lab exec jino0 virsh list", Short: "Run a program on a host", Args: cobra.MinimumNArgs(2), RunE: func(cmd *cobra.Command, args []string) error {
		l, err := openLab(*dir)
		if err != nil {
			return err
		}
		program := l.Command(cmd.Context(), args[0], args[1:]...)
		program.Stdin, program.Stdout, program.Stderr = os.Stdin, os.Stdout, os.Stderr
		err = program.Run()
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exits(exit.ExitCode())
		}
		return err
	}}
	cmd.Flags().SetInterspersed(false)
	return cmd
}

func labDemo(dir *string) *cobra.Command {
	var keep, model bool
	cmd := &cobra.Command{Use: "demo", Example: "  plumb lab demo\n  KEEP=1 plumb lab demo", Short: "Tell the payroll story on real daemons (without root: on a model), and verify every act", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		self, err := os.Executable()
		if err != nil {
			return err
		}
		options := story.Options{Plumb: self, Dir: *dir, Keep: keep, Out: cmd.OutOrStdout()}
		options.Model = model || os.Geteuid() != 0 || runtime.GOOS != "linux"
		if !cmd.Flags().Changed("dir") && options.Model {
			if options.Dir, err = os.MkdirTemp("", "plumb-demo-"); err != nil {
				return err
			}
		}
		return story.Tell(cmd.Context(), options)
	}}
	cmd.Flags().BoolVar(&keep, "keep", os.Getenv("KEEP") != "", "leave the laboratory up for playing (also KEEP=1)")
	cmd.Flags().BoolVar(&model, "model", false, "tell it on a modelled datacenter, as without root")
	return cmd
}

func labForge() *cobra.Command {
	var listen string
	cmd := &cobra.Command{
		Use: "forge REPOSITORY", Short: "A forge on loopback to try previews with: no account, no root",
		Long: `Serve a forge with one project for as long as the command runs: requests, comments and statuses, in the words of Gitea, GitHub and
GitLab, kept in memory. REPOSITORY is the bare one that holds the branches. It prints each comment and status. It never merges: push to the
branch that a request is for.`,
		Example: "  plumb lab forge boston.git",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := os.Stat(args[0]); err != nil {
				return fmt.Errorf("cannot serve the repository: %w", err)
			}
			return forge.Serve(cmd.Context(), listen, args[0], cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&listen, "listen", "127.0.0.1:3000", "address, of loopback")
	return cmd
}

func labInstall() *cobra.Command {
	return &cobra.Command{Use: "install", Example: "  plumb lab install", Short: "Install the Debian packages that the laboratory needs, and build its guest image", Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		if os.Geteuid() != 0 {
			return fail(exitPermission, "installing packages needs root")
		}
		if err := lab.Install(cmd.Context(), cmd.ErrOrStderr()); err != nil {
			return err
		}
		cache, err := lab.CacheDir()
		if err != nil {
			return err
		}
		image, err := guest.Build(cmd.Context(), cache)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "guest image %s\n", image.Path)
		return nil
	}}
}
