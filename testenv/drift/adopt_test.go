package drift

import (
	"context"
	"strings"
	"testing"
)

// TestWhatIsLiveCanBeDeclared: of what somebody changed by native tools, `plumb adopt` writes the change of the file that declares it.
func TestWhatIsLiveCanBeDeclared(t *testing.T) {
	s := onSite(t)
	s.on("jino0", "virsh dumpxml --inactive spare >/root/spare.xml")
	for _, one := range []struct{ object, host, spoil, mend, was, is string }{
		{"vm/spare@jino0", "jino0", redefine("s/>65536</>98304</"), "virsh -q define /root/spare.xml", `now: "64Mi"`, `now: "96Mi"`},
		{"nat/payroll@edge1", "edge1", forward(dns, dns, "10.1.1.12 . 54"), forward(dns, dns, "10.1.1.12 . 53"), "to: 53", "to: 54"},
		{"balancer/payroll@edge2", "edge2", served(pay, pay, "10.1.1.12 . 81"), served(pay, pay, "10.1.1.12 . 80"), "port: 80}]", "port: 81"},
		{"record/six.mycompany.com@ns1", "ns1", update(`add six.mycompany.com. 60 AAAA 2001:db8::9`), update(`del six.mycompany.com. AAAA 2001:db8::9`), `["2001:db8::3"]`, `"2001:db8::9"`},
		{"bridge/spare@jino0", "jino0", "ip link set spare0 mtu 1300", "ip link set spare0 mtu 1400", "mtu: 1400", "mtu: 1300"},
	} {
		before, _ := s.ear.about(one.object)
		ctx, cancel := context.WithTimeout(s.ctx, within)
		s.on(one.host, one.spoil)
		if _, err := s.ear.next(ctx, one.object, len(before)); err != nil {
			t.Fatal(err)
		}
		out, err := s.Plumb(s.ctx, "adopt", one.object)
		if err != nil || !changed(out, "-", one.was) || !changed(out, "+", one.is) {
			t.Errorf("%s: %v\n%s", one.object, err, out)
		}
		s.on(one.host, one.mend)
		if _, err := s.ear.next(ctx, one.object, len(before)+1); err != nil {
			t.Error(err)
		}
		cancel()
	}
}

// changed tells whether a patch has a line of a sign with a text in it.
func changed(patch, sign, text string) bool {
	for line := range strings.Lines(patch) {
		if strings.HasPrefix(line, sign) && strings.Contains(line, text) {
			return true
		}
	}
	return false
}
