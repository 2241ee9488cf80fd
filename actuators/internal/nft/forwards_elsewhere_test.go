package nft_test

import (
	"slices"
	"strings"
	"testing"

	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
)

// What rules of others forward is read where they say nothing but that, as the kernel has them from nft and from iptables.
func TestForwardsOfOtherTables(t *testing.T) {
	for name, tt := range map[string]struct{ rules, want string }{
		"one port":                        {"ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12", "203.0.113.3:80/tcp 10.1.1.12:80"},
		"counted, to another port":        {"ip daddr 203.0.113.3 udp dport 53 counter dnat to 10.1.1.12:5353", "203.0.113.3:53/udp 10.1.1.12:5353"},
		"some ports":                      {"ip daddr 203.0.113.3 tcp dport { 80, 443 } dnat to 10.1.1.12", "203.0.113.3:443/tcp 10.1.1.12:443, 203.0.113.3:80/tcp 10.1.1.12:80"},
		"the port first":                  {"tcp dport 80 ip daddr 203.0.113.3 dnat to 10.1.1.12", "203.0.113.3:80/tcp 10.1.1.12:80"},
		"to any address":                  {"tcp dport 80 dnat to 10.1.1.12", ""},
		"to some addresses":               {"ip daddr { 203.0.113.3, 203.0.113.4 } tcp dport 80 dnat to 10.1.1.12", ""},
		"to a network":                    {"ip daddr 203.0.113.0/24 tcp dport 80 dnat to 10.1.1.12", ""},
		"from a network":                  {"ip saddr 192.0.2.0/24 ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12", ""},
		"through an interface":            {"iifname eth2 ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12", ""},
		"a range":                         {"ip daddr 203.0.113.3 tcp dport 80-90 dnat to 10.1.1.12", ""},
		"ranges in a set":                 {"ip daddr 203.0.113.3 tcp dport { 80-90 } dnat to 10.1.1.12", ""},
		"all but a port":                  {"ip daddr 203.0.113.3 tcp dport != 80 dnat to 10.1.1.12", ""},
		"all but some ports":              {"ip daddr 203.0.113.3 tcp dport != { 80 } dnat to 10.1.1.12", ""},
		"all ports":                       {"ip daddr 203.0.113.3 dnat to 10.1.1.12", ""},
		"to some targets":                 {"ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12-10.1.1.14", ""},
		"to some ports":                   {"ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12:80-90", ""},
		"to a target by a map":            {"ip daddr 203.0.113.3 dnat to tcp dport map { 80 : 10.1.1.12 }", ""},
		"the same target for the same":    {"ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12 persistent", ""},
		"to this host":                    {"ip daddr 203.0.113.3 tcp dport 80 redirect to 8080", ""},
		"marked packets":                  {"ip daddr 203.0.113.3 tcp dport 80 meta mark 7 dnat to 10.1.1.12", ""},
		"at a rate":                       {"ip daddr 203.0.113.3 tcp dport 80 limit rate 1/second dnat to 10.1.1.12", ""},
		"behind one that may keep it":     {"ip saddr 192.0.2.7 return; ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12", ""},
		"before one that is not plain":    {"ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12; iifname eth2 tcp dport 25 dnat to 10.1.1.13", "203.0.113.3:80/tcp 10.1.1.12:80"},
		"two of the same":                 {"ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.12; ip daddr 203.0.113.3 tcp dport 80 dnat to 10.1.1.13", "203.0.113.3:80/tcp 10.1.1.12:80, 203.0.113.3:80/tcp 10.1.1.13:80"},
		"iptables: one port":              {"iptables -d 203.0.113.3/32 -p tcp --dport 80 -j DNAT --to-destination 10.1.1.12:8080", "203.0.113.3:80/tcp 10.1.1.12:8080"},
		"iptables: with a comment":        {"iptables -d 203.0.113.3/32 -p tcp --dport 80 -m comment --comment web -j DNAT --to-destination 10.1.1.12", "203.0.113.3:80/tcp 10.1.1.12:80"},
		"iptables: through an interface":  {"iptables -i eth2 -d 203.0.113.3/32 -p tcp --dport 80 -j DNAT --to-destination 10.1.1.12:80", ""},
		"iptables: some ports":            {"iptables -d 203.0.113.3/32 -p tcp -m multiport --dports 80,443 -j DNAT --to-destination 10.1.1.12", ""},
		"iptables: a range":               {"iptables -d 203.0.113.3/32 -p udp --dport 80:90 -j DNAT --to-destination 10.1.1.12", ""},
		"iptables: to some targets":       {"iptables -d 203.0.113.3/32 -p udp --dport 80 -j DNAT --to-destination 10.1.1.12-10.1.1.14", ""},
		"iptables: the same for the same": {"iptables -d 203.0.113.3/32 -p udp --dport 80 -j DNAT --to-destination 10.1.1.12 --persistent", ""},
	} {
		t.Run(name, func(t *testing.T) {
			nfttest.Edge(t)
			if words, ok := strings.CutPrefix(tt.rules, "iptables "); ok {
				nfttest.Run(t, append([]string{"iptables-nft", "-t", "nat", "-A", "PREROUTING"}, strings.Fields(words)...)...)
			} else {
				nfttest.Run(t, "nft", "table ip theirs { chain pre { type nat hook prerouting priority dstnat; "+tt.rules+"; }; }")
			}
			all, err := nft.ForwardsElsewhere(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range all {
				got = append(got, f.Key+" "+f.Value)
			}
			slices.Sort(got)
			if text := strings.Join(got, ", "); text != tt.want {
				t.Errorf("%s\nis read as %q, want %q", nfttest.Run(t, "nft", "-s", "list ruleset"), text, tt.want)
			}
		})
	}
}
