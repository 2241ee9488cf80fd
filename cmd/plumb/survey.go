package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"

	"plumbline/actuators"
	"plumbline/actuators/all"
	"plumbline/reconcile"
	"plumbline/reconcile/diff"
	"plumbline/schema"
)

// surveyFlags are what observe and import are told beside hosts.
type surveyFlags struct {
	zones          []string
	server, key    string
	secret, method string
}

func (f *surveyFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.zones, "zone", nil, "a DNS zone to look at, too: ZONE, or ZONE@HOST when there are several hosts")
	cmd.Flags().StringVar(&f.server, "server", "127.0.0.1:53", "the server of the zones, as the host sees it")
	cmd.Flags().StringVar(&f.key, "key", "", "the name of the TSIG key that may transfer the zones")
	cmd.Flags().StringVar(&f.secret, "key-secret", "", "the name of the host's secret that holds the key (default: that of the key)")
	cmd.Flags().StringVar(&f.method, "key-algorithm", "hmac-sha256", "how the key signs")
}

// surveyed is what the arguments ask to look at. The name of a host is what follows "user@"; localhost is this machine.
func (s *settings) surveyed(args []string, f surveyFlags) ([]reconcile.Surveyed, error) {
	var hosts []reconcile.Surveyed
	for _, arg := range args {
		h := reconcile.Surveyed{Host: arg, Targets: map[string][]actuators.Target{}}
		if at := strings.LastIndexByte(arg, '@'); at >= 0 {
			h.Host, h.SSH = arg[at+1:], arg
		}
		if h.Host == "localhost" {
			name, err := s.here()
			if err != nil {
				return nil, err
			}
			h.Host, h.SSH = name, ""
		}
		if !schema.ValidName(h.Host) {
			return nil, fail(exitError, "%q is no name of a host; name it in ssh_config, or in transports of %s", arg, s.configFile)
		}
		if !slices.ContainsFunc(hosts, func(other reconcile.Surveyed) bool { return other.Host == h.Host }) {
			hosts = append(hosts, h)
		}
	}
	for _, zone := range f.zones {
		if err := f.ask(hosts, zone); err != nil {
			return nil, err
		}
	}
	return hosts, nil
}

// here is the topology's name of this machine: as the controller's file says, or as it calls itself.
func (s *settings) here() (string, error) {
	if s.config.Local == "" {
		name, err := os.Hostname()
		if err != nil {
			return "", fmt.Errorf("cannot tell the name of this machine: %w", err)
		}
		s.config.Local, _, _ = strings.Cut(name, ".")
	}
	return s.config.Local, nil
}

// ask adds a zone, and all records in it, to what its host is asked for.
func (f surveyFlags) ask(hosts []reconcile.Surveyed, zone string) error {
	name, host, named := strings.Cut(zone, "@")
	at := slices.IndexFunc(hosts, func(h reconcile.Surveyed) bool { return h.Host == host || !named && len(hosts) == 1 })
	switch {
	case at < 0 && named:
		return fail(exitError, "--zone %s: %s is not among the hosts that are looked at", zone, host)
	case at < 0:
		return fail(exitError, "--zone %s: say which of the hosts asks its server: --zone %s@%s", zone, zone, hosts[0].Host)
	case f.key == "":
		return fail(exitError, "--zone %s: name the TSIG key that may transfer it with --key", zone)
	}
	secret := f.secret
	if secret == "" {
		secret = f.key
	}
	key := fmt.Sprintf(`{"name":%q,"secret":%q,"algorithm":%q}`, f.key, secret, f.method)
	into := hosts[at].Targets
	into["zone"] = append(into["zone"], actuators.Target{ID: schema.MakeID("zone", name), Spec: fmt.Appendf(nil, `{"server":%q,"key":%s}`, f.server, key)})
	into["record"] = append(into["record"], actuators.Target{ID: schema.MakeID("record", name),
		Spec: fmt.Appendf(nil, `{"zone":%q,"resolved":{"server":{"address":%q,"zone":%q,"key":%s}}}`, name, f.server, name, key)})
	return nil
}

// survey looks at hosts without repository and store.
func (s *settings) survey(cmd *cobra.Command, hosts []reconcile.Surveyed) ([]*diff.Look, error) {
	c := reconcile.New(reconcile.Options{Config: s.config, Kinds: all.Registry(), Log: zerolog.Nop(), Version: version, Dial: s.dialer()})
	defer c.Close()
	stop := waiting(cmd, "looking at "+plural(len(hosts), "host"))
	defer stop()
	looks := c.Survey(cmd.Context(), hosts)
	return looks, undisturbed(cmd, nil)
}

// blind tells on stderr what could not be looked at: a host once, when nothing of it could.
func blind(cmd *cobra.Command, looks []*diff.Look) int {
	failed := map[string]map[string][]string{} // host → error → kinds
	seen := map[string]int{}
	for _, look := range looks {
		seen[look.Host]++
		if look.Err != "" {
			if failed[look.Host] == nil {
				failed[look.Host] = map[string][]string{}
			}
			failed[look.Host][look.Err] = append(failed[look.Host][look.Err], look.Kind)
		}
	}
	var lines []string
	for host, errs := range failed {
		for text, kinds := range errs {
			what := host + ": " + strings.Join(kinds, ", ") + ": "
			if len(kinds) == seen[host] {
				what = host + ": "
			}
			lines = append(lines, what+text)
		}
	}
	slices.Sort(lines)
	for _, line := range lines {
		cmd.PrintErrln("plumb: " + line)
	}
	if len(lines) > 0 {
		return exitIncomplete
	}
	return exitOK
}

// unreached tells whether nothing of a host could be looked at.
func unreached(looks []*diff.Look, host string) bool {
	return !slices.ContainsFunc(looks, func(l *diff.Look) bool { return l.Host == host && l.Err == "" })
}

// ownership says whose marked and unmarked things are.
type ownership struct{ installation string }

// owners reads whose marks are ours from the controller or its state, if there is one: nobody needs one to look.
func (s *settings) owners(ctx context.Context) ownership {
	memory, done, err := s.memory(ctx)
	if err != nil || memory == nil {
		return ownership{}
	}
	defer done()
	return ownership{memory.Installation()}
}

const foreign = "foreign"

func (o ownership) of(one actuators.Observed) string {
	switch {
	case one.Mark == nil:
		return foreign
	case o.installation != "" && one.Mark.Installation == o.installation:
		return "ours"
	}
	return "installation " + one.Mark.Installation
}
