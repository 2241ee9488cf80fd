package virt

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/testenv/lab"
)

// settled waits until the files of all domains rest, when texts are taken from what is kept.
func settled(t *testing.T, ctx context.Context) string {
	t.Helper()
	for {
		stamp, err := Stamp(ctx, machine(), actuators.Scope{All: true})
		if err != nil {
			t.Fatal(err)
		}
		if stamp != "" {
			return stamp
		}
		time.Sleep(actuators.StampRest / 5)
	}
}

// Whatever others change of a domain, at rest or running, what a look gives is what libvirtd says, and the stamp is another.
func TestWhatIsKeptIsWhatLibvirtSays(t *testing.T) {
	lab.Within(t, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c := connect(t, ctx)
		if err := os.Truncate(touch(t, "/tmp/disk.raw"), 1<<20); err != nil {
			t.Fatal(err)
		}
		if err := c.Define(ctx, strings.Replace(tiny, "NAME", "a", 1)); err != nil {
			t.Fatal(err)
		}
		before := ""
		for _, change := range []string{ // of virsh
			"true", "setvcpus a 2 --config", "metadata a urn:x --config --key x --set <mark/>", "autostart a", "setmem a 48M --config", "start a --paused",
			"metadata a urn:x --live --key x --set <other/>", "desc a --live --title new", "destroy a", "undefine a",
		} {
			if change != "true" {
				if out, err := exec.Command("virsh", append([]string{"-q"}, strings.Fields(change)...)...).CombinedOutput(); err != nil {
					t.Fatalf("%s: %v\n%s", change, err, out)
				}
			}
			for range 2 { // at once, and from what is kept
				all, err := c.Domains(ctx, nil)
				if err != nil {
					t.Fatal(err)
				}
				for _, d := range all {
					told, err := c.Domain(ctx, d.Name)
					if err != nil || told.XML != d.XML || told.Live != d.Live || told.State != d.State || told.Autostart != d.Autostart {
						t.Errorf("after %q: kept is %+v, libvirtd says %+v, %v", change, d, told, err)
					}
				}
				after := settled(t, ctx)
				if after == before {
					t.Errorf("after %q the stamp is what it was", change)
				}
				if len(all) > 0 && all[0].entry.defined.print == (print{}) {
					if _, err := c.Domains(ctx, nil); err != nil { // now at rest
						t.Fatal(err)
					}
				}
			}
			before = settled(t, ctx)
		}
	}, lab.With("libvirtd"))
}
