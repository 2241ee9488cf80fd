package volume

import (
	"os"
	"testing"

	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	for _, format := range []string{"qcow2", "raw"} {
		t.Run(format, func(t *testing.T) {
			d := newDisk(t)
			d.image("4M")
			path := Path(d.spec.Resolved.Dir, "d", format)
			d.spec.Format, d.spec.Resolved.Path = format, path
			grown := d.spec
			grown.Size = "16Mi"
			renamed := grown
			renamed.Resolved.Path = Path(d.spec.Resolved.Dir, "e", format)
			marker := d.spec.Resolved.Dir + "/.plumb-pool"
			conform.Run(t, conform.Case{
				Kind: Kind, ID: d.At.ID, Host: d.Host, Specs: []any{d.spec, grown}, Renamed: &conform.Renamed{ID: "volume/e", Spec: renamed},
				Foreign:    func() { d.run("qemu-img", "create", "-q", "-f", format, path, "3M") },
				NotForeign: func() { must(t, os.Remove(path)) },
				Sabotage: []conform.Sabotage{
					{Name: "shrunk", Do: func() { d.run("qemu-img", "resize", "-q", "--shrink", "-f", format, path, "8M") }, Path: "size"},
				},
				Broken: []conform.Breakage{{Name: "the pool is not mounted", Break: func() func() {
					must(t, os.Rename(marker, marker+".aside"))
					return func() { must(t, os.Rename(marker+".aside", marker)) }
				}, Alone: true}},
				Native: d.left,
			})
		})
	}
}
