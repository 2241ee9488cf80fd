package nat

import (
	"context"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	b := bench(t, "nat/payroll")
	theirs := nft.Claim{Mark: actuators.Mark{Installation: conform.Other, ID: b.At.ID, Hash: "1"}, Want: payroll(web).elements()}
	bare := payroll(Port{Public: 80, To: 8080, Proto: "tcp"}, Port{Public: 53, To: 53, Proto: "udp"})
	bare.Masquerade = false
	run := func(command string) func() { return func() { nfttest.Run(t, "nft", command) } }
	conform.Run(t, conform.Case{
		Kind: Kind, ID: b.At.ID, Host: b.Host,
		Specs:      []any{payroll(web), payroll(web, Port{Public: 8443, To: 443, Proto: "tcp"}), bare, payroll(web)},
		Renamed:    &conform.Renamed{ID: "nat/wages", Spec: payroll(web, Port{Public: 8443, To: 443, Proto: "tcp"})},
		Foreign:    func() { must(t, theirs.Do(context.Background())) },
		NotForeign: func() { must(t, theirs.Undo(context.Background(), nft.Before{})) },
		Sabotage: []conform.Sabotage{
			{Name: "an entry is deleted", Do: run("delete element ip plumb forwards { 203.0.113.3 . tcp . 80 }"), Path: "ports"},
			{Name: "masquerading is off", Do: run("delete element ip plumb masq { 203.0.113.3 . tcp . 80 }"), Path: "masquerade"},
			{Name: "a rule stands before ours", Do: run("insert rule ip plumb prerouting drop"), Path: "broken"},
			{Name: "the rules are deleted", Do: run("flush table ip plumb"), Path: "broken"},
			{Name: "the table is deleted", Do: run("delete table ip plumb")},
			{Name: "the table sleeps", Do: run("add table ip plumb { flags dormant; }"), Path: "broken"},
			{Name: "nothing is forwarded", Do: func() { nfttest.Forward(t, false) }, Path: "forwarding"},
			{
				Name: "a chain of somebody else drops all", Do: run("add chain ip plumb evil { type filter hook forward priority 0; policy drop; }"),
				Path: "strange", Mend: run("delete chain ip plumb evil"),
			},
			{
				Name: "a balancer of nobody stands before it", Do: run("add element ip plumb balancers { 203.0.113.3 . tcp . 80 : drop }"),
				Path: "strange", Mend: run("delete element ip plumb balancers { 203.0.113.3 . tcp . 80 }"),
			},
		},
		Native: func() string { return nfttest.Ruleset(t) + nfttest.Run(t, "sysctl", "net.ipv4.ip_forward") },
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
