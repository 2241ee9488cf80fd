package hold

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// quiet is what the moves begin from: shared ground.
var quiet = ground.with("network", ground["network"]+`
	address: "edge2-app": {host: "edge2", interface: "eth1", address: "10.1.1.4/24", network: "app-boston"}`,
	"extra", `pool: extra: {host: "jino0", dir: "/var/lib/plumb/pools/extra"}`)

// move is a change of the whole site. Its parts share nothing, so that each is a lane or more of its own.
type move struct {
	name   string
	to     func(round int) topology
	after  map[string]string // the parts when it went through
	passed map[string]bool   // boundaries
	fails  bool              // it is taken back
}

var moves = []*move{
	{name: "make", to: made},
	{name: "change", to: changed},
	{name: "take the application away", to: func(round int) topology { return changed(round).with(without...) }},
	{name: "take the rest away", to: func(int) topology { return quiet }},
	{name: "restore", to: made},
	{name: "take the application away again", to: func(round int) topology { return made(round).with(without...) }},
	{name: "take the rest away again", to: func(int) topology { return quiet }},
	{name: "make what is refused", to: refused, fails: true},
	{name: "forget it", to: func(int) topology { return quiet }},
}

// without is a topology's with that takes the application away: all at once would be more than the limit lets go.
var without = []string{"disk", "", "vm", "", "nat", "", "record", ""}

// refused has a name that the server does not take at the end of a lane, so that all of it goes back.
func refused(round int) topology {
	vm := fmt.Sprintf("no%d", round)
	return quiet.with("disk", disk(vm+"-disk"), "vm", machine(vm, vm+"-disk", 12, `power: "stopped"`), "nat", forward("payroll", 80), "record", named("forbidden"))
}

// made has a VM and a disk of a name of its own in each round, or they would be restored and not made.
func made(round int) topology {
	vm := fmt.Sprintf("app%d", round)
	return quiet.with(
		"disk", disk(vm+"-disk"), "vm", machine(vm, vm+"-disk", 12, `stop: timeout: "1s"`), "nat", forward("payroll", 80), "record", named("payroll"),
		"spare", fmt.Sprintf(`volume: "spare%d": {pool: "extra", size: "8Mi"}`, round),
		"hollow", `pool: hollow: {host: "jino0", dir: "/var/lib/plumb/pools/hollow"}`,
		"firewall", `firewall: guard: {host: "edge2", interfaces: ["eth2"], default: "accept", deny: [{proto: "tcp", ports: [22]}]}`,
		"balancer", balanced("chance", "10.1.1.3"),
		"address", `address: more: {host: "edge2", interface: "eth1", address: "10.1.1.5/24", network: "app-boston"}`,
		"bridge", `bridge: lan: {host: "edge2", mtu: 1400}`,
		"vip", `vip: public: {hosts: ["edge1", "edge2"], interface: "eth2", address: "203.0.113.9/24", vrid: 51, advert: "200ms"}`)
}

func changed(round int) topology {
	vm := fmt.Sprintf("app%d", round)
	return made(round).with(
		"vm", strings.Replace(machine(vm, vm+"-disk", 12, `stop: timeout: "2s"`, "autostart: true"), `now: "128Mi"`, `now: "144Mi"`, 1),
		"nat", forward("payroll", 8080), "record", strings.Replace(named("payroll"), "ttl: 1", "ttl: 2", 1),
		"spare", strings.Replace(made(round)["spare"], "8Mi", "16Mi", 1),
		"firewall", strings.Replace(made(round)["firewall"], "22", "22, 23", 1),
		"balancer", balanced("source", "10.1.1.3", "10.1.1.7"),
		"address", strings.Replace(made(round)["address"], "10.1.1.5", "10.1.1.6", 1)+`
	address: backend: {host: "edge1", interface: "eth1", address: "10.1.1.7/24", network: "app-boston"}`,
		"bridge", `bridge: lan: {host: "edge2", mtu: 1300}`,
		"vip", strings.Replace(made(round)["vip"], "200ms", "300ms", 1))
}

func balanced(by string, backends ...string) string {
	var list []string
	for _, b := range backends {
		list = append(list, fmt.Sprintf(`{address: %q, port: 80}`, b))
	}
	return fmt.Sprintf(`balancer: web: {host: "edge2", public: "203.0.113.8", port: 80, network: "app-boston", by: %q, backends: [%s]}`, by, strings.Join(list, ", "))
}

// passes notes boundaries that were passed, and which others lie in them.
func (m *move) passes(boundaries []string) {
	if m.passed == nil {
		m.passed = map[string]bool{}
	}
	for _, b := range boundaries {
		m.passed[b] = true
		if verb, locked := strings.CutPrefix(b, "locked "); locked {
			m.passed["during "+verb] = true
		}
	}
}

// left are the boundaries of a move at which nobody was killed yet. Watches and stamps only give hints.
func (m *move) left(seen map[string]bool) (left []string) {
	for b := range m.passed {
		if verb := strings.Fields(b)[1]; !seen[b] && verb != "watch" && verb != "stamps" {
			left = append(left, b)
		}
	}
	return left
}

func allPassed() map[string]bool {
	all := map[string]bool{}
	for _, m := range moves {
		for _, b := range m.left(nil) {
			all[b] = true
		}
	}
	return all
}

// names differ between rounds, and so does the identity that is made of them.
var (
	names      = regexp.MustCompile(`\b(app|spare|no)[0-9]+`)
	identities = regexp.MustCompile(`uuid="[^"]*"|hash="[^"]*"|<uuid>.*|\b52(:[0-9a-f]{2}){5}`)
)

func nameless(text string) string {
	return identities.ReplaceAllString(names.ReplaceAllString(text, "$1"), "")
}

// parts are the live state of each part, by foreign tools. What was set aside in earlier rounds is left out.
func (e *executors) parts() map[string]string {
	e.t.Helper()
	vm := fmt.Sprintf("app%d", e.round)
	domain := e.on("jino0", "sh", "-c", `virsh -q domstate "$1" && virsh dumpxml --inactive "$1"; true`, "sh", vm)
	none := e.on("jino0", "sh", "-c", `virsh -q list --all --name | grep "^$1$"; ls "$2" 2>/dev/null; true`, "sh", fmt.Sprintf("no%d", e.round), fmt.Sprintf("%sno%d-disk.qcow2", pool, e.round))
	return map[string]string{
		"refused": nameless(none),
		"hollow":  e.on("jino0", "sh", "-c", "ls -A /var/lib/plumb/pools/hollow 2>/dev/null; true"),
		"application": nameless(domain) + e.on("jino0", "sh", "-c", `[ -e "$1" ] && qemu-img info -U "$1" | grep virtual; true`, "sh", pool+vm+"-disk.qcow2") +
			e.on("edge1", "sh", "-c", "nft -s list table ip plumb 2>/dev/null; true") +
			e.on("ns1", "kdig", "+noall", "+answer", "@127.0.0.1", "payroll.mycompany.com", "A"),
		"spare":    e.on("jino0", "sh", "-c", `qemu-img info -U "$1" 2>/dev/null | grep virtual; true`, "sh", fmt.Sprintf("/var/lib/plumb/pools/extra/spare%d.qcow2", e.round)),
		"firewall": e.on("edge2", "sh", "-c", "nft -s list table inet plumb_fw 2>/dev/null; true"),
		"balancer": sorted(e.on("edge2", "sh", "-c", "nft -s list table ip plumb 2>/dev/null; true")),
		"address":  strings.Join(e.addresses("edge2", "eth1"), " "),
		"bridge":   e.on("edge2", "sh", "-c", "cat /sys/class/net/lan/mtu 2>/dev/null; true"),
		"vip":      e.on("edge1", "sh", "-c", "cat /etc/keepalived/conf.d/* 2>/dev/null; true") + e.on("edge2", "sh", "-c", "cat /etc/keepalived/conf.d/* 2>/dev/null; true"),
	}
}

func sorted(text string) string {
	lines := strings.Split(text, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}
