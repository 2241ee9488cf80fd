package ssh

import (
	"regexp"
	"strings"
	"testing"

	"plumbline/testenv/lab"
)

// native makes with the tools of the system what people have before they know Plumbline.
const native = `set -e
ip link add br0 type bridge; ip link set eth1 master br0; ip link set eth1 up; ip link set br0 up
ip addr add 10.1.1.1/24 dev br0
ip addr add 198.51.100.7/24 dev eth2
virsh -q pool-define-as images dir --target /srv/images; virsh -q pool-build images; virsh -q pool-start images; virsh -q pool-autostart images
virsh -q vol-create-as images web.qcow2 64M --format qcow2
virsh -q vol-create-as images 'old disk.img' 32M --format raw
echo notes >/srv/images/notes.txt
mkdir -p /srv/other; qemu-img create -q -f qcow2 /srv/other/web.qcow2 16M
cat >/tmp/lan.xml <<X
<network><name>lan</name><forward mode='bridge'/><bridge name='br0'/></network>
X
virsh -q net-define /tmp/lan.xml; virsh -q net-start lan; virsh -q net-autostart lan
cat >/tmp/inner.xml <<X
<network><name>inner</name><bridge name='virbr7'/></network>
X
virsh -q net-define /tmp/inner.xml
domain() { cat >/tmp/domain.xml <<X
<domain type='qemu'><name>$1</name><memory unit='MiB'>$2</memory><currentMemory unit='MiB'>64</currentMemory><vcpu current='1'>2</vcpu>
<os><type machine='$3'>hvm</type></os><devices>$4</devices></domain>
X
virsh -q define /tmp/domain.xml; }
domain web 128 q35 "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/srv/images/web.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/srv/images/old disk.img'/><target dev='vdb' bus='virtio'/></disk>
<interface type='network'><mac address='52:54:00:00:00:01'/><source network='lan'/><model type='virtio'/></interface>
<interface type='bridge'><mac address='52:54:00:00:00:02'/><source bridge='br0'/><model type='virtio'/></interface>"
domain mail 64 pc "<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='/srv/other/web.qcow2'/><target dev='hda' bus='ide'/></disk>"
domain 'odd one' 64 pc ""
domain hidden 64 q35 "<interface type='network'><mac address='52:54:00:00:00:03'/><source network='inner'/></interface>"
virsh -q start web; virsh -q autostart mail
sysctl -q -w net.ipv4.ip_forward=1
nft -f - <<X
table ip mynat { chain pre { type nat hook prerouting priority dstnat; ip daddr 203.0.113.3 tcp dport 80 counter dnat to 10.1.1.12 ; udp dport { 53, 5353 } ip daddr 203.0.113.3 dnat to 10.1.1.12:53 ; iifname "eth2" tcp dport 25 dnat to 10.1.1.12 ; } ; }
table inet mynat { chain pre { type nat hook prerouting priority dstnat + 1; ip daddr 203.0.113.4 tcp dport 8080 dnat ip to 10.1.1.12:80 ; } ; }
table inet myfilter { chain in { type filter hook input priority filter; tcp dport 9999 drop ; } ; }
X
mkdir -p /etc/keepalived/conf.d
cat >/etc/keepalived/conf.d/office.conf <<X
# the office
vrrp_instance office {
	interface eth2
	version 3
	virtual_router_id 51
	nopreempt
	priority 90   # the other has 100
	advert_int 1
	virtual_ipaddress {
		203.0.113.3/24
	}
}
X
cat >/etc/keepalived/keepalived.conf <<X
include /etc/keepalived/conf.d/*.conf
vrrp_instance old {
	interface eth2
	virtual_router_id 52
	priority 100
	virtual_ipaddress {
		203.0.113.4/24
	}
}
X
`

// records are put into the zone by its server's own tool.
const records = `server 127.0.0.1
zone shop.test.
add www.shop.test. 60 A 203.0.113.3
add www.shop.test. 60 TXT "made by hand"
add shop.test. 60 MX 10 mail.shop.test.
add mail.shop.test. 300 CNAME www.shop.test.
add two.shop.test. 60 A 203.0.113.4
add two.shop.test. 90 TXT "another time"
send
`

// dump is everything of the host that adopting may not change: all but marks.
const dump = `for d in $(virsh list --all --uuid); do virsh dumpxml $d; virsh dumpxml --inactive $d; virsh dominfo $d | grep -v 'CPU time'; done
for n in $(virsh net-list --all --name); do virsh net-dumpxml $n; done; virsh net-list --all; virsh pool-list --all --details | cut -c1-40
for v in /srv/images/*.img /srv/images/*.qcow2 /srv/other/*.qcow2; do qemu-img info -U "$v"; done
ip -o addr; ip -o link; bridge -o link; nft -a list table ip mynat; nft -a list table inet mynat; nft -a list table inet myfilter; nft list tables | grep -v 'ip plumb$'; cat /etc/keepalived/keepalived.conf /etc/keepalived/conf.d/*
pgrep -a 'keepalived|qemu|libvirtd'
`

var marks = regexp.MustCompile(`\s*<metadata>\s*<plumb:mark[^>]*/?>(</plumb:mark>)?\s*</metadata>|(?m:^# plumb:[^\n]*\n)|\\?\s*alias plumb:\S+|\s+valid_lft \S+ preferred_lft \S+`)

func adoption(t *testing.T) *place {
	p := up(t, func(c *lab.Config) {
		jino0 := &c.Hosts[1]
		jino0.NICs = append(jino0.NICs, lab.NIC{Name: "eth2", Segment: "public"})
		jino0.Services = append(jino0.Services, "libvirtd", "knot", "keepalived")
		jino0.Zones = []lab.Zone{{Name: "shop.test", Address: "127.0.0.1"}}
	})
	p.on("jino0", "sh", "-c", "ip link set eth2 up")
	p.on("jino0", "sh", "-c", native)
	p.must(p.Service("jino0", "keepalived").Start())
	p.on("jino0", "sh", "-c", "knsupdate -k "+lab.KeyFile+" <<'X'\n"+records+"X")
	for _, address := range []string{"203.0.113.3", "203.0.113.4"} {
		p.eventually("jino0", "ip -o addr show dev eth2 | grep -q ' "+address+"/'")
	}
	return p
}

// eventually waits until a shell says yes on a host.
func (p *place) eventually(host, condition string) {
	p.t.Helper()
	p.on(host, "timeout", "40", "sh", "-c", "until "+condition+"; do sleep 0.1; done")
}

func (p *place) dump() string {
	p.t.Helper()
	zone := p.on("jino0", "sh", "-c", "kdig @127.0.0.1 -k "+lab.KeyFile+" +noall +answer shop.test AXFR | grep -v 'SOA\\|_plumb\\|TSIG' | sort")
	return marks.ReplaceAllString(p.on("jino0", "sh", "-c", dump), "") + zone
}

// What runs is seen, said as CUE, adopted and owned, and nothing of it changes but for its marks.
func TestWhatRunsIsImportedAndAdopted(t *testing.T) {
	p := adoption(t)
	key := p.Config.TSIG.Name
	zone := []string{"--zone", "shop.test@jino0", "--key", key}
	before := p.dump()
	looked := p.onlyLooked("jino0")

	p.says(p.plumb(10, append([]string{"observe", "jino0", "edge1", "nowhere"}, zone...)...),
		"vm/web ", "foreign", "cpu {max 2, now 1}", "volume/web ", "pool/images ", "network/lan ", "bridge/br0 ", "address/br0-10.1.1.1 ", "vip/office ",
		"record/www.shop.test ", "host/edge1", "plumb: nowhere: cannot reach host nowhere: ")

	p.says(p.plumb(0, append([]string{"import", "jino0", "edge1", "--out", "/srv/found"}, zone...)...), "/srv/found/jino0/jino0.cue",
		"not declared: vm/odd one@jino0: no object can have its name",
		"not declared: vm/hidden@jino0: its card 52:54:00:00:00:03 is in the network inner, which is not declared",
		"not declared: network/inner@jino0: it is isolated",
		"not declared: volume/notes@jino0: no guest has /srv/images/notes.txt as a disk",
		"not declared: vip/old@jino0: it stands in /etc/keepalived/keepalived.conf",
		"not declared: address/eth2-203.0.113.3@jino0: it is the virtual address of vip/office",
		"not declared: address/eth2-203.0.113.4@jino0: it is the virtual address of vip/old",
		"table ip mynat, chain pre is not in the form of Plumbline's own tables; declare what it does, and then take it out: iifname \"eth2\" tcp dport 25 dnat to 10.1.1.12",
		"not declared: record/two.shop.test@jino0: its types have different TTLs")
	p.says(p.plumb(1, append([]string{"import", "jino0", "--out", "/srv/found"}, zone...)...), "/srv/found/jino0/jino0.cue is there already")
	p.plumb(0, append([]string{"import", "edge1", "jino0", "--out", "/srv/again"}, zone...)...)
	p.on("ctr0", "diff", "-r", "/srv/found", "/srv/again")
	p.on("ctr0", "plumb", "fmt", "--check", "/srv/found")
	t.Log(p.on("ctr0", "cat", "/srv/found/jino0/jino0.cue"))

	repo := []string{"--repo", "dir:/srv/found"}
	plan := p.plumb(0, append([]string{"plan", "--detailed-exitcode"}, repo...)...)
	for _, word := range []string{"only observed and", "cannot"} {
		if strings.Contains(plan, word) {
			t.Errorf("the plan after the import is not empty: %q\n%s", word, plan)
		}
	}

	looked()

	p.on("ctr0", "sed", "-i", `s/manage: *"observe"/manage: "adopt"/`, "/srv/found/jino0/jino0.cue")
	plan = p.plumb(2, append([]string{"plan", "--detailed-exitcode", "--steps"}, repo...)...)
	p.says(plan, "= vm/web@jino0", "= vm/mail@jino0", "= pool/images@jino0", "= volume/web@jino0", "= volume/old-disk@jino0", "= network/lan@jino0", "= bridge/br0@jino0",
		"= address/br0-10.1.1.1@jino0", "= address/eth2-198.51.100.7@jino0", "= vip/office@jino0", "= record/www.shop.test@jino0",
		"= nat/203.0.113.3-80-tcp@jino0", "publish 203.0.113.3:80/tcp -> 10.1.1.12:80 as well as table ip mynat, chain pre, rule ", "= nat/203.0.113.3-5353-udp@jino0", "= nat/203.0.113.4-8080-tcp@jino0")
	for _, line := range strings.Split(plan, "\n") {
		if glyph := strings.TrimSpace(line); glyph != "" && strings.ContainsAny(glyph[:1], "+~>∓^-x!") {
			t.Errorf("adopting is more than adopting: %q", line)
		}
	}
	p.plumb(0, append([]string{"apply", "--auto-approve"}, repo...)...)
	if plan := p.plumb(0, append([]string{"plan", "--detailed-exitcode"}, repo...)...); strings.Contains(plan, "step") {
		t.Errorf("after the adoption something is left to do:\n%s", plan)
	}
	if after := p.dump(); after != before {
		t.Errorf("adopting changed what it may not\nbefore\n%s\nafter\n%s", before, after)
	}

	p.on("ctr0", "sed", "-i", `/manage: *"adopt"/d`, "/srv/found/jino0/jino0.cue")
	p.plumb(0, append([]string{"apply", "--auto-approve"}, repo...)...)
	p.plumb(0, append([]string{"plan", "--detailed-exitcode"}, repo...)...)
	if after := p.dump(); after != before {
		t.Errorf("owning changed what it may not\nbefore\n%s\nafter\n%s", before, after)
	}
	p.says(p.plumb(0, append([]string{"observe", "jino0"}, zone...)...), "vm/web ", "ours")
	p.says(p.plumb(0, append([]string{"import", "jino0", "--out", "-"}, zone...)...), "vm/web: it bears the mark of installation")
}
