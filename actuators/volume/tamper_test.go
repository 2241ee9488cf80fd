package volume

import (
	"testing"

	"plumbline/schema"
)

func TestWhateverIsDoneToFilesNoStampOfAVolumeLies(t *testing.T) {
	d := newDisk(t)
	d.Apply(d.spec, false)
	other := d.spec
	other.Resolved.Path = Path(d.spec.Resolved.Dir, "other", "raw")
	other.Format = "raw"
	in := func(lines ...string) (out []string) {
		for _, line := range lines {
			out = append(out, "cd "+d.spec.Resolved.Dir+"; "+line)
		}
		return out
	}
	d.Tamper(60, map[schema.ID]any{"volume/d": d.spec, "volume/other": other}, in(
		"qemu-img resize -q d.qcow2 +1M", "mv d.qcow2 e.qcow2", "mv e.qcow2 d.qcow2", "rm -f other.raw", "truncate -s 3M other.raw",
		"truncate -s 5M other.raw", "printf x | dd of=d.qcow2 conv=notrunc status=none", "printf Q | dd of=d.qcow2 conv=notrunc status=none",
		"qemu-img create -q -f qcow2 d.qcow2 8M", "mv d.qcow2.plumb.json x", "mv x d.qcow2.plumb.json", "cp -p d.qcow2 d.new; mv d.new d.qcow2",
		"mv .plumb-pool pool", "mv pool .plumb-pool", "mv pool .plumb-pool", "mv pool .plumb-pool", "mv pool .plumb-pool", "qemu-io -c 'write -P 7 0 64k' d.qcow2", "touch d.qcow2")...)
}
