package reconcile

import "testing"

// Who logged in is told where it is another than whose process it is; no login, or no kernel that knows one, tells nobody.
func TestWhoGivesOrders(t *testing.T) {
	for _, c := range []struct{ uid, login, want string }{
		{"0", "0", "root"}, {"0", "", "root"}, {"0", nobody, "root"}, {"0", "424242", "root (uid 424242)"}, {"424242", "0", "uid 424242 (root)"},
	} {
		if got := personOf(c.uid, c.login); got != c.want {
			t.Errorf("user %s in a session of %q is %q, want %q", c.uid, c.login, got, c.want)
		}
	}
}
