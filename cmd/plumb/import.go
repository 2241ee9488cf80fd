package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/survey"
	"plumbline/schema"
)

func newImport(s *settings) *cobra.Command {
	var flags surveyFlags
	var out, site string
	var bare, force bool
	cmd := &cobra.Command{
		Use:   "import HOST...",
		Short: "Write CUE for what runs on hosts",
		Long: `Write CUE for what runs on hosts: pools, volumes, bridges, networks, addresses, VMs, NAT, firewalls, virtual addresses, and with --zone
zones and their records. Each host gets a package of its own, each object says manage: "observe", so that the plan is empty; "adopt"
takes an object over. What no declaration can say is not written; it is listed with the reason at the head of the file and on standard
error. What bears a mark is left to the repository that it is declared in. Hosts are reached as observe does, and nothing on them changes.`,
		Example: `  plumb import jino0 jino1                   writes jino0/jino0.cue, jino1/jino1.cue and main/main.cue, the site
  plumb import jino0 --site boston           of a site that is declared already
  plumb import ns1 --zone mycompany.com --key tsig-boston --out -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			hosts, err := s.surveyed(args, flags)
			if err != nil {
				return err
			}
			looks, err := s.survey(cmd, hosts)
			if err != nil {
				return err
			}
			writer, err := schema.NewWriter()
			if err != nil {
				return err
			}
			answered := slices.DeleteFunc(hosts, func(h reconcile.Surveyed) bool { return unreached(looks, h.Host) })
			files, err := importFiles(writer, survey.Declare(all.Registry(), writer, looks), answered, site, bare)
			if err != nil {
				return err
			}
			s.exact = out == "-"
			if err := files.write(cmd, out, force); err != nil {
				return err
			}
			return exits(blind(cmd, looks))
		},
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&out, "out", ".", "directory that the packages are written to; - prints them")
	cmd.Flags().StringVar(&site, "site", "", `the site that the hosts stand in, which is declared already (default: a new one, "main")`)
	cmd.Flags().BoolVar(&bare, "bare", false, "write neither site nor hosts: they are declared already")
	cmd.Flags().BoolVar(&force, "force", false, "write over files that are there")
	return cmd
}

// newSite is the site that is written when none is named.
const newSite = "main"

// written is the files of an import by their names, and what is to be told beside them.
type written struct {
	names  []string
	texts  map[string][]byte
	kept   map[string]bool // files that are left as they are when they are there
	left   []survey.Left
	counts string
}

var unfitPackage = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// packageName makes a host's name one that a CUE package may have.
func packageName(host string) string {
	name := strings.Trim(unfitPackage.ReplaceAllString(host, "_"), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = "host_" + name
	}
	return name
}

func importFiles(w *schema.Writer, r survey.Result, hosts []reconcile.Surveyed, site string, bare bool) (*written, error) {
	f := &written{texts: map[string][]byte{}, kept: map[string]bool{}, left: r.Left, counts: plural(len(r.Objects), "object")}
	if site == "" && !bare && len(hosts) > 0 {
		site = newSite
		text, err := w.Object(schema.Written{ID: schema.MakeID("site", site), Spec: []byte(`{}`)})
		if err == nil {
			err = f.add(site, "The site of the hosts that were imported.", []string{text})
		}
		if err != nil {
			return nil, err
		}
		f.kept[f.names[0]] = true
	}
	for _, h := range hosts {
		var objects []string
		if !bare {
			text, err := hostObject(w, h, site)
			if err != nil {
				return nil, err
			}
			objects = append(objects, text)
		}
		for _, o := range r.Objects {
			if o.At == h.Host {
				objects = append(objects, o.Text)
			}
		}
		if err := f.add(h.Host, preface(h.Host, r.Left), objects); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func hostObject(w *schema.Writer, h reconcile.Surveyed, site string) (string, error) {
	spec := fmt.Sprintf(`{"site":%q}`, site)
	if h.SSH != "" {
		spec = fmt.Sprintf(`{"site":%q,"ssh":%q}`, site, h.SSH)
	}
	return w.Object(schema.Written{ID: schema.MakeID("host", h.Host), Manage: schema.Observe, Spec: []byte(spec)})
}

func (f *written) add(name, comment string, objects []string) error {
	text, err := schema.Package(packageName(name), comment, objects)
	if err != nil {
		return fmt.Errorf("internal error: cannot lay out what was imported: %w", err)
	}
	file := filepath.Join(name, name+".cue")
	f.names, f.texts[file] = append(f.names, file), text
	return nil
}

// preface tells what a file is and what of its host is not in it.
func preface(host string, left []survey.Left) string {
	text := "What runs on " + host + ", as \"plumb import\" found it. It is only observed; manage: \"adopt\" takes an object over.\n"
	first := true
	for _, l := range left {
		if l.Instance.Host != host {
			continue
		}
		if first {
			text += "\nNot declared:\n"
			first = false
		}
		text += "  " + string(l.Instance.ID) + ": " + strings.Join(strings.Fields(l.Reason), " ") + "\n"
	}
	return text
}

func (f *written) write(cmd *cobra.Command, out string, force bool) error {
	for _, l := range f.left {
		cmd.PrintErrf("not declared: %s: %s\n", l.Instance, l.Reason)
	}
	if out == "-" {
		for _, name := range f.names {
			if len(f.names) > 1 {
				fmt.Fprintf(cmd.OutOrStdout(), "-- %s --\n", name)
			}
			cmd.OutOrStdout().Write(f.texts[name])
		}
		return nil
	}
	var names []string
	for _, name := range f.names {
		_, err := os.Stat(filepath.Join(out, name))
		switch {
		case err == nil && f.kept[name]:
			cmd.PrintErrf("%s is there and stays as it is\n", filepath.Join(out, name))
			continue
		case err == nil && !force:
			return fail(exitError, "%s is there already; move it, choose another directory with --out, or say --force", filepath.Join(out, name))
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return err
		}
		names = append(names, name)
	}
	for _, name := range names {
		path := filepath.Join(out, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, f.texts[name], 0o644); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), path)
	}
	cmd.PrintErrf("%s declared, %s not\n", f.counts, plural(len(f.left), "thing"))
	return nil
}
