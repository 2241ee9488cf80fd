package drift

// update changes names with knsupdate.
func update(lines string) string {
	return "printf 'server 127.0.0.1\\nzone mycompany.com.\\n" + lines + "\\nsend\\n' | knsupdate -k /etc/plumb/lab-tsig.key"
}

// edited changes the file of a virtual address.
func edited(edit string) string { return "sed -i '" + edit + "' /etc/keepalived/conf.d/public.conf" }

var names = []chain{{
	object: "record/payroll.mycompany.com@ns1", host: "ns1", mend: update(`del payroll.mycompany.com. A\nadd payroll.mycompany.com. 60 A 203.0.113.3`),
	all: []tamper{
		{field: "record.a", spoil: update(`del payroll.mycompany.com. A\nadd payroll.mycompany.com. 60 A 192.0.2.9`), tells: "a"},
		{field: "record.ttl", spoil: update(`del payroll.mycompany.com. A\nadd payroll.mycompany.com. 61 A 203.0.113.3`), tells: "ttl"},
	},
}, {
	object: "record/six.mycompany.com@ns1", host: "ns1",
	all: []tamper{
		{field: "record.aaaa", spoil: update(`add six.mycompany.com. 60 AAAA 2001:db8::9`), mend: update(`del six.mycompany.com. AAAA 2001:db8::9`), tells: "aaaa"},
		{field: "record.txt", spoil: update(`del six.mycompany.com. TXT`), mend: update(`add six.mycompany.com. 60 TXT v=1`), tells: "txt"},
	},
}, {
	object: "record/alias.mycompany.com@ns1", host: "ns1", mend: update(`del alias.mycompany.com. CNAME\nadd alias.mycompany.com. 60 CNAME payroll.mycompany.com.`),
	all: []tamper{
		{field: "record.cname", spoil: update(`del alias.mycompany.com. CNAME\nadd alias.mycompany.com. 60 CNAME ns.mycompany.com.`), tells: "cname"},
	},
}, {
	object: "zone/other.com@ns1", host: "ns1", keep: "cp -a /etc/knot/knot.conf /etc/knot/kept.conf", mend: "cp -a /etc/knot/kept.conf /etc/knot/knot.conf; knotc reload",
	all: []tamper{
		{field: "zone.server zone.host", spoil: "sed -i '/domain: other.com/,/acl/d' /etc/knot/knot.conf; knotc reload", tells: "is gone"},
	},
}, {
	object: "vip/public@edge1", host: "edge1", keep: "cp -a /etc/keepalived/conf.d /root/", mend: "cp -a /root/conf.d /etc/keepalived/",
	all: []tamper{
		{field: "vip.interface", spoil: edited("s/eth2/eth1/g"), tells: "interface"},
		{field: "vip.address", spoil: edited("s/203.0.113.3/203.0.113.9/"), tells: "address"},
		{field: "vip.vrid", spoil: edited("s/virtual_router_id 51/virtual_router_id 61/"), tells: "vrid"},
		{field: "vip.priority", spoil: edited("s/priority 120/priority 121/"), tells: "priority"},
		{field: "vip.advert", spoil: edited("s/advert_int 0.20/advert_int 0.40/"), tells: "advert"},
		{field: "vip.failback", spoil: edited("s/preempt_delay 2/preempt_delay 9/"), tells: "failback"},
		{field: "vip.group", spoil: edited("s/# group front/# group back/"), tells: "group"},
		{field: "vip.host", spoil: "rm /etc/keepalived/conf.d/public.conf", tells: "is gone"},
	},
}}
