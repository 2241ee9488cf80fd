package drift

import "strings"

// marked reads the comment that elements of ours carry; remembered keeps it.
const (
	marked     = `MARK=$(nft list table ip plumb | grep -oE 'comment "plumb:[0-9a-f]{8}:[^"]*"' | head -1); `
	remembered = marked + `echo "$MARK" >/root/mark; `
)

// table changes elements of our table in one transaction of nft; MARK stands for the comment that they carry.
func table(commands ...string) string {
	return marked + `nft "` + strings.ReplaceAll(strings.Join(commands, "; "), "MARK", "$MARK") + `"`
}

func swap(set, key, value, newKey, newValue string) []string {
	return []string{"delete element ip plumb " + set + " { " + key + " }", "add element ip plumb " + set + " { " + newKey + " MARK" + newValue + " }"}
}

const (
	web = "203.0.113.3 . tcp . 80"
	dns = "203.0.113.3 . udp . 2053"
	pay = "203.0.113.4 . tcp . 80"
)

// forward moves or changes the element of a forwarded port.
func forward(key, newKey, target string) string {
	return table(swap("forwards", key, "", newKey, " : "+target)...)
}

// served changes service or backend of the balancer.
func served(service, newService, backend string) string {
	all := swap("balancers", service, "", newService, " : goto spread-1")
	all = append(all, swap("backends", service+" . 0", "", newService+" . 0", " : "+backend)...)
	return table(append(all, swap("masq", service, "", newService, "")...)...)
}

// filter loads our table for filtering as it was kept, but for one thing.
func filter(edit string) string {
	return "(echo delete table inet plumb_fw; sed '" + edit + "' /root/fw) | nft -f -"
}

var packets = []chain{{
	object: "nat/payroll@edge1", host: "edge1",
	all: []tamper{
		{field: "nat.public", spoil: forward(web, "203.0.113.9 . tcp . 80", "10.1.1.12 . 80"), mend: forward("203.0.113.9 . tcp . 80", web, "10.1.1.12 . 80"),
			tells: "ports.203.0.113.3:80/tcp ports.203.0.113.9:80/tcp"},
		{field: "nat.to", spoil: forward(web, web, "10.1.1.99 . 80"), mend: forward(web, web, "10.1.1.12 . 80"), tells: "ports.203.0.113.3:80/tcp"},
		{field: "nat.ports.public", spoil: forward(dns, "203.0.113.3 . udp . 2054", "10.1.1.12 . 53"), mend: forward("203.0.113.3 . udp . 2054", dns, "10.1.1.12 . 53"),
			tells: "ports.203.0.113.3:2053/udp ports.203.0.113.3:2054/udp"},
		{field: "nat.ports.to", spoil: forward(dns, dns, "10.1.1.12 . 54"), mend: forward(dns, dns, "10.1.1.12 . 53"), tells: "ports.203.0.113.3:2053/udp"},
		{field: "nat.ports.proto", spoil: forward(dns, "203.0.113.3 . tcp . 2053", "10.1.1.12 . 53"), mend: forward("203.0.113.3 . tcp . 2053", dns, "10.1.1.12 . 53"),
			tells: "ports.203.0.113.3:2053/tcp ports.203.0.113.3:2053/udp"},
		{field: "nat.ports", spoil: table("delete element ip plumb forwards { " + dns + " }"), mend: table("add element ip plumb forwards { " + dns + " MARK : 10.1.1.12 . 53 }"),
			tells: "ports.203.0.113.3:2053/udp"},
		{field: "nat.masquerade", spoil: table("delete element ip plumb masq { " + dns + " }"), mend: table("add element ip plumb masq { " + dns + " MARK }"), tells: "masquerade"},
	},
}, {
	object: "balancer/payroll@edge2", host: "edge2",
	all: []tamper{
		{field: "balancer.public", spoil: served(pay, "203.0.113.9 . tcp . 80", "10.1.1.12 . 80"), mend: served("203.0.113.9 . tcp . 80", pay, "10.1.1.12 . 80"), tells: "public"},
		{field: "balancer.port", spoil: served(pay, "203.0.113.4 . tcp . 81", "10.1.1.12 . 80"), mend: served("203.0.113.4 . tcp . 81", pay, "10.1.1.12 . 80"), tells: "port"},
		{field: "balancer.proto", spoil: served(pay, "203.0.113.4 . sctp . 80", "10.1.1.12 . 80"), mend: served("203.0.113.4 . sctp . 80", pay, "10.1.1.12 . 80"), tells: "proto"},
		{field: "balancer.backends.address", spoil: served(pay, pay, "10.1.1.99 . 80"), mend: served(pay, pay, "10.1.1.12 . 80"), tells: "backends"},
		{field: "balancer.backends.port", spoil: served(pay, pay, "10.1.1.12 . 81"), mend: served(pay, pay, "10.1.1.12 . 80"), tells: "backends"},
		{field: "balancer.by", spoil: table(append([]string{"add chain ip plumb mine"}, swap("balancers", pay, "", pay, " : goto mine")...)...),
			mend: table(append(swap("balancers", pay, "", pay, " : goto spread-1"), "delete chain ip plumb mine")...), tells: "by"},
		{field: "balancer.masquerade", spoil: table("delete element ip plumb masq { " + pay + " }"), mend: table("add element ip plumb masq { " + pay + " MARK }"), tells: "masquerade"},
		{field: "balancer.host", spoil: remembered + table("delete element ip plumb balancers { "+pay+" }", "delete element ip plumb backends { "+pay+" . 0 }", "delete element ip plumb masq { "+pay+" }"),
			mend: "MARK=$(cat /root/mark); " + strings.TrimPrefix(table("add element ip plumb balancers { "+pay+" MARK : goto spread-1 }", "add element ip plumb backends { "+pay+" . 0 MARK : 10.1.1.12 . 80 }", "add element ip plumb masq { "+pay+" MARK }"), marked), tells: "is gone"},
	},
}, {
	object: "firewall/edge@ns1", host: "ns1", keep: "nft list table inet plumb_fw >/root/fw", mend: filter(""),
	all: []tamper{
		{field: "firewall.on", spoil: filter("s/hook forward/hook input/"), tells: "on altered"},
		{field: "firewall.interfaces", spoil: filter(`s/"eth3"/"eth4"/`), tells: "interfaces"},
		{field: "firewall.default", spoil: filter("s/policy drop/policy accept/"), tells: "default"},
		{field: "firewall.deny.proto", spoil: filter("s/tcp dport @fw-edge.deny/udp dport @fw-edge\\/deny/"), tells: "deny"},
		{field: "firewall.deny.ports", spoil: filter("s/{ 23 }/{ 24 }/"), tells: "deny"},
		{field: "firewall.deny.from", spoil: filter("s/192.0.2.0.24/192.0.2.0\\/25/"), tells: "deny"},
		{field: "firewall.allow.proto", spoil: filter("s/tcp dport @fw-edge.allow/udp dport @fw-edge\\/allow/"), tells: "allow"},
		{field: "firewall.allow.ports", spoil: filter("s/8010/8011/"), tells: "allow"},
		{field: "firewall.allow.from", spoil: filter("s/198.51.100.0.24/198.51.100.0\\/25/"), tells: "allow"},
		{field: "firewall.host", spoil: "nft delete table inet plumb_fw", mend: "nft -f /root/fw", tells: "is gone"},
	},
}}
