package volume

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/actuators/internal/kindtest"
	"plumbline/reconcile/exec"
	"plumbline/schema"
	"plumbline/testenv/need"
)

// counting counts the programs that run.
type counting struct {
	actuators.Host
	runs atomic.Int32
}

func (c *counting) Run(ctx context.Context, cmd actuators.Cmd) (actuators.Output, error) {
	c.runs.Add(1)
	return c.Host.Run(ctx, cmd)
}

func TestAFileThatLooksAsBeforeIsNotInspectedAgain(t *testing.T) {
	for _, format := range []string{"qcow2", "raw"} {
		t.Run(format, func(t *testing.T) {
			d := newDisk(t)
			d.spec.Format, d.spec.Resolved.Path = format, Path(d.spec.Resolved.Dir, "d", format)
			d.Apply(d.spec, false)
			host := &counting{Host: d.Host}
			d.Host = host
			looks := func(size string, runs int32) {
				t.Helper()
				bytes, _ := schema.ParseSize(size)
				before := host.runs.Load()
				var l State
				if err := json.Unmarshal(d.Have(d.spec).Here, &l); err != nil || l.Config.Size != bytes {
					t.Errorf("size %d, %v; want %s", l.Config.Size, err, size)
				}
				if n := host.runs.Load() - before; n != runs {
					t.Errorf("%d programs ran, want %d", n, runs)
				}
			}
			path := d.spec.Resolved.Path
			looks("8Mi", 0)
			d.run("qemu-io", "-f", format, "-c", "write -P 0x5a 1M 2M", path) // as a guest does
			looks("8Mi", 0)
			d.run("qemu-img", "resize", "-q", "-f", format, path, "16M")
			looks("16Mi", 1)
			looks("16Mi", 0)
		})
	}
}

// BenchmarkThousandVolumes looks at the volumes of a pool; the peer asks qemu-img about one.
func BenchmarkThousandVolumes(b *testing.B) {
	const many = 1000
	need.Program(b, "qemu-img")
	root := b.TempDir()
	dir := filepath.Join(root, "pool")
	host := exec.NewMachine("jino0", exec.Dirs{State: filepath.Join(root, "state"), Secrets: root})
	first := Path(dir, "first", "qcow2")
	if err := files.MakeDirs(dir); err != nil {
		b.Fatal(err)
	}
	if err := files.WritePool(host, dir, files.PoolMarker{Mark: actuators.Mark{Installation: kindtest.Installation, ID: "pool/p"}}); err != nil {
		b.Fatal(err)
	}
	if err := makeFile(b.Context(), host, first, "qcow2", 64*mi); err != nil {
		b.Fatal(err)
	}
	disk, err := os.ReadFile(first)
	if err != nil {
		b.Fatal(err)
	}
	scope := actuators.Scope{All: true}
	for i := range many {
		name := fmt.Sprintf("d%04d", i)
		path := Path(dir, name, "qcow2")
		side, _ := json.Marshal(files.Sidecar{Mark: actuators.Mark{Installation: kindtest.Installation, ID: schema.MakeID("volume", name)}})
		spec, _ := json.Marshal(Spec{Pool: "p", Size: "64Mi", Format: "qcow2", Resolved: Resolved{Dir: dir, Path: path}})
		scope.Targets = append(scope.Targets, actuators.Target{ID: schema.MakeID("volume", name), Spec: spec})
		for file, data := range map[string][]byte{path: disk, files.SidecarPath(path): side} {
			if err := os.WriteFile(file, data, 0o600); err != nil {
				b.Fatal(err)
			}
		}
	}
	look := func(b *testing.B, sc actuators.Scope, want int) {
		b.Helper()
		if seen, err := Kind.Observe(b.Context(), host, sc); err != nil || len(seen) < want {
			b.Fatalf("%d volumes, %v", len(seen), err)
		}
	}
	look(b, scope, many)
	b.Run("all", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			look(b, scope, many)
		}
	})
	b.Run("one", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			look(b, actuators.Scope{Targets: slices.Clone(scope.Targets[77:78])}, 1)
		}
	})
	b.Run("qemu-img-of-one", func(b *testing.B) {
		defer kindtest.CPU(b)()
		for b.Loop() {
			if _, err := qemuImg(b.Context(), host, "info", "-U", "--output=json", "-f", "qcow2", first); err != nil {
				b.Fatal(err)
			}
		}
	})
}
