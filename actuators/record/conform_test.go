package record

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"plumbline/actuators/internal/dns"
	"plumbline/actuators/internal/dns/dnstest"
	"plumbline/testenv/conform"
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
				signal(t, s, syscall.SIGSTOP)
				return func() { signal(t, s, syscall.SIGCONT) }
			}}},
			Native:  func() string { return texts(t, s) },
			Secrets: []string{string(secret)},
		})
	})
}

// signal stops or continues the server, and waits until all of its threads have minded it.
func signal(t *testing.T, s *dnstest.Server, sig syscall.Signal) {
	t.Helper()
	if err := s.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); stopped(t, s.Process.Pid) != (sig == syscall.SIGSTOP); {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not mind %s", sig)
		}
	}
}

// stopped tells whether every thread of a process is stopped: state T, see proc_pid_stat(5).
func stopped(t *testing.T, pid int) bool {
	t.Helper()
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		t.Fatalf("no thread of process %d: %v", pid, err)
	}
	for _, thread := range threads {
		data, err := os.ReadFile(thread)
		if _, rest, _ := strings.Cut(string(data), ") "); err != nil || !strings.HasPrefix(rest, "T") { // an error: it just ended
			return false
		}
	}
	return true
}
