package hold

import (
	"fmt"
	"regexp"
	"strings"
)

// guestActs are about what a hypervisor serves.
func guestActs() []*act {
	base := quiet.with("side", `bridge: side: {host: "jino0"}
	bridge: far: {host: "jino0"}`)
	vm := machine("pay", "pay-disk", 12, `ready: {tcp: 80, timeout: "60s"}`, "autostart: true", `stop: timeout: "1s"`)
	made := base.with("disk", disk("pay-disk"), "vm", vm, "files", `volume: spare: {pool: "extra", size: "8Mi"}
	volume: second: {pool: "vmdisks", size: "8Mi"}
	pool: hollow: {host: "jino0", dir: "/var/lib/plumb/pools/hollow"}`,
		"net", `network: side: {host: "jino0", bridge: "side", cidr: "10.2.0.0/24"}`, "other", other("other"))
	changed := made.with("vm", edit(vm, `ready: {tcp: 80, timeout: "60s"}`, "", "autostart: true", "", "1s", "2s", `"128Mi"`, `"144Mi"`, `}]
		nics`, `}, {volume: "second"}]
		nics`, `.12"}]`, `.12"}, {bridge: "far"}]`),
		"net", edit(made["net"], `bridge: "side"`, `bridge: "far"`), "other", other("otherwise"))
	again := changed.with("vm", edit(changed["vm"], `, {volume: "second"}`, "", `, {bridge: "far"}`, "", `.12"`, `.13"`))
	mended := again.with("vm", edit(again["vm"], "stop: ", `ready: tcp: 80
		stop: `), "net", edit(again["net"], `0/24"`, `0/24", gateway: "10.2.0.1"`),
		"side", edit(again["side"], `far: {host: "jino0"`, `far: {host: "jino0", mtu: 1500`))
	named := mended.with("vm", edit(again["vm"], `vm: "pay": {`, `vm: "wages": {
		was: "pay"`), "files", edit(mended["files"], "volume: spare: {", `volume: scrap: {was: "spare", `), "other", edit(mended["other"], "image: other: {", `image: another: {was: "other", `))
	foreign := base.with("theirs", `network: theirs: {host: "jino0", bridge: "theirs", cidr: "10.3.0.0/24", manage: "adopt"}
	bridge: theirs: {host: "jino0", manage: "adopt"}
	address: theirs: {host: "jino0", interface: "theirs", address: "10.3.0.1/24", manage: "adopt"}
	pool: theirs: {host: "jino0", dir: "/srv/pools/theirs", manage: "adopt"}
	volume: theirs: {pool: "theirs", size: "8Mi", manage: "adopt"}
	vm: theirs: {host: "jino0", cpu: now: 1, memory: now: "64Mi", power: "stopped", accel: "tcg", manage: "adopt"}`,
		"file", edit(other("otherwise"), "image: other: {", `image: theirs: {manage: "adopt", `))
	return []*act{
		{name: "make", by: map[string]string{"jino0": "echo other >/srv/other; echo otherwise >/srv/otherwise"}, to: made},
		{name: "change", to: changed},
		{name: "change what needs a restart", to: again},
		{name: "mend", by: map[string]string{"jino0": `virsh -q undefine pay; ip link set $(virsh -q domiflist pay | awk '{print $1; exit}') nomaster; virsh -q net-destroy side; ip link set far down`}, to: mended},
		{name: "rename", to: named},
		{name: "take away", to: base},
		{name: "restore", to: named},
		{name: "take away again", to: base, once: true},
		{name: "adopt", by: map[string]string{"jino0": `ip link add theirs type bridge; ip link set theirs up; ip address add 10.3.0.1/24 dev theirs
			echo '` + edit(theirNetwork, "their-net", "theirs", `"app"`, `"theirs"`) + `' >/tmp/n.xml; virsh -q net-define /tmp/n.xml; virsh -q net-start theirs; virsh -q net-autostart theirs
			mkdir -p /srv/pools/theirs; qemu-img create -q -f qcow2 /srv/pools/theirs/theirs.qcow2 8M; cp /srv/otherwise /var/lib/plumb/images/theirs.img
			echo '` + edit(strangerXML, "stranger", "theirs") + `' >/tmp/x.xml; virsh -q define /tmp/x.xml`}, to: foreign},
	}
}

// other is an image that no disk is made of.
func other(content string) string {
	sums := map[string]string{"other": "7e4fa2eb8c7ac089739d5defc4489fad68a100d92082ca35c6b40a4524821f87", "otherwise": "d0046310a0d7a9500e07c8882183e9cd81eda6fc287cea4deea902ea479a310d"}
	return fmt.Sprintf(`image: other: {host: "jino0", source: "file:///srv/%s", sha256: %q}`, content, sums[content])
}

// edit replaces pairs of texts, each of which must be there.
func edit(text string, pairs ...string) string {
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			panic(fmt.Sprintf("%q is not in %s", pairs[i], text))
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return text
}

// packetActs are about what edges and name servers serve.
func packetActs() []*act {
	const cards = `for card in card0 card1; do ip link add $card type veth peer name far-$card; ip link set $card up; ip link set far-$card up; done`
	base := quiet.with("stays", `vip: stays: {hosts: ["edge1", "edge2"], interface: "eth2", address: "203.0.113.10/24", vrid: 52, advert: "200ms"}
	network: cards: {host: "jino0", bridge: "app", cidr: "10.5.0.0/24"}`)
	made := base.with("nat", `nat: pay: {host: "edge1", public: "203.0.113.3", to: "10.1.1.4", network: "app-boston", ports: [80]}`,
		"firewall", `firewall: guard: {host: "edge2", interfaces: ["eth2"], default: "accept", deny: [{proto: "tcp", ports: [22]}]}`,
		"balancer", balanced("chance", "10.1.1.3"), "address", `address: more: {host: "edge2", interface: "card0", address: "10.5.0.1/24"}`,
		"bridge", `bridge: lan: {host: "edge2", interface: "lan0", mtu: 1400}`, "record", named("pay"),
		"vip", `vip: public: {hosts: ["edge1", "edge2"], interface: "eth2", address: "203.0.113.9/24", vrid: 51, advert: "200ms"}`)
	changed := made.with("nat", edit(made["nat"], "[80]", "[8080, 8081]"), "firewall", edit(made["firewall"], "22", "22, 23"), "balancer", balanced("source", "10.1.1.7"),
		"address", edit(made["address"], "10.5.0.1", "10.5.0.2"), "bridge", edit(made["bridge"], "1400", `1300, ports: ["card1"]`),
		"record", edit(made["record"], "ttl: 1", "ttl: 2"), "vip", edit(made["vip"], "200ms", "300ms"),
		"backend", `address: backend: {host: "edge1", interface: "eth1", address: "10.1.1.7/24", network: "app-boston"}`)
	mended := changed.with("nat", edit(changed["nat"], "[8080, 8081]", "[8081, 8080]"), "balancer", edit(changed["balancer"], "by:", `check: timeout: "31s", by:`), "bridge", edit(changed["bridge"], "mtu: 1300, ", ""),
		"address", edit(changed["address"], `.2/24"`, `.2/24", network: "cards"`), "vip", edit(changed["vip"], "vrid: 51", "vrid: 51, priority: {edge1: 150, edge2: 149}"))
	called := mended.with("nat", edit(mended["nat"], "nat: pay: {", `nat: wages: {was: "pay", `), "firewall", edit(mended["firewall"], "firewall: guard: {", `firewall: ward: {was: "guard", `),
		"balancer", edit(mended["balancer"], "balancer: web: {", `balancer: site: {was: "web", `), "address", edit(mended["address"], "address: more: {", `address: extra: {was: "more", `),
		"bridge", edit(mended["bridge"], "bridge: lan: {", `bridge: cable: {was: "lan", `), "vip", edit(mended["vip"], "vip: public: {", `vip: front: {was: "public", `))
	keep := map[string]string{"edge1": `cp /etc/keepalived/conf.d/front.conf /root/`, "edge2": `cp /etc/keepalived/conf.d/front.conf /root/`}
	const back = `sed 1d /root/front.conf >/etc/keepalived/conf.d/front.conf; systemctl reload keepalived; `
	const forwards = `nft 'add element ip plumb forwards { 203.0.113.3 . tcp . 8080 : 10.1.1.4 . 8080, 203.0.113.3 . tcp . 8081 : 10.1.1.4 . 8081 }; add element ip plumb masq { 203.0.113.3 . tcp . 8080, 203.0.113.3 . tcp . 8081 }'; `
	const spreads = `nft 'add element ip plumb balancers { 203.0.113.8 . tcp . 80 : goto source-1 }; add element ip plumb backends { 203.0.113.8 . tcp . 80 . 0 : 10.1.1.7 . 80 }; add element ip plumb masq { 203.0.113.8 . tcp . 80 }'; `
	bare := base.with("backend", changed["backend"], "tables", `nat: stays: {host: "edge1", public: "203.0.113.3", to: "10.1.1.4", network: "app-boston", ports: [9000]}
		balancer: stays: {host: "edge2", public: "203.0.113.7", port: 80, network: "app-boston", by: "source", backends: [{address: "10.1.1.3", port: 80}]}`)
	foreign := bare.with()
	for _, part := range []string{"nat", "balancer", "vip"} {
		foreign[part] = wasRemoved.ReplaceAllString(called[part], `manage: "adopt",`)
	}
	foreign["record"] = edit(named("theirs"), "{zone", `{manage: "adopt", zone`)
	return []*act{
		{name: "make", by: map[string]string{"edge2": cards}, to: made},
		{name: "change", to: changed},
		{name: "mend", by: map[string]string{"edge1": "sysctl -qw net.ipv4.ip_forward=0; systemctl stop keepalived", "edge2": "sysctl -qw net.ipv4.ip_forward=0; ip link set card0 down; ip link set lan0 down"}, to: mended},
		{name: "rename", to: called},
		{name: "take away", by: keep, to: bare},
		{name: "adopt", by: map[string]string{"edge1": forwards + back, "edge2": spreads + back, "ns1": update("add theirs.mycompany.com. 1 A 203.0.113.3")}, to: foreign},
	}
}

var wasRemoved = regexp.MustCompile(`was: "[a-z]*",`)
