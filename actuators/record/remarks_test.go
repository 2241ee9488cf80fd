package record

import (
	"testing"

	"plumbline/actuators/internal/dns"
)

func TestARecordThatIsLeftBehindIsRemarkedOn(t *testing.T) {
	at := func(zone, server string) Spec {
		return Spec{Zone: zone, Resolved: Resolved{Server: dns.Server{Address: server, Zone: zone}}}
	}
	was := at("a.test", "10.0.0.1:53")
	for name, now := range map[string]Spec{"another zone": at("b.test", "10.0.0.1:53"), "another server": at("a.test", "10.0.0.2:53")} {
		if got := remarks(was, now, false); len(got) != 1 {
			t.Errorf("%s: %q", name, got)
		}
		if got := remarks(was, now, true); got != nil {
			t.Errorf("%s, and it is there: %q", name, got)
		}
	}
	if got := remarks(was, was, false); got != nil {
		t.Errorf("the same place: %q", got)
	}
}
