package trust

import "testing"

// A list of signers is the controller's, but a signature is anybody's.
func FuzzSigners(f *testing.F) {
	f.Add("ann@boston namespaces=\"git\",valid-after=\"20200101Z\" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHuqZr0hbvdCHWTvhmAMTrJxV8FlhqOmQzXzRJHJvcq6 x\n")
	f.Add("\"a b\" ssh-rsa AAAA\n!x ssh-ed25519 A\n")
	f.Fuzz(func(t *testing.T, text string) {
		signers, err := parseSigners(text)
		for _, s := range signers {
			if err == nil && (s.key == nil || len(s.principals) == 0) {
				t.Errorf("a signer without key or name: %+v", s)
			}
		}
	})
}
