package record

import (
	"testing"

	"plumbline/actuators/internal/dns"
	"plumbline/actuators/internal/dns/dnstest"
	"plumbline/testenv/conform"
	"plumbline/testenv/freeze"
)

func TestConforms(t *testing.T) {
	dnstest.Each(t, func(t *testing.T, s *dnstest.Server) {
		b, one := bench(t, s)
		two, alias := one, one
		two.A, two.AAAA, two.TXT, two.TTL = []string{"203.0.113.4", "203.0.113.5"}, []string{"2001:db8::3"}, []string{`v "1"`}, 5
		alias.A, alias.CNAME = nil, "ns."+dnstest.Zone
		secret, err := s.Host.Secret(s.Server.Key.Secret)
		if err != nil {
			t.Fatal(err)
		}
		conform.Run(t, conform.Case{
			Kind: Kind, ID: b.At.ID, Host: b.Host, Specs: []any{one, two, alias, one},
			Foreign:    func() { put(t, s, a("198.51.100.1")) },
			NotForeign: func() { put(t, s, a()) },
			Sabotage: []conform.Sabotage{
				{Name: "another address", Do: func() { put(t, s, a("198.51.100.9")) }, Path: "a"},
				{Name: "another TTL", Do: func() { put(t, s, dns.RRset{Name: name, Type: "A", TTL: 7, Data: []string{"203.0.113.3"}}) }, Path: "ttl"},
				{Name: "address deleted", Do: func() { put(t, s, a()) }, Path: "a"},
			},
			Broken: []conform.Breakage{{Name: "a server that hangs", Break: func() func() {
				must(t, freeze.Stop(s.Process.Pid))
				return func() { must(t, freeze.Continue(s.Process.Pid)) }
			}}},
			Native:  func() string { return texts(t, s) },
			Secrets: []string{string(secret)},
		})
	})
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
