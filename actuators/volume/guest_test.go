package volume

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/testenv/lab"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

// guest is a domain that never boots a system and holds its disk open.
const guest = `<domain type='qemu'><name>payroll</name><memory unit='MiB'>32</memory>
<os><type arch='x86_64'>hvm</type></os><devices>
<disk type='file' device='disk'><driver name='qemu' type='%s'/><source file='%s'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>`

func TestRunningGuestSeesItsDiskGrow(t *testing.T) {
	lab.Within(t, func() {
		for _, format := range []string{"qcow2", "raw"} {
			d := newDisk(t)
			d.spec.Format, d.spec.Resolved.Path = format, Path(d.spec.Resolved.Dir, "d", format)
			d.Apply(d.spec, false)
			definition := filepath.Join(t.TempDir(), "guest.xml")
			must(t, os.WriteFile(definition, fmt.Appendf(nil, guest, format, d.spec.Resolved.Path), 0o644))
			d.run("virsh", "create", definition)
			d.spec.Size = "16Mi"
			d.Apply(d.spec, false)
			d.Settled(d.spec)
			if out := d.run("virsh", "domblkinfo", "payroll", "vda"); !strings.Contains(out, "16777216") {
				t.Errorf("the guest's disk is %s", out)
			}
			if _, err := d.Try(d.Plan(d.spec, true)[0]); !errors.Is(err, errInUse) {
				t.Errorf("retire: got %v, want in use", err)
			}
			d.run("virsh", "destroy", "payroll")
			d.Apply(d.spec, true)
		}
	}, lab.With("libvirtd"))
}
