package nft

import "testing"

// A link-local address of one interface is not that address on every interface.
func TestAddressOfOneInterfaceIsRefused(t *testing.T) {
	for _, text := range []string{"fe80::1%eth0", "fe80::1%eth0-fe80::2%eth0"} {
		if got, err := Addresses([]string{text}, true); err == nil {
			t.Errorf("%s: read as %s", text, got)
		}
	}
}
