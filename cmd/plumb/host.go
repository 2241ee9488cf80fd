package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/reconcile/prepare"
)

func newHost() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "host",
		Short:   "Prepare machines as hosts",
		Example: "  plumb host install jino0 edge1=root@10.0.0.21\n  plumb host install --dry-run jino0",
	}
	cmd.AddCommand(newHostInstall())
	return cmd
}

// hosting are the flags of host install.
type hosting struct {
	host          prepare.Host
	key, readOnly string // files
	binary        string
	remove        bool
}

func newHostInstall() *cobra.Command {
	var h hosting
	cmd := &cobra.Command{
		Use:   "install HOST[=SSH]…",
		Short: "Prepare machines over SSH: binary, user, key, boot hook",
		Long: `Log in over SSH as somebody who may do root's work, and make the machine a host: the binary by its content hash, a user
whose key opens nothing but "plumb exec --stdio", and what takes back at boot what is not confirmed. Each thing is said before it
is done; what is as it shall be is left alone. HOST is the name in the topology, SSH how ssh calls it, if otherwise.`,
		Example: `  plumb host install --dry-run jino0
  plumb host install jino0 edge1=root@10.0.0.21
  plumb host install --read-only-key audit.pub jino0
  plumb host install --remove jino0`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return h.all(cmd, args) },
	}
	f := cmd.Flags()
	f.StringVar(&h.host.User, "user", "plumb", "who the controller logs in as: a user that may run the one command by sudo, or root")
	f.StringVar(&h.key, "key", "", "the controller's public key (default: the first of ~/.ssh/id_{ed25519,ecdsa,rsa}.pub)")
	f.StringVar(&h.readOnly, "read-only-key", "", "a public key that may look and never change")
	f.StringVar(&h.binary, "binary", "", "the plumb to copy, for another architecture (default: this one)")
	f.BoolVar(&h.host.Sudo, "sudo", false, "the login that prepares needs sudo")
	f.BoolVar(&h.host.Dry, "dry-run", false, "say what would be done and do nothing")
	f.BoolVar(&h.remove, "remove", false, "take it back; state and secrets stay")
	return cmd
}

// all prepares one host after the other. One that fails keeps no other from being prepared.
func (h *hosting) all(cmd *cobra.Command, args []string) error {
	binary, err := h.read()
	if err != nil {
		return err
	}
	var failed []error
	for _, arg := range args {
		host := h.host
		var other bool
		if host.Name, host.SSH, other = strings.Cut(arg, "="); !other {
			host.SSH = host.Name
		}
		failed = append(failed, h.one(cmd, host, binary))
	}
	return errors.Join(failed...)
}

func (h *hosting) one(cmd *cobra.Command, host prepare.Host, binary *prepare.Binary) error {
	say := func(text string) { fmt.Fprintf(cmd.OutOrStdout(), "%s: %s\n", host.Name, text) }
	var changed bool
	var err error
	if h.remove {
		changed, err = host.Remove(cmd.Context(), say)
	} else {
		changed, err = host.Install(cmd.Context(), binary, say)
	}
	switch {
	case err != nil:
		return err
	case !changed:
		say("nothing to do")
	case host.Dry:
		say("nothing was done (--dry-run)")
	default:
		say("done")
	}
	return nil
}

// read gets keys and binary before any host is touched.
func (h *hosting) read() (binary *prepare.Binary, err error) {
	if h.remove {
		return nil, nil
	}
	if h.key == "" {
		if h.key, err = ownKey(); err != nil {
			return nil, err
		}
	}
	if h.host.Key, err = publicKey(h.key); err != nil {
		return nil, err
	}
	if h.readOnly != "" {
		if h.host.ReadOnly, err = publicKey(h.readOnly); err != nil {
			return nil, err
		}
	}
	if h.binary != "" {
		return prepare.Open(h.binary, "of "+h.binary)
	}
	return prepare.Self(version)
}

// ownKey is the public key that ssh of this user offers first.
func ownKey() (string, error) {
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("cannot find a public key: %w; name one with --key", err)
	}
	for _, kind := range []string{"ed25519", "ecdsa", "rsa"} {
		path := filepath.Join(home, ".ssh", "id_"+kind+".pub")
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			return path, err
		}
	}
	return "", fail(exitError, "cannot find a public key in %s; make one as the controller's user (ssh-keygen -t ed25519), or name one with --key", filepath.Join(home, ".ssh"))
}

// publicKey is type and base64 of a .pub file.
func publicKey(path string) (string, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("cannot read the public key: %w", err)
	}
	words := strings.Fields(string(data))
	if len(words) < 2 || strings.HasPrefix(words[0], "-----") {
		return "", fail(exitError, "%s is no public key: want the .pub file of one", path)
	}
	return words[0] + " " + words[1], nil
}
