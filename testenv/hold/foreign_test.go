package hold

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
)

// theirs is what somebody else made, how it looks, and a declaration that wants its name.
type theirs struct {
	instance   string
	host       string
	made, gone string // shell commands
	look       string
	wanted     string
}

const strangerXML = `<domain type="qemu"><name>stranger</name><memory unit="MiB">64</memory><vcpu>1</vcpu><os><type arch="x86_64" machine="q35">hvm</type></os></domain>`

const theirNetwork = `<network><name>their-net</name><forward mode="bridge"/><bridge name="app"/></network>`

func update(lines string) string {
	return fmt.Sprintf(`printf 'server 127.0.0.1\nzone mycompany.com.\n%s\nsend\n' | knsupdate -k %s`, lines, lab.KeyFile)
}

var strangers = []theirs{
	{"vm/stranger@jino0", "jino0", `echo '` + strangerXML + `' > /tmp/x.xml && virsh -q define /tmp/x.xml`, `virsh -q undefine stranger`, `virsh dumpxml stranger`,
		disk("vm-disk") + "\n\t" + machine("stranger", "vm-disk", 78)},
	{"network/their-net@jino0", "jino0", `echo '` + theirNetwork + `' > /tmp/n.xml && virsh -q net-define /tmp/n.xml`, `virsh -q net-undefine their-net`, `virsh net-dumpxml their-net`,
		`network: "their-net": {host: "jino0", bridge: "app", cidr: "10.1.9.0/24"}`},
	{"bridge/theirs@jino0", "jino0", `ip link add theirs type bridge`, `ip link del theirs`, `ip -j link show theirs`,
		`bridge: theirs: {host: "jino0"}`},
	{"volume/stranger@jino0", "jino0", `qemu-img create -q -f qcow2 ` + pool + `stranger.qcow2 64M`, `rm ` + pool + `stranger.qcow2`,
		`stat -c '%i %s %y %z' ` + pool + `stranger.qcow2 && sha256sum ` + pool + `stranger.qcow2 && ls -A ` + pool + ` | grep ^stranger`,
		`volume: stranger: {pool: "vmdisks", size: "64Mi"}`},
	{"pool/theirs@jino0", "jino0", `mkdir -p /srv/theirs && echo data > /srv/theirs/file`, `rm -r /srv/theirs`, `stat -c '%i %y %z' /srv/theirs && ls -A /srv/theirs`,
		`pool: theirs: {host: "jino0", dir: "/srv/theirs"}`},
	{"address/theirs@edge1", "edge1", `ip address add 10.1.1.77/24 dev eth1`, `ip address del 10.1.1.77/24 dev eth1`, `ip -j address show dev eth1`,
		`address: theirs: {host: "edge1", interface: "eth1", address: "10.1.1.77/24", network: "app-boston"}`},
	{"nat/theirs@edge1", "edge1", `nft add element ip plumb forwards '{ 203.0.113.3 . tcp . 9090 : 10.1.1.99 . 80 }'`,
		`nft delete element ip plumb forwards '{ 203.0.113.3 . tcp . 9090 }'`, `nft -s list table ip plumb`,
		forward("theirs", 9090)},
	{"firewall/theirs@edge1", "edge1", `nft 'add table inet plumb_fw; add chain inet plumb_fw fw-theirs { type filter hook input priority 0; }; add rule inet plumb_fw fw-theirs tcp dport 23 drop'`,
		`nft delete table inet plumb_fw`, `nft -s -a list table inet plumb_fw`,
		`firewall: theirs: {host: "edge1", default: "accept"}`},
	{"record/theirs.mycompany.com@ns1", "ns1", update("add theirs.mycompany.com. 60 A 192.0.2.7"), update("del theirs.mycompany.com. A"),
		`kdig +noall +answer +authority @127.0.0.1 theirs.mycompany.com ANY`, named("theirs")},
}

// TestWhatIsNotOursIsRefused: a thing without our mark that stands where one is wanted is named with the remedy, and not a
// byte of it changes.
func TestWhatIsNotOursIsRefused(t *testing.T) {
	s := onSite(t)
	want := payroll
	for i, x := range strangers {
		s.on(x.host, "sh", "-ec", x.made)
		want = want.with(fmt.Sprintf("theirs%d", i), x.wanted)
	}
	before := s.strangers()
	st := s.settle(want, 60*time.Second)
	t.Logf("verdict %s %s", st.Verdict, st.Error)
	refused := map[string]string{}
	for _, r := range st.Refusals {
		refused[r.Instance] = r.Class + ": " + r.Text
	}
	for _, x := range strangers {
		if text := refused[x.instance]; !strings.Contains(text, `manage: "adopt"`) {
			t.Errorf("%s is not refused with the remedy: %q", x.instance, text)
		}
	}
	for i, after := range s.strangers() {
		if after != before[i] {
			t.Errorf("%s changed:\n%s\nbut\n%s", strangers[i].instance, before[i], after)
		}
	}
	for _, x := range strangers {
		s.on(x.host, "sh", "-ec", x.gone)
	}
	s.apply(payroll)
	s.nothingToDo()
}

// strangers are the looks of all things of theirs.
func (s *scene) strangers() (looks []string) {
	s.t.Helper()
	for _, x := range strangers {
		looks = append(looks, s.on(x.host, "sh", "-ec", x.look))
	}
	return looks
}
