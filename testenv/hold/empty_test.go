package hold

import (
	"testing"
	"time"
)

// TestAPlanAfterAnApplyIsEmpty also holds after every daemon was started anew.
func TestAPlanAfterAnApplyIsEmpty(t *testing.T) {
	s := onSite(t)
	page, err := s.Fetched(s.ctx, 20*time.Second)
	if err != nil || page["hostname"] != "payroll" {
		t.Fatalf("the application does not answer: %v (%v)", page, err)
	}
	s.nothingToDo()
	for host, service := range map[string]string{"jino0": "libvirtd", "ns1": "knot"} {
		if err := s.Lab.Service(host, service).Restart(); err != nil {
			t.Fatal(err)
		}
	}
	s.nothingToDo()
	if _, err := s.Fetched(s.ctx, 20*time.Second); err != nil {
		t.Fatal(err)
	}
}
