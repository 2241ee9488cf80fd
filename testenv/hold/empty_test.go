package hold

import (
	"testing"
	"time"

	"plumbline/testenv/site"
)

// TestAPlanAfterAnApplyIsEmpty also holds after every daemon was started anew.
func TestAPlanAfterAnApplyIsEmpty(t *testing.T) {
	s := onSite(t)
	s.nothingToDo()
	for _, service := range [][2]string{{"jino0", "libvirtd"}, {"ns1", "knot"}} {
		if err := s.Lab.Service(service[0], service[1]).Restart(); err != nil {
			t.Fatal(err)
		}
	}
	s.nothingToDo()
	s.settledAs("applied", s.push(payroll), 30*time.Second)
	if _, err := s.On(s.ctx, "internet", "true"); err != nil {
		t.Fatal(err)
	}
}

var _ = site.Until
