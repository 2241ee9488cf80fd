package crash

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"plumbline/reconcile/journal"
	"plumbline/testenv/need"
)

// TestAFullDiskUnderTheStore: the disk of the state has room for so many pages more, for every number of pages from none to
// enough. Whatever cannot be written stops the run, with an error and nothing half; when there is room again, what is open is
// taken up.
func TestAFullDiskUnderTheStore(t *testing.T) {
	need.Root(t)
	dir := t.TempDir()
	must(t, syscall.Mount("none", dir, "tmpfs", 0, "size=2m,mode=0700"))
	t.Cleanup(func() { must(t, syscall.Unmount(dir, 0)) })
	for _, name := range []string{"create", "ground"} {
		s := set(t, *find(t, name))
		failed, pages := 0, 0
		for full := true; full; pages++ {
			for _, how := range []crash{{fault: -1, who: "controller"}, {fault: len(s.plan.Steps) - 1, how: "refuse", who: "controller"}} {
				how.scene = name
				p := newPlayer(t, s)
				p.path = filepath.Join(dir, "journal.db")
				full = p.crowded(how, dir, pages) || full && how.fault >= 0
				if full {
					failed++
				}
			}
		}
		t.Logf("%s: %d runs met a full disk, of up to %d pages", name, failed, pages-1)
		if failed < 10 {
			t.Errorf("%s: only %d runs met a full disk", name, failed)
		}
	}
}

// crowded plays a scene with so many free pages; it tells whether they were too few.
func (p *player) crowded(c crash, dir string, pages int) (full bool) {
	p.t.Helper()
	must(p.t, os.WriteFile(p.path, p.journal, 0o600))
	ballast := filepath.Join(dir, "ballast")
	p.fill(ballast, pages)
	clock := newClock()
	world, err := p.world.Clone(clock.now)
	must(p.t, err)
	p.inject(world, c)
	begun, lost := map[string]bool{}, map[int]string{}
	first := &life{begun: begun, lost: lost}
	if err := p.live(world, clock, first, false); err != nil {
		full = true
		if !strings.Contains(err.Error(), "no space left on device") {
			p.t.Errorf("%s with %d pages: the error does not say why: %v", c, pages, err)
		}
	}
	must(p.t, os.Remove(ballast))
	if err := p.live(world, clock, &life{begun: begun, lost: lost}, true); err != nil {
		p.t.Fatalf("%s with %d pages: what is open is not taken up: %v", c, pages, err)
	}
	store, err := journal.Open(p.path, journal.Options{Version: "test"})
	must(p.t, err)
	wrong := append(first.wrong, p.judge(world, store, c, lost)...)
	if len(wrong) == 0 {
		wrong = p.converge(world, store, clock)
	}
	if len(wrong) > 0 {
		p.t.Errorf("%s with %d pages: %s", c, pages, wrong[0])
	}
	must(p.t, store.Close())
	return full
}

// fill leaves so many pages of the disk free.
func (p *player) fill(path string, pages int) {
	p.t.Helper()
	f, err := os.Create(path)
	must(p.t, err)
	defer f.Close()
	page := bytes.Repeat([]byte{1}, os.Getpagesize())
	size := int64(0)
	for {
		n, err := f.Write(page)
		if errors.Is(err, syscall.ENOSPC) {
			break
		}
		must(p.t, err)
		size += int64(n)
	}
	must(p.t, f.Truncate(max(0, size-int64(pages*len(page)))))
}
