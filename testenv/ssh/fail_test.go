package ssh

import (
	"regexp"
	"strings"
	"testing"
)

// Every failure of the hop makes this one host unknown, says what is wrong and what to do in one line, and nothing else.
func TestUnreachableHostIsUnknownAndSaysWhy(t *testing.T) {
	p := up(t, nil)
	inPlace := func(host, expression, file string) func() {
		return func() { p.on(host, "sed", "-i.kept", expression, file) }
	}
	back := func(host, file string) func() { return func() { p.on(host, "mv", file+".kept", file) } }
	const known, authorized, binary = "/root/.ssh/known_hosts", "/root/.ssh/authorized_keys", "/usr/local/bin/plumb"
	for _, c := range []struct {
		name       string
		spoil, fix func()
		says       []string
	}{
		{
			"another key", inPlace("ctr0", "/^jino0/{s/.* ssh-/10.9.0.11 ssh-/;h;d};/^edge1/{p;s/^edge1,10.9.0.21/10.9.0.11/}", known), back("ctr0", known),
			[]string{"host key verification failed: 10.9.0.11 shows the key SHA256:", "not the one in /root/.ssh/known_hosts:2", `"ssh-keygen -R 10.9.0.11"`},
		},
		{"no known key", inPlace("ctr0", "/^jino0/d", known), back("ctr0", known), []string{"no key of 10.9.0.11 is known", `accept it with "ssh 10.9.0.11"`}},
		{"refused key", inPlace("jino0", "d", authorized), back("jino0", authorized), []string{"permission denied to root@10.9.0.11 (publickey)", "by a key without a passphrase"}},
		{"no plumb", func() { p.on("jino0", "mv", binary, binary+".kept") }, back("jino0", binary), []string{"plumb: command not found; install plumb there"}},
		{"frozen sshd", func() { p.must(p.Service("jino0", "sshd").Freeze()) }, func() { p.must(p.Service("jino0", "sshd").Thaw()) }, []string{"Connection timed out during banner exchange"}},
		{"stopped sshd", func() { p.must(p.Service("jino0", "sshd").Stop()) }, func() { p.must(p.Service("jino0", "sshd").Start()) }, []string{"Connection refused"}},
	} {
		c.spoil()
		out := p.plumb(10, "plan")
		p.says(out, append(c.says, "+ address/edge1-app@edge1", "address/jino0-app@jino0: unknown: cannot reach host jino0: ")...)
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "@") || strings.Contains(line, "\r") {
				t.Errorf("%s: the words of ssh are not put into one line: %q", c.name, line)
			}
		}
		c.fix()
	}
	p.plumb(2, "plan", "--detailed-exitcode")
}

// A host that is down costs its own objects and no other's.
func TestHostThatIsDownLeavesTheOthers(t *testing.T) {
	p := up(t, nil)
	p.must(p.Kill("jino0"))
	p.says(p.plumb(10, "apply", "--auto-approve"), "partly applied", "jino0: unknown")
	p.has("edge1", "10.1.1.3", true)
	p.must(p.Start("jino0"))
	p.plumb(0, "apply", "--auto-approve")
	p.has("jino0", "10.1.1.2", true)
}

// The forced command of a host that must not be changed: it can be looked at, and an apply begins nothing there.
func TestForcedCommandRefusesWrites(t *testing.T) {
	p := up(t, nil)
	const forced = `command="plumb exec --stdio --read-only --name jino0",restrict `
	p.on("jino0", "sed", "-i", "s/^/"+forced+"/", "/root/.ssh/authorized_keys")
	p.says(p.plumb(2, "plan", "--detailed-exitcode"), "+ address/jino0-app@jino0")
	p.says(p.plumb(7, "apply", "--auto-approve"), "rolled back", "read-only: plumb exec was started there with --read-only, for example by a forced command")
	p.has("jino0", "10.1.1.2", false)
	p.has("edge1", "10.1.1.3", true)
	p.on("jino0", "sed", "-i", "s/^"+forced+"//", "/root/.ssh/authorized_keys")
	p.says(p.plumb(2, "plan", "--detailed-exitcode"), "+ address/jino0-app@jino0")
}

// What was applied and is only looked at since, through a forced command, is compared whole: drift is seen, the plan says what it
// would change, and healing is refused there and changes nothing.
func TestDriftAndPlanThroughAForcedCommand(t *testing.T) {
	p := up(t, nil)
	p.plumb(0, "apply", "--auto-approve")
	p.onlyMay("jino0", forced)
	p.says(p.plumb(0, "drift", "--detailed-exitcode"), "no drift")
	p.plumb(0, "plan", "--detailed-exitcode")
	p.on("jino0", "ip", "address", "del", "10.1.1.2/24", "dev", "eth1")
	p.says(p.plumb(2, "drift", "--detailed-exitcode"), "address/jino0-app@jino0  missing for ", `"plumb heal address/jino0-app@jino0" brings back what was applied`)
	p.says(p.plumb(2, "plan", "--detailed-exitcode"), "+ address/jino0-app@jino0")
	p.says(p.plumb(7, "heal"), "read-only: plumb exec was started there with --read-only")
	p.has("jino0", "10.1.1.2", false)
	p.onlyMay("jino0", "")
	effect := regexp.MustCompile(`plumb resume (sha256:[0-9a-f]+)`).FindStringSubmatch(p.plumb(5, "heal"))
	if effect == nil {
		t.Fatal("what failed is held, and nothing says how it goes on")
	}
	p.plumb(0, "resume", effect[1])
	p.plumb(0, "heal")
	p.plumb(0, "drift", "--detailed-exitcode")
}

// onlyMay puts a forced command before the controller's key on a host, or takes it away.
func (p *place) onlyMay(host, command string) {
	p.t.Helper()
	const file = "/root/.ssh/authorized_keys"
	p.on(host, "sed", "-i", "s/^.*ssh-/"+strings.ReplaceAll(command, "/", "\\/")+"ssh-/", file)
}
