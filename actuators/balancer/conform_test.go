package balancer

import (
	"context"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	b := bench(t)
	site(t)
	theirs := nft.Claim{Mark: actuators.Mark{Installation: conform.Other, ID: b.At.ID, Hash: "1"}, Want: live(b12).elements()}
	source := payroll("10.1.1.13", "10.1.1.14")
	source.By, source.Masquerade = bySource, false
	run := func(command string) func() { return func() { nfttest.Run(t, "nft", command) } }
	conform.Run(t, conform.Case{
		Kind: Kind, ID: b.At.ID, Host: b.Host,
		Specs:      []any{payroll("10.1.1.12"), payroll("10.1.1.12", "10.1.1.13", "10.1.1.14"), payroll("10.1.1.14"), source, payroll("10.1.1.13", "10.1.1.14")},
		Renamed:    &conform.Renamed{ID: "balancer/wages", Spec: payroll("10.1.1.12", "10.1.1.14")},
		Foreign:    func() { must(t, theirs.Do(context.Background())) },
		NotForeign: func() { must(t, theirs.Undo(context.Background(), nft.Before{})) },
		Sabotage: []conform.Sabotage{
			{Name: "a backend is deleted", Do: run("delete element ip plumb backends { 203.0.113.3 . tcp . 80 . 0x0 }"), Path: "backends"},
			{Name: "the way in is deleted", Do: run("delete element ip plumb balancers { 203.0.113.3 . tcp . 80 }"), Path: "by"},
			{Name: "masquerading is off", Do: run("delete element ip plumb masq { 203.0.113.3 . tcp . 80 }"), Path: "masquerade"},
			{Name: "the choice is deleted", Do: run("flush chain ip plumb spread-2"), Path: "broken"},
			{Name: "the table is deleted", Do: run("delete table ip plumb")},
			{Name: "the table sleeps", Do: run("add table ip plumb { flags dormant; }"), Path: "broken"},
			{Name: "nothing is forwarded", Do: func() { nfttest.Forward(t, false) }, Path: "forwarding"},
			{
				Name: "a chain of somebody else drops all", Do: run("add chain ip plumb evil { type filter hook forward priority 0; policy drop; }"),
				Path: "strange", Mend: run("delete chain ip plumb evil"),
			},
		},
		Native: func() string { return nfttest.Ruleset(t) },
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
