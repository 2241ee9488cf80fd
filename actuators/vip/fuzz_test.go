package vip

import "testing"

// Whatever stands in a file of keepalived: no panic, and only what we would have written has no checksum of an edit.
func FuzzParse(f *testing.F) {
	f.Add("v", body("v", Router{Interface: "eth0", VRID: 7, Priority: 100, Advert: 1000, Address: "203.0.113.3/32"}))
	f.Add("v", "# plumb:i:vip/v:h\nadvert_int 1e300\n virtual_router_id -1\n")
	f.Fuzz(func(t *testing.T, name, content string) {
		c, mark := parse(name, content)
		if mark == nil && c.Edited == "" && body(name, c.Router) != content && body(name, c.Router) != afterFirst(content) {
			t.Errorf("%q is taken for ours: %+v", content, c)
		}
	})
}

func afterFirst(content string) string {
	for i := range content {
		if content[i] == '\n' {
			return content[i+1:]
		}
	}
	return ""
}
