package vip

import (
	"testing"
	"unicode/utf8"
)

// Whatever stands in a file of keepalived: no panic, and what has no checksum of an edit says a router that is read back as it is.
func FuzzParse(f *testing.F) {
	f.Add("v", body("v", Router{Interface: "eth0", VRID: 7, Priority: 100, Advert: 1000, Address: "203.0.113.3/32"}))
	f.Add("v", "# plumb:i:vip/v:h\nadvert_int 1e300\n virtual_router_id -1\n")
	f.Add("v", "vrrp_instance v { virtual_ipaddress { } virtual_ipaddress { 1.2.3.4 5.6.7.8 } track { } } }")
	f.Fuzz(func(t *testing.T, name, content string) {
		c, _ := parse(name, content)
		if c.Edited != "" || !utf8.ValidString(name) {
			return
		}
		if again, _ := parse(name, body(name, c.Router)); again.Router != c.Router || !utf8.ValidString(content) {
			t.Errorf("%q is taken for %+v, which is read back as %+v", content, c, again)
		}
	})
}
