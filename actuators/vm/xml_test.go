package vm

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/virt"
)

var mark = actuators.Mark{Installation: "lab", ID: payroll, Hash: "0123456789abcdef"}

func TestMarkIsOursOnlyInItsOwnDomain(t *testing.T) {
	foreign := `<app:x xmlns:app="http://example.org"><mark id="vm/payroll"/></app:x>`
	inner := foreign + metadata(mark, "u-1", "45s")
	if got, stop := readMark(inner, "u-1"); got == nil || *got != mark || stop != "45s" {
		t.Errorf("got %v, %s; want %v", got, stop, mark)
	}
	if got, _ := readMark(inner, "u-2"); got != nil {
		t.Errorf("a clone counts as ours: %v", got)
	}
	if got, _ := readMark(foreign, "u-1"); got != nil {
		t.Errorf("a foreign element counts as a mark: %v", got)
	}
}

func TestSpliceChangesNothingButOurStrings(t *testing.T) {
	text := `<domain><sysinfo type='smbios'><oemStrings><entry>theirs &amp; more</entry><entry>plumb.hostname=a</entry></oemStrings></sysinfo><x odd='1'/></domain>`
	got, err := splice(text, []string{"plumb.hostname=<b>"})
	want := `<domain><sysinfo type='smbios'><oemStrings><entry>theirs &amp; more</entry><entry>plumb.hostname=&lt;b&gt;</entry></oemStrings></sysinfo><x odd='1'/></domain>`
	if err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	made, err := splice("<domain><metadata><os>x</os></metadata><os><type/></os></domain>", []string{"plumb.hostname=a"})
	want = "<domain><metadata><os>x</os></metadata><sysinfo type='smbios'><oemStrings><entry>plumb.hostname=a</entry></oemStrings></sysinfo><os><type/><smbios mode='sysinfo'/></os></domain>"
	if err != nil || made != want {
		t.Errorf("got %s, %v", made, err)
	}
	for _, text := range []string{"<domain/>", "<domain><sysinfo type='smbios'/><os/></domain>"} {
		if _, err := splice(text, nil); !errors.Is(err, actuators.ErrRefused) {
			t.Errorf("%s: got %v, want a refusal", text, err)
		}
	}
}

// TestWhatIsBuiltIsReadBack: the definition's text and the observed state are inverse.
func TestWhatIsBuiltIsReadBack(t *testing.T) {
	p := &planner{want: declared(t, addDisk)}
	c := p.wanted(deriveUUID("lab", payroll))
	text, err := build(Definition{Ref: Ref{Domain: "payroll", Mark: mark}, Config: c, NICs: p.want.Resolved.NICs, Machine: "q35", Accel: "tcg"}, "tcg")
	if err != nil {
		t.Fatal(err)
	}
	live, err := identify(virt.Domain{Name: "payroll", UUID: c.UUID, State: virt.Stopped, XML: text})
	if err != nil {
		t.Fatal(err)
	}
	if live.Mark == nil || *live.Mark != mark || live.ID != payroll || live.Retired {
		t.Errorf("got %+v", live)
	}
	seen := live.State.Config
	if !slices.Equal(seen.Disks, c.Disks) || !slices.Equal(seen.NICs, c.NICs) || !slices.Equal(seen.Guest, c.Guest) || seen.CPU != c.CPU || seen.Memory != c.Memory || seen.Power != stopped {
		t.Errorf("built %+v\nread  %+v", c, seen)
	}
}

func TestRetiredDomainIsKnownByMarkAndName(t *testing.T) {
	text := strings.ReplaceAll(`<domain><metadata>MARK</metadata></domain>`, "MARK", metadata(mark, "u", ""))
	live, err := identify(virt.Domain{Name: "payroll.plumb-retired-1795000000", UUID: "u", XML: text})
	if err != nil || !live.Retired || live.ID != payroll {
		t.Errorf("got %+v, %v", live, err)
	}
	if live, _ = identify(virt.Domain{Name: "payroll.plumb-retired-1795000000", UUID: "other", XML: text}); live.Retired {
		t.Error("a foreign domain counts as retired")
	}
}

func TestTargets(t *testing.T) {
	for i, want := range map[int]string{0: "vda", 25: "vdz", 26: "vdaa", 27: "vdab", 701: "vdzz", 702: "vdaaa"} {
		if got := target(i); got != want {
			t.Errorf("target(%d) = %s, want %s", i, got, want)
		}
	}
}
