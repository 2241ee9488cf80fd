package who

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

// Libvirt is the source of the logs of libvirtd and of each of its machines.
const Libvirt = "libvirt"

// Of a machine's own log: how libvirt ended it, and whose signal its process got.
//
//	2026-11-23 06:04:14.663+0000: shutting down, reason=destroyed
//	2026-11-23T06:04:14.663000Z qemu-system-x86_64: terminating on signal 15 from pid 812 (bash)
var (
	shutDown = regexp.MustCompile(`^(\S+ \S+): shutting down, reason=(\w+)`)
	signal   = regexp.MustCompile(`^(\S+Z) \S+: terminating on signal (\d+) from pid (\d+) \((.*)\)$`)
	// Of libvirtd's log, where it is at info: who opened a connection that may change things.
	//	2026-11-23 06:04:14.663+0000: 1234: info : remoteDispatchAuthList:3456 : Bypass polkit auth for privileged client pid:777,uid:0
	client = regexp.MustCompile(`^(\S+ \S+): \d+: \w+ : \w+:\d+ : .*\bclient pid:(\d+),uid:(\d+)`)
)

const libvirtTime = "2006-01-02 15:04:05.000-0700"

// machines reads the logs of the machines that are asked for.
func machines(root string, q Query) (out []Trace) {
	for _, name := range q.Names {
		if name == "" || strings.ContainsAny(name, "/\x00") {
			continue
		}
		out = append(out, machine(name, tail(filepath.Join(root, "var/log/libvirt/qemu", name+".log"), 64<<10))...)
	}
	return out
}

func machine(name string, log []byte) (out []Trace) {
	for line := range strings.Lines(string(log)) {
		line = strings.TrimRight(line, "\n")
		if m := shutDown.FindStringSubmatch(line); m != nil {
			if at, err := time.Parse(libvirtTime, m[1]); err == nil {
				out = append(out, Trace{At: at, Source: Libvirt, Names: []string{name}, How: "libvirt ended it: " + m[2]})
			}
		}
		m := signal.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		at, err := time.Parse(time.RFC3339Nano, m[1])
		if err != nil {
			continue
		}
		t := Trace{At: at, Source: Libvirt, Names: []string{name}, PID: number(m[3])}
		if by := filepath.Base(m[4]); by != "libvirtd" && by != "virtqemud" { // it only does what its client wants
			t.Actor = fmt.Sprintf("process %s (%s)", by, m[3])
			if m[4] == "" { // it had ended when QEMU looked
				t.Actor = "process " + m[3]
			}
			t.How = "its process got signal " + m[2]
		}
		out = append(out, t)
	}
	return out
}

// clients are those that libvirtd names.
func clients(log []byte, people map[string]string) (out []Trace) {
	for line := range strings.Lines(string(log)) {
		m := client.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		if at, err := time.Parse(libvirtTime, m[1]); err == nil {
			out = append(out, Trace{At: at, Source: Libvirt, PID: number(m[2]), Tool: "virsh", Actor: fmt.Sprintf("%s by process %s", person(people, m[3]), m[2])})
		}
	}
	return out
}
