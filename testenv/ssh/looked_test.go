package ssh

import (
	osexec "os/exec"
	"path/filepath"
	"strings"

	"plumbline/actuators/all"
	"plumbline/reconcile/exec"
	"plumbline/testenv/liar"
)

// forced is what stands before the controller's key on a host that it may only look at.
const forced = `command="plumb exec --stdio --read-only",restrict `

// written lists what was written since began below a host's own layer, which alone its writes are in, but for what daemons keep.
const written = `cd "$0"; for d in etc srv usr var/lib; do [ ! -e $d ] || find $d -newercc var/tmp/began ! -path 'var/lib/libvirt*' ! -path 'var/lib/knot*'; done`

// marked is what else a write of ours would show in: marks in definitions, tables, links.
const marked = `grep -rlis plumb /etc/libvirt /etc/keepalived /var/lib/libvirt | sort; ls -AR /var/lib/plumb /usr/lib/plumb 2>&1; nft -s list ruleset; ip -o link; virsh list --all; virsh net-list --all`

// onlyLooked lets the controller's key on a host look and do no more. What it gives ends that: first a client that lies asks over ssh
// for every op of every kind, and then the host must be as it was.
func (p *place) onlyLooked(host string) (end func()) {
	p.t.Helper()
	p.on(host, "sed", "-i", "s/^/"+strings.ReplaceAll(forced, "/", "\\/")+"/", "/root/.ssh/authorized_keys")
	p.on(host, "touch", "/var/tmp/began")
	before := p.touched(host)
	return func() {
		p.t.Helper()
		argv, err := exec.SSH("hypervisor", "plumb", "exec", "--stdio", "--name", host)
		p.must(err)
		e, err := exec.Dial(p.t.Context(), append(p.EnterArgv("ctr0"), argv...), exec.DialOptions{})
		p.must(err)
		defer e.Close()
		if allowed, asked := liar.Writes(p.t.Context(), e, all.Registry(), host); len(allowed) > 0 {
			p.t.Errorf("%d of %d were not refused:\n%s", len(allowed), asked, strings.Join(allowed, "\n"))
		}
		if after := p.touched(host); after != before {
			p.t.Errorf("who may only look changed\n%s\ninto\n%s", before, after)
		}
		p.on(host, "sed", "-i", "s/^command=[^ ]* [^ ]* [^ ]* [^ ]* //", "/root/.ssh/authorized_keys")
	}
}

// touched is all that a host shows of writes since it was told to remember when it began.
func (p *place) touched(host string) string {
	p.t.Helper()
	out, err := osexec.Command("sh", "-c", written, filepath.Join(p.Config.Dir, "hosts", host, "upper")).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	return string(out) + p.on(host, "sh", "-c", marked)
}
