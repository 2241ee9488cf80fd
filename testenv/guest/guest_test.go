package guest_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"

	"plumbline/testenv/guest"
	"plumbline/testenv/lab"
	"plumbline/testenv/need"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

func image(t *testing.T) guest.Image {
	t.Helper()
	need.Root(t)
	need.Program(t, "apt-get", "qemu-img", "syslinux", "mcopy", "mke2fs", "busybox")
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cache, err := lab.CacheDir()
	if err != nil {
		t.Fatal(err)
	}
	img, err := guest.Build(ctx, cache)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

func TestBuildIsCached(t *testing.T) {
	if first, again := image(t), image(t); again != first {
		t.Errorf("second build gave %+v, first was %+v", again, first)
	}
}

var domain = template.Must(template.New("").Parse(`<domain type='qemu'>
<name>tiny</name><memory unit='MiB'>192</memory><currentMemory unit='MiB'>128</currentMemory><vcpu current='1'>2</vcpu>
<sysinfo type='smbios'><oemStrings>
	<entry>plumb.hostname=payroll</entry>
	<entry>plumb.nic.52:54:00:0a:01:0c=10.1.1.12/24,gw=10.1.1.1</entry>
</oemStrings></sysinfo>
<os><type arch='x86_64' machine='q35'>hvm</type><boot dev='hd'/><smbios mode='sysinfo'/></os>
<cpu mode='custom'><model>qemu64</model></cpu><features><acpi/></features>
<devices>
	<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='{{.}}'/><target dev='vda' bus='virtio'/></disk>
	<interface type='bridge'><source bridge='br0'/><mac address='52:54:00:0a:01:0c'/><model type='virtio'/></interface>
	<serial type='file'><source path='/var/log/tiny.log'/></serial>
</devices></domain>`))

// TestGuestLivesOnLibvirt is one story because a boot costs seconds.
func TestGuestLivesOnLibvirt(t *testing.T) {
	img := image(t)
	nic := []lab.NIC{{Name: "eth0", Segment: "app"}}
	l := lab.Start(t, lab.Config{Hosts: []lab.HostConfig{
		{Name: "jino0", NICs: nic, Services: []string{"libvirtd"}},
		{Name: "client", NICs: []lab.NIC{{Name: "eth0", Segment: "app", Addresses: []string{"10.1.1.1/24"}}}},
	}})
	g := story{t, l}
	const disk = "/var/lib/libvirt/tiny.qcow2"
	var xml bytes.Buffer
	if err := domain.Execute(&xml, disk); err != nil {
		t.Fatal(err)
	}
	g.on("jino0", "sh", "-c", `ip link add br0 type bridge; ip link set br0 up; ip link set eth0 master br0; printf %s "$1" >/root/tiny.xml; cp "$2" "$3"`,
		"sh", xml.String(), img.Path, disk)
	g.on("jino0", "virsh", "define", "/root/tiny.xml")

	g.on("jino0", "virsh", "start", "tiny")
	started := time.Now()
	first := g.await("hostname=payroll", "content=fresh", "cpus=1", fmt.Sprintf("disk.vda=%d", img.Size))
	t.Logf("HTTP %.1f s after start", time.Since(started).Seconds())

	g.on("client", "curl", "-s", "-m", "5", "http://10.1.1.12/cgi-bin/write?kept")
	g.on("jino0", "virsh", "blockresize", "tiny", "vda", "64M")
	g.on("jino0", "virsh", "setvcpus", "tiny", "2", "--live")
	g.await("content=kept", "disk.vda=67108864", "cpus=2")
	g.eventually("the balloon leaves at most 128 MiB", func() (string, bool) {
		page := g.await("content=kept")
		return page, number(page, "memory") < 128<<20
	})
	g.on("jino0", "virsh", "setmem", "tiny", "176M", "--live")
	g.eventually("memory grows beyond 128 MiB", func() (string, bool) {
		page := g.await("content=kept")
		return page, number(page, "memory") > 128<<20
	})

	g.on("client", "curl", "-s", "-m", "5", "http://10.1.1.12/cgi-bin/ignore?yes")
	g.on("jino0", "virsh", "shutdown", "tiny")
	g.await("content=kept") // still there
	g.on("client", "curl", "-s", "-m", "5", "http://10.1.1.12/cgi-bin/ignore?no")
	g.on("jino0", "virsh", "shutdown", "tiny")
	g.eventually("the guest is off", func() (string, bool) {
		state := g.on("jino0", "virsh", "domstate", "tiny")
		return state, strings.HasPrefix(state, "shut off")
	})

	g.on("jino0", "virsh", "start", "tiny")
	if second := g.await("content=kept", "disk.vda=67108864"); value(second, "boot") == value(first, "boot") {
		t.Error("the guest did not boot again")
	}
}

type story struct {
	t *testing.T
	l *lab.Lab
}

func (g story) on(host string, argv ...string) string {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	out, err := g.l.Exec(ctx, host, argv...)
	if err != nil {
		g.t.Fatal(err)
	}
	return out
}

// await fetches the guest's page until it has all the lines.
func (g story) await(lines ...string) (page string) {
	g.t.Helper()
	g.eventually(strings.Join(lines, " "), func() (string, bool) {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		defer cancel()
		page, _ = g.l.Exec(ctx, "client", "curl", "-s", "-m", "1", "http://10.1.1.12/")
		for _, line := range lines {
			if !strings.Contains("\n"+page, "\n"+line+"\n") {
				return page, false
			}
		}
		return page, true
	})
	return page
}

func (g story) eventually(what string, holds func() (seen string, ok bool)) {
	g.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		seen, ok := holds()
		if ok {
			return
		}
		if time.Now().After(deadline) {
			g.t.Fatalf("not within a minute: %s; last seen:\n%s", what, seen)
		}
	}
}

func number(page, key string) int {
	n, _ := strconv.Atoi(value(page, key))
	return n
}

func value(page, key string) string {
	for _, line := range strings.Split(page, "\n") {
		if v, ok := strings.CutPrefix(line, key+"="); ok {
			return v
		}
	}
	return ""
}
