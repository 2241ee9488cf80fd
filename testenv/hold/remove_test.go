package hold

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTheApplicationGoesInOrder: the VM alone may not go. Record, NAT and VM go in this order, the declared disk stays, and a
// guest that ignores the power button is forced off when its time is over, as the plan said.
func TestTheApplicationGoesInOrder(t *testing.T) {
	s := onSite(t)
	s.neverAnswers()
	s.apply(payroll.with("vm", machine("payroll", "payroll-disk", 12, `ready: {tcp: 80, timeout: "60s"}`, `stop: timeout: "3s"`)))
	s.until(30*time.Second, func() error {
		_, err := s.On(s.ctx, "jino0", "curl", "-sS", "--max-time", "2", "http://10.1.1.12/cgi-bin/ignore?yes")
		return err
	})

	commit := s.push(payroll.with("vm", ""))
	s.settledAs("refused", commit, 30*time.Second)
	st, err := s.Status(s.ctx)
	if err != nil || !strings.Contains(st.Error, "nothing provides it any more (was vm/payroll)") || !strings.Contains(st.Error, "nat.cue:") {
		t.Fatalf("the VM alone may go? %+v (%v)", st, err)
	}
	if domains, err := s.Domains(s.ctx); err != nil || !slices.Equal(domains, []string{"payroll running"}) {
		t.Fatalf("virsh has %v (%v)", domains, err)
	}

	gone := payroll.with("vm", "", "nat", "", "record", "")
	s.declare(gone)
	preview, err := s.Plumb(s.ctx, "plan", "--dir", s.Path("work"), "--steps")
	if err != nil || !strings.Contains(preview, "3s") || !strings.Contains(preview, "forc") {
		t.Errorf("the plan does not say that the guest is forced off after 3 s: %v\n%s", err, preview)
	}
	order := make(chan error, 1)
	go func() { order <- s.dismantled() }()
	begun := time.Now()
	s.apply(gone)
	t.Logf("gone after %.1f s", time.Since(begun).Seconds())
	if err := <-order; err != nil {
		t.Error(err)
	}
	s.resolves("payroll.mycompany.com", "", 10*time.Second)
	if n, err := s.Elements(s.ctx, "edge1", "10.1.1.12"); err != nil || n != 0 {
		t.Errorf("edge1 still forwards %d ports (%v)", n, err)
	}
	domains, err := s.Domains(s.ctx)
	if err != nil || len(domains) != 1 || !strings.HasPrefix(domains[0], "payroll.plumb-retired-") || !strings.HasSuffix(domains[0], " shut off") {
		t.Errorf("virsh has %v (%v)", domains, err)
	}
	s.on("jino0", "ls", pool+"payroll-disk.qcow2")
	s.nothingToDo()
}

// neverAnswers declares a VM with a port at which nobody listens: the VM goes back, and what fails is said.
func (s *scene) neverAnswers() {
	s.t.Helper()
	commit := s.push(payroll.with("mute", disk("mute-disk")+"\n\t"+machine("mute", "mute-disk", 13, `ready: {tcp: 81, timeout: "2s"}`, `stop: timeout: "1s"`)))
	s.settledAs("rolled back", commit, time.Minute)
	s.told("RolledBack", commit, "vm/mute", "cannot reach tcp 10.1.1.13:81 within 2s")
	if domains, err := s.Domains(s.ctx); err != nil || !slices.Equal(domains, []string{"payroll running"}) {
		s.t.Errorf("virsh has %v (%v)", domains, err)
	}
}

// dismantled watches how the application goes, until it is gone: whatever is gone, what needed it must be gone too.
func (s *scene) dismantled() error {
	for begun := time.Now(); time.Since(begun) < time.Minute; {
		// In this order: what is asked later is asked at a later time.
		domains, err := s.Domains(s.ctx)
		if err != nil {
			return err
		}
		ports, err := s.Elements(s.ctx, "edge1", "10.1.1.12")
		if err != nil {
			return err
		}
		address, err := s.Resolved(s.ctx, "payroll.mycompany.com")
		if err != nil {
			return err
		}
		vm := slices.Equal(domains, []string{"payroll running"})
		switch {
		case !vm && ports > 0:
			return fmt.Errorf("the VM is %v and edge1 still forwards to it", domains)
		case ports == 0 && address != "":
			return fmt.Errorf("edge1 forwards no more, and the name still resolves to %s", address)
		case !vm:
			return nil
		}
	}
	return errors.New("the VM stays")
}
