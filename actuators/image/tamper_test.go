package image

import (
	"testing"

	"plumbline/schema"
)

func TestWhateverIsDoneToFilesNoStampOfAnImageLies(t *testing.T) {
	w := newWorld(t, "one")
	w.Apply(w.spec, false)
	in := func(lines ...string) (out []string) {
		for _, line := range lines {
			out = append(out, "cd "+w.spec.Dir+"; "+line)
		}
		return out
	}
	w.Tamper(120, map[schema.ID]any{"image/tiny": w.spec}, in(
		"printf two > tiny.img", "printf one > tiny.img", "mv tiny.img x", "mv x tiny.img", "cp -p tiny.img y; mv y tiny.img", "touch tiny.img",
		"mv tiny.img.plumb.json z", "mv z tiny.img.plumb.json", "printf three > other.img", "rm -f other.img", "printf on | dd of=tiny.img conv=notrunc status=none",
		"chmod 600 tiny.img", "touch -d 2020-01-01 tiny.img", "mv tiny.img tiny.plumb-retired-20260101T000000Z.img")...)
}
