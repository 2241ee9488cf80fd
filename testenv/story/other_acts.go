package story

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/testenv/site"
)

// told waits for a notice of a reason and status about an object ("" = any).
func (s *Story) told(ctx context.Context, reason, status, object string) error {
	return site.Until(ctx, 2*time.Minute, func() error {
		all, err := s.Notices()
		if err != nil {
			return err
		}
		for _, n := range slices.Backward(all) {
			if n.Reason == reason && n.Status == status && (object == "" || n.Object == object) {
				s.Say("   %s %s: %s%s", n.Status, n.Reason, n.Message, where(n))
				return nil
			}
		}
		return fmt.Errorf("no notice %s %s about %q among %d", reason, status, object, len(all))
	})
}

// where says where a thing that drifted is declared, and since when it is not so.
func where(n site.Notice) string {
	if n.Status != "firing" {
		return ""
	}
	return fmt.Sprintf(" (declared %s:%d, since %.19s)", n.Declared.File, n.Declared.Line, n.StartsAt)
}

// sabotage: drift is told with what, since when and where it is declared, healed, and told as resolved.
func (s *Story) sabotage(ctx context.Context) error {
	s.Say("   jino0# virsh destroy payroll;  edge1# nft delete element …")
	if _, err := s.On(ctx, "jino0", "virsh", "destroy", "payroll"); err != nil {
		return err
	}
	if err := s.told(ctx, "DriftDetected", "firing", "vm/payroll@jino0"); err != nil {
		return err
	}
	if err := s.DeleteElement(ctx, "edge1"); err != nil {
		return err
	}
	if err := s.told(ctx, "DriftDetected", "firing", "balancer/payroll@edge1"); err != nil {
		return err
	}
	if err := s.told(ctx, "DriftHealed", "resolved", "balancer/payroll@edge1"); err != nil {
		return err
	}
	if err := s.told(ctx, "DriftHealed", "resolved", "vm/payroll@jino0"); err != nil {
		return err
	}
	domains, err := s.Domains(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(domains, "payroll running") {
		return fmt.Errorf("virsh says %v", domains)
	}
	if _, err := s.Fetched(ctx, 20*time.Second); err != nil {
		return err
	}
	return s.nothingLeftToDo(ctx)
}

// edgeDies: the cut-off of the edge that holds the public address moves it to the other, which is no drift.
func (s *Story) edgeDies(ctx context.Context) error {
	edge, err := s.Holder(ctx)
	if err != nil {
		return err
	}
	quiet, err := s.Notices()
	if err != nil {
		return err
	}
	s.Say("   %s holds 203.0.113.3 and loses its power", edge)
	died := time.Now()
	if err := s.Lab.Kill(edge); err != nil {
		return err
	}
	if _, err := s.Fetched(ctx, 2*time.Minute); err != nil {
		return err
	}
	now, err := s.Holder(ctx)
	if err != nil {
		return err
	}
	if now == edge {
		return fmt.Errorf("%s holds the address still", edge)
	}
	s.Say("   %s holds it now; the client was served again after %.1f s", now, time.Since(died).Seconds())
	if err := s.quietSince(len(quiet)); err != nil {
		return err
	}
	return s.edgeReturns(ctx, edge)
}

// quietSince: no drift was told since a notice.
func (s *Story) quietSince(n int) error {
	all, err := s.Notices()
	if err != nil {
		return err
	}
	for _, extra := range all[n:] {
		if strings.HasPrefix(extra.Reason, "Drift") {
			return fmt.Errorf("a legal failover was told as drift: %+v", extra)
		}
	}
	return nil
}

// edgeReturns: the edge boots with an empty kernel; what it lost is brought back.
func (s *Story) edgeReturns(ctx context.Context, edge string) error {
	if err := s.Lab.Start(edge); err != nil {
		return err
	}
	if _, err := s.Plumb(ctx, "heal"); err != nil {
		return err
	}
	if _, err := s.Fetched(ctx, 20*time.Second); err != nil {
		return err
	}
	s.Say("   %s is back and whole again", edge)
	return s.nothingLeftToDo(ctx)
}

// mistakes: what cannot be right is refused with its place, and nothing changes.
func (s *Story) mistakes(ctx context.Context) error {
	if err := s.Edit("payroll.cue", `pool: "vmdisks"`, `pool: "vmdiscs"`, `now: 1`, `nwo: 1`); err != nil {
		return err
	}
	if err := s.refusedPush(ctx, "two typos", "payroll.cue:", "vmdisks"); err != nil {
		return err
	}
	if _, err := s.Revert(ctx); err != nil {
		return err
	}
	if err := s.dropVM(); err != nil {
		return err
	}
	if err := s.refusedPush(ctx, "the VM alone goes", "nat/payroll-admin: needs 10.1.1.12 in app-boston", "nothing provides it any more (was vm/payroll)"); err != nil {
		return err
	}
	commit, err := s.Revert(ctx)
	if err != nil {
		return err
	}
	return s.Applied(ctx, commit)
}

// refusedPush pushes and wants the commit to be refused with these words.
func (s *Story) refusedPush(ctx context.Context, message string, words ...string) error {
	commit, err := s.Push(ctx, message)
	if err != nil {
		return err
	}
	st, err := s.Settled(ctx, commit, 2*time.Minute)
	if err != nil {
		return err
	}
	for _, word := range words {
		if !strings.Contains(st.Error, word) {
			return fmt.Errorf("the refusal lacks %q: %+v", word, st)
		}
	}
	s.Say("   refused:\n%s", indent(st.Error))
	if s.Model {
		return s.there("vm/payroll@jino0")
	}
	_, err = s.Page(ctx)
	return err
}

// dropVM takes the VM out of payroll.cue and leaves what needs it.
func (s *Story) dropVM() error {
	return s.Cut("payroll.cue", "\tvm: payroll: {", "\n\t}\n")
}

// goAndComeBack: everything of the application retires in order but the declared disk; declared again it is the same data.
func (s *Story) goAndComeBack(ctx context.Context) error {
	if err := s.Remove("second.cue"); err != nil {
		return err
	}
	if err := s.Cut("payroll.cue", "\tvm: payroll: {", "ttl: 1}\n"); err != nil {
		return err
	}
	preview, err := s.Plumb(ctx, "plan", "--dir", s.Path("work"), "--steps")
	if err != nil {
		return err
	}
	s.Say("%s", indent(preview))
	commit, err := s.Push(ctx, "payroll is no more")
	if err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	if err := s.gone(ctx); err != nil {
		return err
	}
	if commit, err = s.Revert(ctx); err != nil {
		return err
	}
	if err := s.Applied(ctx, commit); err != nil {
		return err
	}
	return s.sameData(ctx)
}

func (s *Story) gone(ctx context.Context) error {
	if address, err := s.Resolved(ctx, "payroll.mycompany.com"); err != nil || address != "" {
		return fmt.Errorf("the name still resolves to %q (%v)", address, err)
	}
	if n, err := s.Elements(ctx, "edge1", "10.1.1.12"); err != nil || n != 0 {
		return fmt.Errorf("edge1 still has %d elements for 10.1.1.12 (%v)", n, err)
	}
	domains, err := s.Domains(ctx)
	if err != nil {
		return err
	}
	for _, d := range domains {
		if !strings.Contains(d, ".plumb-retired-") {
			return fmt.Errorf("virsh still has %q", d)
		}
	}
	disk, err := s.On(ctx, "jino0", "ls", "/var/lib/plumb/pools/vmdisks/payroll-disk.qcow2")
	if err != nil {
		return fmt.Errorf("the declared disk is gone: %w", err)
	}
	s.Say("   record, balancer and VMs are retired; %s stays", strings.TrimSpace(disk))
	return nil
}

func (s *Story) sameData(ctx context.Context) error {
	return site.Until(ctx, 2*time.Minute, func() error {
		page, err := s.Page(ctx)
		if err != nil {
			return err
		}
		if page["hostname"] != "payroll" {
			return fmt.Errorf("the other VM answered")
		}
		if page["content"] != "salaries" {
			return fmt.Errorf("the data is %q", page["content"])
		}
		s.Say("   back with the same data: content=%s", page["content"])
		return nil
	})
}
