package lab_test

import (
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
	"plumbline/testenv/need"
)

func TestBostonCarriesThePayrollStory(t *testing.T) {
	need.Program(t, "kdig", "knsupdate", "nft", "curl")
	l := lab.Start(t, lab.Boston(""))

	t.Run("hosts reach each other by name", func(t *testing.T) {
		on(t, l, "jino0", "ping", "-c", "1", "-W", "2", "ns1")
	})
	t.Run("the internet resolves through ns1", func(t *testing.T) {
		update(t, l, "update add www.mycompany.com 1 A 203.0.113.3")
		eventually(t, "the record is there", 20*time.Second, func() bool {
			out, _ := try(l, "internet", "getent", "ahosts", "www.mycompany.com")
			return strings.Contains(out, "203.0.113.3")
		})
	})
	t.Run("the zone can be transferred with the key only", func(t *testing.T) {
		if got := strings.TrimSpace(on(t, l, "ns1", "cat", "/etc/plumb/secrets/tsig-boston")); got != l.Config.TSIG.Secret {
			t.Errorf("the secret on ns1 is %q", got)
		}
		if out := on(t, l, "ns1", "kdig", "@127.0.0.1", "-k", lab.KeyFile, "mycompany.com", "AXFR"); !strings.Contains(out, "SOA") {
			t.Errorf("transfer with the key: %s", out)
		}
		if out, err := try(l, "ns1", "kdig", "@127.0.0.1", "mycompany.com", "AXFR"); err == nil {
			t.Errorf("transfer without the key: %s", out)
		}
	})
	t.Run("the ACL refuses the forbidden name", func(t *testing.T) {
		if out := tryUpdate(l, "update add forbidden.mycompany.com 1 A 203.0.113.3"); !strings.Contains(out, "BADKEY") {
			t.Errorf("got %q", out)
		}
	})
	t.Run("edges have the app and the public cable", func(t *testing.T) {
		on(t, l, "jino0", "ip", "addr", "add", "10.1.1.12/24", "dev", "eth1")
		on(t, l, "edge1", "ip", "addr", "add", "10.1.1.1/24", "dev", "eth1")
		on(t, l, "jino0", "ip", "route", "add", "default", "via", "10.1.1.1")
		on(t, l, "edge1", "nft", `add table ip t; add chain ip t pre { type nat hook prerouting priority -100; }; add rule ip t pre ip daddr 203.0.113.251 dnat to 10.1.1.12`)
		on(t, l, "jino0", "sh", "-c", "mkdir -p /srv/w; echo payroll >/srv/w/index.html; busybox httpd -p 10.1.1.12:80 -h /srv/w")
		if out := on(t, l, "internet", "curl", "-s", "-m", "5", "http://203.0.113.251/"); out != "payroll\n" {
			t.Errorf("got %q", out)
		}
	})
	t.Run("a dead edge loses the public address to the other", func(t *testing.T) {
		for _, host := range []string{"edge1", "edge2"} {
			on(t, l, host, "sh", "-c", `cat >/etc/keepalived/keepalived.conf <<END
vrrp_instance public {
	interface eth2
	state BACKUP
	virtual_router_id 3
	priority $((110 - ${0#edge}))
	advert_int 0.2
	virtual_ipaddress { 203.0.113.3/24 }
}
END`, host)
		}
		holder := func(host string) func() bool {
			return func() bool { return strings.Contains(on(t, l, host, "ip", "addr", "show", "eth2"), "203.0.113.3/") }
		}
		eventually(t, "edge1 holds the address", 20*time.Second, holder("edge1"))
		if err := l.Kill("edge1"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "edge2 holds the address", 20*time.Second, holder("edge2"))
		on(t, l, "internet", "ping", "-c", "1", "-W", "2", "203.0.113.3")
		if err := l.Start("edge1"); err != nil {
			t.Fatal(err)
		}
		eventually(t, "edge1 has it back after its boot", 20*time.Second, holder("edge1"))
	})
}

func update(t *testing.T, l *lab.Lab, line string) {
	t.Helper()
	if out := tryUpdate(l, line); out != "" {
		t.Fatalf("update: %s", out)
	}
}

func tryUpdate(l *lab.Lab, line string) string {
	out, _ := try(l, "ns1", "sh", "-c", `printf '%s\n' "server 127.0.0.1" "zone mycompany.com" "$0" send | knsupdate -k "$1" 2>&1`, line, lab.KeyFile)
	return out
}
