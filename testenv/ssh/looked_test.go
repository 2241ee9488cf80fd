package ssh

import (
	"strings"

	"plumbline/actuators/all"
	"plumbline/reconcile/exec"
	"plumbline/testenv/liar"
)

// forced is what stands before the controller's key on a host that it may only look at.
const forced = `command="plumb exec --stdio --read-only",restrict `

// marked is what a write of ours would show in: files but those that daemons keep, marks in definitions, tables, links.
const marked = `find /etc /srv /usr /var/lib -xdev -newercc /run/began ! -path '/var/lib/libvirt*' ! -path '/var/lib/knot*'
grep -rlis plumb /etc/libvirt /etc/keepalived /var/lib/libvirt | sort; ls -AR /var/lib/plumb /usr/lib/plumb 2>&1; nft -s list ruleset; ip -o link; virsh list --all; virsh net-list --all`

// onlyLooked lets the controller's key on a host look and do no more. What it gives ends that: first a client that lies asks over ssh
// for every op of every kind, and then the host must be as it was.
func (p *place) onlyLooked(host string) (end func()) {
	p.t.Helper()
	p.on(host, "sed", "-i", "s/^/"+strings.ReplaceAll(forced, "/", "\\/")+"/", "/root/.ssh/authorized_keys")
	p.on(host, "touch", "/run/began")
	before := p.on(host, "sh", "-c", marked)
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
		if after := p.on(host, "sh", "-c", marked); after != before {
			p.t.Errorf("who may only look changed\n%s\ninto\n%s", before, after)
		}
		p.on(host, "sed", "-i", "s/^command=[^ ]* [^ ]* [^ ]* [^ ]* //", "/root/.ssh/authorized_keys")
	}
}
