package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plumbline/reconcile/run"
	"plumbline/schema"
	"plumbline/testenv/lab"
)

// commands lists every command that people see.
func commands(cmd *cobra.Command) []*cobra.Command {
	all := []*cobra.Command{cmd}
	for _, child := range cmd.Commands() {
		if !child.Hidden && child.Name() != "help" && child.Name() != "completion" {
			all = append(all, commands(child)...)
		}
	}
	return all
}

func TestEveryCommandExplainsItself(t *testing.T) {
	for _, cmd := range commands(newRoot(&settings{})) {
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") {
			t.Errorf("%s: short text %q", path, cmd.Short)
		}
		if !strings.Contains(cmd.Example, path) && !strings.Contains(cmd.Example, "plumb") {
			t.Errorf("%s has no example", path)
		}
		for _, line := range strings.Split(cmd.Long+"\n"+cmd.Example, "\n") {
			if len(line) > 140 {
				t.Errorf("%s: a line of %d characters in its help", path, len(line))
			}
		}
		cmd.LocalNonPersistentFlags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden && f.Usage == "" {
				t.Errorf("%s --%s is not explained", path, f.Name)
			}
		})
	}
}

// TestEveryExampleIsUnderstood parses the commands of all examples: the command exists, and so does each flag.
func TestEveryExampleIsUnderstood(t *testing.T) {
	for _, cmd := range commands(newRoot(&settings{})) {
		for _, line := range strings.Split(cmd.Example, "\n") {
			for _, part := range strings.FieldsFunc(line, func(r rune) bool { return r == '|' || r == '&' || r == '>' || r == '"' || r == '\'' }) {
				words := strings.Fields(part)
				if len(words) < 2 || words[0] != "plumb" {
					continue
				}
				root := newRoot(&settings{})
				found, rest, err := root.Find(words[1:])
				if err != nil || found == root {
					t.Errorf("example %q of %s: %v", part, cmd.CommandPath(), err)
					continue
				}
				for _, word := range rest {
					name, ok := strings.CutPrefix(word, "--")
					name, _, _ = strings.Cut(name, "=")
					if ok && found.Flag(name) == nil {
						t.Errorf("example %q of %s: no flag --%s", part, cmd.CommandPath(), name)
					}
				}
			}
		}
	}
}

func TestTheManualCoversEveryCommand(t *testing.T) {
	dir := t.TempDir()
	root := newRoot(&settings{})
	if err := writePages(dir, root); err != nil {
		t.Fatal(err)
	}
	for _, cmd := range commands(root) {
		page, err := os.ReadFile(filepath.Join(dir, strings.ReplaceAll(cmd.CommandPath(), " ", "-")+".1"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, section := range []string{".TH", ".SH NAME", ".SH SYNOPSIS", ".SH EXAMPLES", ".SH EXIT STATUS"} {
			if !strings.Contains(string(page), section) {
				t.Errorf("the page of %s has no %s", cmd.CommandPath(), section)
			}
		}
	}
}

func TestTextIsNotTakenForRoff(t *testing.T) {
	if got, want := roff(".x\n'y\na-b\\c"), `\&.x`+"\n"+`\&'y`+"\n"+`a\-b\ec`; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestDurationsAreHuman(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 1500 * time.Millisecond: "1 s", 61 * time.Second: "1 min", 90 * time.Minute: "1 h 30 min",
		49 * time.Hour: "2 days",
	} {
		if got := since(d); got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}

func TestResultsBecomeExitCodes(t *testing.T) {
	lane := func(o run.Outcome, c run.Cause) run.LaneResult {
		return run.LaneResult{Objects: []schema.Instance{{ID: "vm/x", Host: "h"}}, Outcome: o, Cause: c}
	}
	done, back := lane(run.LaneApplied, ""), lane(run.LaneRolledBack, run.CauseError)
	held, stale := lane(run.LaneHeld, ""), lane(run.LaneNotRun, run.CauseChanged)
	stopped := lane(run.LaneRolledBack, run.CauseStopped)
	left := []run.Residue{{Step: "s"}}
	for _, c := range []struct {
		say     string
		lanes   []run.LaneResult
		residue []run.Residue
		want    int
	}{
		{"nothing to do", nil, nil, exitOK},
		{"applied", []run.LaneResult{done}, nil, exitOK},
		{"rolled back", []run.LaneResult{back}, nil, exitRolledBack},
		{"partly", []run.LaneResult{done, back}, nil, exitRolledBack},
		{"partly, with one held", []run.LaneResult{held, back, stale}, nil, exitRolledBack},
		{"with residue", []run.LaneResult{done, back}, left, exitResidue},
		{"held", []run.LaneResult{held, done}, nil, exitRefused},
		{"changed meanwhile", []run.LaneResult{stale}, nil, exitStale},
		{"stopped", []run.LaneResult{stopped}, nil, exitInterrupt},
	} {
		if got := resultCode(run.Result{Lanes: c.lanes, Residue: c.residue}); got != c.want {
			t.Errorf("%s: exit code %d, want %d", c.say, got, c.want)
		}
	}
}

func TestTheLaboratoryIsATable(t *testing.T) {
	var text strings.Builder
	err := writeHosts(&text, []lab.HostStatus{
		{Name: "jino0", Up: true, Address: "10.0.0.1", Pid: 7, Services: map[string]lab.ServiceState{"libvirtd": {Pid: 9}, "dnsmasq": {}}},
		{Name: "edge1"},
	})
	want := "HOST   STATE  ADDRESS   PID  SERVICES\njino0  up     10.0.0.1  7    dnsmasq (ended), libvirtd\nedge1  down   -         -    -\n"
	if err != nil || text.String() != want {
		t.Errorf("%v\n%s", err, text.String())
	}
}
