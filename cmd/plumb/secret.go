package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/schema"
	"plumbline/sealed"
	"plumbline/sources/dir"
)

const defaultIdentity = "/etc/plumb/age.key"

func newSecret(s *settings) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret",
		Short: "Secrets in the repository, encrypted for the hosts that use them",
		Long: `A secret is named in the topology, as {secret: "NAME"}. The host where it is used opens secrets/NAME.age of the repository with
its own age key, or reads /etc/plumb/secrets/NAME if the repository has none of that name. The controller never sees the value.`,
		Example: "  plumb secret identity                                     (on the host, once)\n" +
			"  plumb secret encrypt tsig-boston --host ns1 < tsig.key    (in the work tree)\n  plumb secret check .",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newSecretEncrypt(s), newSecretCheck(s), newSecretIdentity())
	return cmd
}

func newSecretIdentity() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "identity",
		Short: "Print this host's public age key; make the key if there is none (on hosts)",
		Long: `Print the public key of this host, for age: of the host in the topology. The secret key is made when it is not there yet, with
mode 0600, and never leaves the host. Keep no copy: a host that lost it gets a new one, and its secrets are encrypted anew.`,
		Example: "  ssh ns1 plumb secret identity",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			recipient, err := identity(path)
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), recipient)
			return nil
		},
	}
	cmd.Flags().StringVar(&path, "age-key", defaultIdentity, "where the key is, or is to be")
	return cmd
}

// identity is the public key of an identity file, which is made when there is none.
func identity(path string) (string, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if data, err = sealed.NewIdentity(); err == nil {
			err = writeNew(path, data)
		}
	}
	if err != nil {
		return "", fmt.Errorf("cannot make the age key of this host: %w", err)
	}
	recipient, err := sealed.Recipient(data)
	if err != nil {
		return "", fmt.Errorf("cannot read the age key %s: %w", path, err)
	}
	return recipient, nil
}

// writeNew writes a private file that is not there yet, and syncs it: what is encrypted for a key that a power cut took is lost.
func writeNew(path string, data []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, file.Sync(), file.Close())
}

func newSecretEncrypt(s *settings) *cobra.Command {
	var hosts []string
	var tree string
	cmd := &cobra.Command{
		Use:   "encrypt NAME --host HOST...",
		Short: "Encrypt a secret for hosts, from standard input into secrets/NAME.age",
		Long: `Read a value from standard input and write secrets/NAME.age in the work tree, encrypted for the hosts that are named (each needs
age: in the topology). A file of that name is replaced: nobody but those hosts can open it, so the value is given anew. Commit the
file; the objects that use the secret follow it.`,
		Example: "  plumb secret encrypt tsig-boston --host ns1,ns2 < tsig.key",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			path := filepath.Join(tree, schema.SecretDir, args[0]+schema.SecretSuffix)
			if err := s.encrypt(cmd, path, args[0], tree, hosts); err != nil {
				return err
			}
			return s.tell(cmd, fmt.Sprintf("wrote %s, for %s", path, strings.Join(hosts, ", ")))
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&hosts, "host", nil, "a host that may read it; several with commas, or by saying it again")
	f.StringVar(&tree, "dir", ".", "the directory of the topology")
	cmd.MarkFlagRequired("host")
	return cmd
}

func (s *settings) encrypt(cmd *cobra.Command, path, name, tree string, hosts []string) error {
	if !schema.ValidName(name) {
		return fail(exitError, "cannot encrypt %q: that is no name; use letters, digits, dot, underscore and dash", name)
	}
	keys, err := s.ageKeys(cmd, tree, hosts)
	if err != nil {
		return err
	}
	value, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), sealed.MostValue+1))
	if err != nil {
		return fmt.Errorf("cannot read the value: %w", err)
	}
	data, err := sealed.Encrypt(value, keys)
	if err != nil {
		return fail(exitError, "cannot encrypt %s: %w", name, err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, data, 0o644)
}

// ageKeys are the public keys of hosts. Secrets are left out of what is read, for they may be what is to be mended.
func (s *settings) ageKeys(cmd *cobra.Command, tree string, hosts []string) (keys []string, err error) {
	graph, err := s.loadTree(cmd, tree, func(files fs.FS) fs.FS { return noSecrets{files} })
	if err != nil {
		return nil, err
	}
	for _, host := range hosts {
		var spec struct{ Age string }
		object := graph.Object(schema.MakeID("host", host))
		switch {
		case object == nil:
			return nil, fail(exitInvalid, "cannot encrypt for %q: the topology has no such host", host)
		case json.Unmarshal(object.Spec, &spec) != nil || spec.Age == "":
			return nil, fail(exitInvalid, "cannot encrypt for host %q: it has no age key; run \"plumb secret identity\" on it and write what it prints as age: into host: %q", host, host)
		}
		keys = append(keys, spec.Age)
	}
	return keys, nil
}

// noSecrets is a topology without its secrets.
type noSecrets struct{ fs.FS }

// Open implements fs.FS.
func (f noSecrets) Open(name string) (fs.File, error) {
	if strings.HasPrefix(name, schema.SecretDir+"/") && strings.HasSuffix(name, schema.SecretSuffix) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return f.FS.Open(name)
}

// loadTree loads a work tree, seen through a view of it.
func (s *settings) loadTree(cmd *cobra.Command, tree string, view func(fs.FS) fs.FS) (*schema.Graph, error) {
	source, err := dir.Open(dir.Config{Path: tree, Log: s.log})
	if err != nil {
		return nil, err
	}
	head, err := source.Head(cmd.Context())
	if err != nil {
		return nil, err
	}
	files, err := source.Tree(cmd.Context(), head.ID)
	if err != nil {
		return nil, err
	}
	return schema.Load(cmd.Context(), view(files), head.ID, all.Registry(), schema.WithEvaluator(s.evaluator()))
}

func newSecretCheck(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "check [DIRECTORY]",
		Short: "List who uses which secret, and where it comes from",
		Long: `Validate a topology and list its secrets: who uses each on which host, and whether the repository holds it for that host or the
host must have a file. A file that no host can open is a mistake. What nobody uses is listed too.`,
		Example: "  plumb secret check .",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			tree := "."
			if len(args) > 0 {
				tree = args[0]
			}
			var files fs.FS
			graph, err := s.loadTree(cmd, tree, func(seen fs.FS) fs.FS { files = seen; return seen })
			if err != nil {
				return err
			}
			uses, err := secretUses(graph, files)
			if err != nil {
				return err
			}
			if s.output != "text" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(append([]secretUse{}, uses...))
			}
			out := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(out, "SECRET\tHOST\tUSED BY\tFROM")
			for _, u := range uses {
				fmt.Fprintf(out, "%s\t%s\t%s\t%s\n", u.Secret, cmp.Or(u.Host, "-"), cmp.Or(u.By, "-"), u.From)
			}
			return out.Flush()
		},
	}
}

// secretUse is a secret on a host.
type secretUse struct {
	Secret string `json:"secret"`
	Host   string `json:"host,omitempty"` // empty: nobody uses it
	By     string `json:"by,omitempty"`   // the objects, with commas
	From   string `json:"from"`
}

// secretUses lists uses by secret and host, then files that nobody uses.
func secretUses(graph *schema.Graph, files fs.FS) ([]secretUse, error) {
	type place struct{ secret, host string }
	by, from, used := map[place][]string{}, map[place]string{}, map[string]bool{}
	for _, node := range graph.Nodes {
		var spec any
		if err := json.Unmarshal(node.Spec, &spec); err != nil {
			return nil, fmt.Errorf("internal error: cannot read the spec of %s: %w", node.Instance, err)
		}
		eachSecret(spec, func(ref actuators.Secret) {
			at := place{ref.Name, node.Host}
			used[ref.Name] = true
			by[at] = append(by[at], string(node.ID))
			if from[at] = "/etc/plumb/secrets/" + ref.Name + " on the host"; ref.Sealed != "" {
				from[at] = schema.SecretDir + "/" + ref.Name + schema.SecretSuffix
			}
		})
	}
	var uses []secretUse
	for at, objects := range by {
		slices.Sort(objects)
		objects = slices.Compact(objects)
		if more := len(objects) - 3; more > 0 {
			objects = append(objects[:3], fmt.Sprintf("%d more", more))
		}
		uses = append(uses, secretUse{at.secret, at.host, strings.Join(objects, ", "), from[at]})
	}
	names, err := fs.Glob(files, schema.SecretDir+"/*"+schema.SecretSuffix)
	for _, file := range names {
		if name := strings.TrimSuffix(filepath.Base(file), schema.SecretSuffix); !used[name] {
			uses = append(uses, secretUse{Secret: name, From: file})
		}
	}
	slices.SortFunc(uses, func(a, b secretUse) int { return cmp.Or(cmp.Compare(a.Secret, b.Secret), cmp.Compare(a.Host, b.Host)) })
	return uses, err
}

// eachSecret finds all references to secrets in a spec.
func eachSecret(value any, visit func(actuators.Secret)) {
	switch v := value.(type) {
	case map[string]any:
		if name, ok := v["secret"].(string); ok {
			text, _ := v["sealed"].(string)
			visit(actuators.Secret{Name: name, Sealed: text})
		}
		for _, below := range v {
			eachSecret(below, visit)
		}
	case []any:
		for _, below := range v {
			eachSecret(below, visit)
		}
	}
}
