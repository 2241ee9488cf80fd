package hold

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// nothingLeft wants no trace of who was killed: no step that waits for a confirmation beyond its deadline, no watcher, and on no
// host a process that nobody waits for, as /proc has it.
func (s *scene) nothingLeft() {
	s.t.Helper()
	s.until(deadline+10*time.Second, func() error {
		for host, namespace := range s.namespaces() {
			records, err := filepath.Glob(s.file(host, "/var/lib/plumb/exec/confirm") + "/*.json")
			if err != nil || len(records) > 0 {
				return fmt.Errorf("%s: %q wait for a confirmation (%v)", host, records, err)
			}
			if left := strays(namespace); len(left) > 0 {
				return fmt.Errorf("%s: left behind: %q", host, left)
			}
		}
		return nil
	})
}

// namespaces are the process namespaces of the hosts.
func (s *scene) namespaces() map[string]string {
	s.t.Helper()
	out := map[string]string{}
	for _, h := range s.Lab.Config.Hosts {
		out[h.Name] = strings.TrimSpace(s.on(h.Name, "readlink", "/proc/self/ns/pid"))
	}
	return out
}

// daemons are what may run on a host for itself: services of the laboratory and what they start. Everything else there has a
// parent that waits for it.
var daemons = []string{"libvirtd", "qemu-system-x86", "knotd", "keepalived", "busybox", "dnsmasq"}

// strays lists the processes of a namespace that are children of its first one and neither that nor a daemon nor an executor
// with a connection, which ends with it; and the watchers.
func strays(namespace string) (left []string) {
	all, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range all {
		if at, _ := os.Readlink(dir + "/ns/pid"); at != namespace {
			continue
		}
		status, _ := os.ReadFile(dir + "/status") // it may end while it is looked at
		command, _ := os.ReadFile(dir + "/cmdline")
		words := strings.ReplaceAll(strings.TrimRight(string(command), "\x00"), "\x00", " ")
		inner, parent := numbers(string(status))
		switch {
		case inner == "" || inner == "1" || words == "":
		case strings.Contains(words, "--watch-confirm"):
			left = append(left, words)
		case parent != first(all, namespace) || strings.Contains(words, "exec --stdio"):
		case !isDaemon(words):
			left = append(left, words)
		}
	}
	return left
}

func isDaemon(words string) bool {
	name := filepath.Base(strings.Fields(words)[0])
	for _, d := range daemons {
		if strings.HasPrefix(name, d) {
			return true
		}
	}
	return false
}

// first is the number of the first process of a namespace, as this machine counts.
func first(all []string, namespace string) string {
	for _, dir := range all {
		if at, _ := os.Readlink(dir + "/ns/pid"); at == namespace {
			status, _ := os.ReadFile(dir + "/status")
			if inner, _ := numbers(string(status)); inner == "1" {
				return filepath.Base(dir)
			}
		}
	}
	return ""
}

// numbers reads a process's number within its namespace and its parent's on this machine from /proc/PID/status.
func numbers(status string) (inner, parent string) {
	for line := range strings.Lines(status) {
		f := strings.Fields(line)
		switch {
		case len(f) > 1 && f[0] == "NSpid:":
			inner = f[len(f)-1]
		case len(f) > 1 && f[0] == "PPid:":
			parent = f[1]
		}
	}
	return inner, parent
}
