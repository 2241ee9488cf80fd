package ssh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/testenv/lab"
	"plumbline/testenv/need"
)

// openSSHD lets in whoever has a key. Without PAM a locked account stays out.
const openSSHD = `HostKey /etc/ssh/ssh_host_ed25519_key
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
UseDNS no
PrintMotd no
`

// bare takes plumb away from jino0 and gives the controller a key of its own, for which the host's user is plumb.
func bare(t *testing.T) *place {
	need.Package(t, "sudo")
	p := up(t, func(c *lab.Config) {
		c.Hosts[1].Files["/etc/ssh/sshd_config"] = openSSHD
		c.Hosts[0].Files["/root/.ssh/config"] = "Host admin\n\tHostName 10.9.0.11\n\tUser root\nHost jino0\n\tHostName 10.9.0.11\n\tUser plumb\n\tIdentitiesOnly yes\n\tIdentityFile /root/.ssh/plumb\nHost audit\n\tHostName 10.9.0.11\n\tUser plumb\n\tIdentitiesOnly yes\n\tIdentityFile /root/.ssh/audit\nHost edge1\n\tUser root\n"
	})
	p.on("jino0", "rm", "/usr/local/bin/plumb")
	for _, name := range []string{"plumb", "audit"} {
		p.on("ctr0", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "/root/.ssh/"+name)
	}
	p.on("ctr0", "sed", "-i", `s/ssh: "hypervisor"/ssh: "jino0"/`, "/srv/topology/site.cue")
	return p
}

// prepared runs plumb host install on the controller.
func (p *place) prepared(code int, more ...string) string {
	p.t.Helper()
	args := append([]string{"host", "install", "--key", "/root/.ssh/plumb.pub", "--read-only-key", "/root/.ssh/audit.pub"}, more...)
	return p.plumb(code, append(args, "jino0=admin")...)
}

func TestHostIsPreparedAndTakenBack(t *testing.T) {
	p := bare(t)
	p.on("jino0", "mkdir", "-p", "/run/systemd/system") // what says that systemd runs
	before := p.files("jino0")
	p.says(p.prepared(0, "--dry-run"), "copy plumb", "make the user plumb", "/etc/sudoers.d/plumb", "let the key ", "enable plumb-undo.service", "nothing was done")
	if after := p.files("jino0"); after != before {
		t.Errorf("a dry run changed\n%s\ninto\n%s", before, after)
	}
	p.says(p.prepared(0), "copy plumb", "done")
	if out := p.prepared(0); out != "jino0: nothing to do\n" {
		t.Errorf("the second time: %s", out)
	}
	p.says(p.on("jino0", "cat", "/etc/systemd/system/multi-user.target.wants/plumb-undo.service"), "ExecStart=/usr/lib/plumb/plumb exec --boot")
	p.on("jino0", "/usr/lib/plumb/plumb", "exec", "--boot")

	p.plumb(0, "apply", "--auto-approve")
	p.has("jino0", "10.1.1.2", true)
	// The key opens nothing else: no shell, no other command, no forwarding.
	out, _ := p.run("ctr0", "sh", "-c", "ssh -T jino0 id </dev/null; ssh -tt jino0 </dev/null; scp /etc/hostname jino0:/tmp/got")
	if strings.Contains(out, "uid=") {
		t.Errorf("the key opens a shell:\n%s", out)
	}
	if out, code := p.run("jino0", "ls", "/tmp/got"); code == 0 {
		t.Errorf("a file was copied: %s", out)
	}
	p.on("jino0", "setpriv", "--reuid=plumb", "--regid=plumb", "--init-groups", "sh", "-c", "! sudo -n id && ! sudo -n /usr/lib/plumb/plumb exec --stdio --name other </dev/null")

	// The key that may only look.
	p.on("ctr0", "sed", "-i", `s/ssh: "jino0"/ssh: "audit"/; s,10.1.1.2/24,10.1.1.9/24,`, "/srv/topology/site.cue")
	p.says(p.plumb(2, "plan", "--detailed-exitcode"), "10.1.1.9")
	p.says(p.plumb(7, "apply", "--auto-approve"), "read-only")
	p.has("jino0", "10.1.1.9", false)

	p.says(p.prepared(0, "--remove"), "remove the user plumb", "/var/lib/plumb is kept", "/etc/plumb is kept")
	p.plumb(10, "plan")
	if out := p.prepared(0, "--remove"); !strings.Contains(out, "jino0: nothing to do") {
		t.Errorf("removed twice: %s", out)
	}
	p.on("jino0", "rm", "-rf", "/var/lib/plumb/exec", "/etc/plumb/secrets/none")
	if after := p.files("jino0"); after != before {
		t.Errorf("what is left:\n%s\nwas\n%s", after, before)
	}
}

// files lists what preparing touches.
func (p *place) files(host string) string {
	return p.on(host, "sh", "-c", `ls -A /usr/lib/plumb /var/lib/plumb-ssh /usr/local/bin/plumb /etc/systemd/system/plumb* /etc/sudoers.d 2>/dev/null; getent passwd plumb; cat /root/.ssh/authorized_keys; ls -d /etc/plumb/secrets`)
}

// Root instead of a user, without sudo; a key that opens a shell already is left as it is.
func TestHostIsPreparedForRoot(t *testing.T) {
	p := bare(t)
	p.on("ctr0", "sed", "-i", "s/User plumb/User root/", "/root/.ssh/config")
	p.on("jino0", "mv", "/usr/bin/sudo", "/usr/bin/sudo.away")
	p.says(p.prepared(1), "sudo is not there to let plumb do it: install sudo, or say --user root")
	p.says(p.plumb(0, "host", "install", "--user", "root", "--key", "/root/.ssh/plumb.pub", "jino0=admin"), "let the key", "systemd does not run here")
	p.plumb(0, "apply", "--auto-approve")
	p.has("jino0", "10.1.1.2", true)
	p.on("ctr0", "sh", "-c", "ssh-keygen -y -f /root/.ssh/id_ed25519 > /root/.ssh/id_ed25519.pub")
	p.says(p.plumb(0, "host", "install", "--user", "root", "jino0=admin"), "for more than this; it is left so")
	p.says(p.plumb(1, "host", "install", "--user", "root", "jino0"), "no shell answers there", "name another login")
	p.on("ctr0", "ssh", "-T", "admin", "true")
}

func TestABinaryOfAnotherArchitectureIsRefused(t *testing.T) {
	p := bare(t)
	data, err := os.ReadFile(filepath.Join(built.dir, "plumb"))
	p.must(err)
	data[18] = 183 // e_machine of ELF: AArch64
	p.must(os.WriteFile(filepath.Join(built.dir, "other"), data, 0o755))
	p.says(p.prepared(1, "--binary", filepath.Join(built.dir, "other")), "the binary is for aarch64: give the right one with --binary")
	if out, code := p.run("jino0", "ls", "/usr/lib/plumb"); code == 0 {
		t.Errorf("something was copied: %s", out)
	}
}

// follow lets a controller run until it has applied what is declared.
func (p *place) follow(address string) {
	p.t.Helper()
	const script = `plumb run 2>/tmp/run.log & pid=$!
for n in $(seq 250); do ssh -o ControlPath=none hypervisor ip -o address show dev eth1 | grep -q " $0/" && break; sleep 0.2; done
kill $pid; wait $pid; cat /tmp/run.log`
	p.on("ctr0", "sh", "-c", strings.Replace(script, "ssh -o", "ssh -o RemoteCommand=none -o RequestTTY=no -o ClearAllForwardings=yes -o", 1), address)
	p.has("jino0", address, true)
}

// A controller that runs brings its binary along where there is none or another; a plan only looks.
func TestTheControllerBringsItsBinaryAlong(t *testing.T) {
	p := up(t, nil)
	p.on("jino0", "rm", "/usr/local/bin/plumb")
	p.says(p.plumb(10, "plan"), "plumb: command not found", "plumb host install")
	p.follow("10.1.1.2")
	current := p.on("jino0", "readlink", "/usr/lib/plumb/plumb")

	// Another one is in its place, with two that are older still.
	p.on("jino0", "sh", "-c", `cd /usr/lib/plumb && for n in 1 2 3; do
		name=plumb-$(printf "%064d" $n) && cp "$(readlink plumb)" $name && touch -d "2026-01-0$n" $name; done; ln -sfn $name plumb`)
	p.on("ctr0", "sed", "-i", "s,10.1.1.2/24,10.1.1.9/24,", "/srv/topology/site.cue")
	p.follow("10.1.1.9")
	if now := p.on("jino0", "readlink", "/usr/lib/plumb/plumb"); now != current {
		t.Errorf("the host has %s, want %s", now, current)
	}
	if left := strings.Fields(p.on("jino0", "ls", "/usr/lib/plumb")); len(left) != 3 {
		t.Errorf("want the link, ours and the one before: %v", left)
	}
	p.says(p.on("jino0", "sh", "-c", "readlink -f $(command -v plumb)"), strings.TrimSpace(current))
}
