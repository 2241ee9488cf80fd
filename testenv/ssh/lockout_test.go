package ssh

import (
	"strings"
	"testing"

	"plumbline/testenv/lab"
)

// lockout is the classical mistake: a firewall that lets no new connection of ssh in, and the established one live on.
const lockout = `firewall: closed: {host: "jino0", default: "drop", allow: [{proto: "icmp"}]}
	address: "edge1-app"`

// The confirmation of a step comes over a connection of its own, whatever ssh_config says of sharing one. So the host takes a
// firewall back that shuts the controller out, though the connection over which it came works to the end.
func TestFirewallThatShutsSSHOutComesBack(t *testing.T) {
	p := up(t, func(c *lab.Config) {
		c.Hosts[0].Files["/etc/plumb/plumb.cue"] = controllerFile + "confirm: \"15s\"\n"
		c.Hosts[0].Files["/srv/topology/site.cue"] = strings.Replace(topology, `address: "edge1-app"`, lockout, 1)
	})
	p.plumb(7, "apply", "--auto-approve")
	if out := p.on("jino0", "nft", "list", "ruleset"); strings.Contains(out, "drop") {
		t.Errorf("the firewall is still there:\n%s", out)
	}
	p.has("edge1", "10.1.1.3", true)
	p.says(p.plumb(2, "plan", "--detailed-exitcode"), "firewall/closed@jino0")
}
