package firewall

import (
	"testing"

	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	b := bench(t)
	open := Spec{On: "forward", Default: "accept", Interfaces: []string{"eth1", "eth0"}, Deny: []Rule{{Proto: "udp", Ports: []Ports{"1-1023", "1024-65535"}, From: []string{"192.0.2.7", "::/0"}}}}
	run := func(command string) func() { return func() { nfttest.Run(t, "nft", command) } }
	var others []conform.Sabotage
	for name, command := range sabotage {
		others = append(others, conform.Sabotage{Name: name, Do: run(command)})
	}
	others = append(others, conform.Sabotage{
		Name: "a chain of somebody else drops all", Do: run("add chain inet plumb_fw evil { type filter hook forward priority -10; policy drop; }"),
		Path: "strange", Mend: run("delete chain inet plumb_fw evil"),
	})
	conform.Run(t, conform.Case{
		Kind: Kind, ID: b.At.ID, Host: b.Host,
		Specs:      []any{closed(), open, web("198.51.100.0/24", "2001:db8::/32"), web("192.0.2.0/24")},
		Renamed:    &conform.Renamed{ID: "firewall/rim", Spec: open},
		Foreign:    run("add table inet plumb_fw; add chain inet plumb_fw fw-edge { type filter hook input priority 0; }; add rule inet plumb_fw fw-edge accept"),
		NotForeign: run("delete table inet plumb_fw"),
		Sabotage:   others,
		Native:     func() string { return nfttest.Ruleset(t) },
	})
}
