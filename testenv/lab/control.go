package lab

import (
	"fmt"
	"os"
	"strings"
)

// Control is the handle of a service on a host.
type Control struct {
	lab           *Lab
	host, service string
}

// Service returns the handle of a service on a host.
func (l *Lab) Service(host, name string) Control { return Control{l, host, name} }

// Start starts the service and waits until it answers.
func (c Control) Start() error { return c.do("start") }

// Stop ends it gracefully, or by force after 5 s.
func (c Control) Stop() error { return c.do("stop") }

// Restart stops and starts it.
func (c Control) Restart() error { return c.do("restart") }

// Reload sends SIGHUP.
func (c Control) Reload() error { return c.do("reload") }

// Kill sends SIGKILL, also to the children in its process group (QEMU is not among those of libvirtd).
func (c Control) Kill() error { return c.do("kill") }

// Freeze stops its main process where it stands (SIGSTOP), with all of its threads.
func (c Control) Freeze() error { return c.do("freeze") }

// Thaw lets it go on.
func (c Control) Thaw() error { return c.do("thaw") }

// State tells whether it runs.
func (c Control) State() (ServiceState, error) {
	r, err := ask(c.lab.socket(c.host), request{Verb: "status"})
	if err != nil {
		return ServiceState{}, fmt.Errorf("cannot ask %s about %s: %w", c.host, c.service, err)
	}
	return r.Services[c.service], nil
}

func (c Control) do(action string) error {
	_, err := ask(c.lab.socket(c.host), request{Verb: "service", Service: c.service, Action: action})
	if err != nil {
		return fmt.Errorf("cannot %s %s on %s: %w", action, c.service, c.host, err)
	}
	return nil
}

// systemctl stands in for systemd's command inside a host. It knows the verbs that
// actuators use, and answers with the exit codes of systemctl(1).
func systemctl(args []string) int {
	var words []string
	now := false
	for _, a := range args {
		if !strings.HasPrefix(a, "-") {
			words = append(words, a)
		}
		now = now || a == "--now"
	}
	if len(words) == 0 || words[0] == "daemon-reload" {
		return 0
	}
	verb, units := words[0], words[1:]
	code := 0
	for _, unit := range units {
		if c := systemctlUnit(verb, strings.TrimSuffix(unit, ".service"), now); c != 0 {
			code = c
		}
	}
	return code
}

// units maps Debian's unit names to services where they differ.
var units = map[string]string{"named": "bind", "bind9": "bind", "knotd": "knot"}

func systemctlUnit(verb, unit string, now bool) int {
	name := unit
	if alias, ok := units[unit]; ok {
		name = alias
	}
	r, err := ask(hostSocket, request{Verb: "status"})
	if err != nil {
		fmt.Fprintln(os.Stderr, "cannot reach pid 1:", err)
		return 1
	}
	state, known := r.Services[name]
	if !known {
		fmt.Fprintf(os.Stderr, "Unit %s.service could not be found.\n", unit)
		return 4
	}
	switch verb {
	case "is-active", "status":
		if state.Pid == 0 {
			fmt.Println("inactive")
			return 3
		}
		fmt.Println("active")
		return 0
	case "is-enabled":
		fmt.Println("enabled")
		return 0
	case "enable", "disable":
		if !now {
			return 0
		}
		verb = map[string]string{"enable": "start", "disable": "stop"}[verb]
	case "reload-or-try-restart", "try-reload-or-restart", "try-restart":
		if state.Pid == 0 {
			return 0
		}
		verb = "reload-or-restart"
	}
	if _, err := ask(hostSocket, request{Verb: "service", Service: name, Action: verb}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}
