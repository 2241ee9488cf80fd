package hold

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// looks are how a host is seen by its own tools.
var looks = map[string]string{
	"jino0": `for d in $(virsh -q list --all --name); do echo "$d $(virsh -q domstate $d)"; virsh -q dominfo $d | grep -E 'CPU\(s\)|Autostart|Persistent'; virsh -q dumpxml --inactive $d; virsh -q domblklist $d; virsh -q domiflist $d | sed 's/^ *[^ ]*//'; done
		for n in $(virsh -q net-list --all --name); do virsh net-info $n | grep -v UUID; virsh net-dumpxml --inactive $n; done
		for f in /var/lib/plumb/pools/*/* /var/lib/plumb/pools/*/.[a-z]* /srv/pools/*/* /var/lib/plumb/images/*; do [ -f "$f" ] && echo "$f" && case $f in *.plumb-retired-*) ;; *.json|*/.*) cat "$f";; *.qcow2|*.img) qemu-img info -U "$f" | grep virtual;; esac; done
		ls -d /var/lib/plumb/pools/* 2>/dev/null | cat; ls -d /srv/pools/*;` + linksLook,
	"edge1": packetLook + linksLook,
	"edge2": packetLook + linksLook,
	"ns1":   `knotc zone-read mycompany.com | sed 's/^.[^ ]*. //' | grep -v SOA;` + linksLook,
}

const (
	linksLook = `
		ip -4 -o address show | sed 's/^[0-9]*: //; s/valid_lft.*//' | grep -v vnet
		for l in $(ls /sys/class/net | grep -v vnet); do echo "$l $(cat /sys/class/net/$l/mtu) $(( $(cat /sys/class/net/$l/flags) & 1 )) $(cat /sys/class/net/$l/ifalias) $(readlink /sys/class/net/$l/master)"; done; true`
	packetLook = `nft -s list ruleset; cat /etc/keepalived/keepalived.conf; for f in /etc/keepalived/conf.d/*; do echo "$f"; cat "$f"; done; cat /proc/sys/net/ipv4/ip_forward; systemctl is-active keepalived;`
)

var (
	stamps = regexp.MustCompile(`plumb-retired-[0-9TZ.-]+`)
	// passing is what comes and goes: who of several holds an address, and the hull that libvirt keeps around a mark that is gone.
	passing = regexp.MustCompile(`inet 203\.0\.113\.(9|10)/24|^ *<metadata/>$`)
	ids     = regexp.MustCompile(`vnet[0-9]+`)
)

// everything is the live state of the whole site, by foreign tools.
func (e *executors) everything() string {
	e.t.Helper()
	var out strings.Builder
	for _, host := range []string{"jino0", "edge1", "edge2", "ns1"} {
		for _, line := range strings.Split(e.on(host, "sh", "-c", "("+looks[host]+") 2>&1; true"), "\n") {
			if passing.MatchString(line) {
				continue
			}
			fmt.Fprintf(&out, "%s %s\n", host, ids.ReplaceAllString(stamps.ReplaceAllString(line, "plumb-retired-"), "vnet"))
		}
	}
	lines := strings.Split(out.String(), "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// difference is what of two looks differs, by line.
func difference(before, after string) string {
	a, b := strings.Split(before, "\n"), strings.Split(after, "\n")
	var out []string
	for _, line := range a {
		if !slices.Contains(b, line) {
			out = append(out, "- "+line)
		}
	}
	for _, line := range b {
		if !slices.Contains(a, line) && !strings.Contains(line, ".plumb-retired-") { // what was written meanwhile is set aside, and not destroyed
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}
