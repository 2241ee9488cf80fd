package virt

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/digitalocean/go-libvirt"

	"plumbline/actuators"
	host "plumbline/reconcile/exec"
	"plumbline/testenv/lab"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}

func machine() actuators.Host { return host.NewMachine("host1", host.Dirs{}) }

func connect(t *testing.T, ctx context.Context) *Conn {
	t.Helper()
	c, err := Open(ctx, machine())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// elsewhere dials another socket than libvirtd's.
type elsewhere struct {
	actuators.Host
	socket string
}

func (e elsewhere) Dial(ctx context.Context, network, _ string) (net.Conn, error) {
	return e.Host.Dial(ctx, network, e.socket)
}

// TestDaemonThatNeverAnswers: a listener that accepts and stays silent is what a frozen libvirtd looks like.
func TestDaemonThatNeverAnswers(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	answer := make(chan error, 1)
	go func() {
		_, err := Open(ctx, elsewhere{machine(), socket})
		answer <- err
	}()
	select {
	case err := <-answer:
		if !errors.Is(err, actuators.ErrTransient) || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), Socket) {
			t.Errorf("got %v, want a temporary failure by deadline that names the socket", err)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("open hangs")
	}
}

func TestNoDaemonIsATemporaryFailure(t *testing.T) {
	_, err := Open(t.Context(), elsewhere{machine(), filepath.Join(t.TempDir(), "none")})
	if !errors.Is(err, actuators.ErrTransient) || !strings.Contains(err.Error(), Socket) {
		t.Errorf("got %v", err)
	}
}

// TestDaemonThatHangsUpIsATemporaryFailure: a connection that dies under a call says nothing of what is there, nor that it was done.
func TestDaemonThatHangsUpIsATemporaryFailure(t *testing.T) {
	near, far := net.Pipe()
	go func() {
		far.Read(make([]byte, 1))
		far.Close()
	}()
	c := &Conn{rpc: libvirt.NewWithDialer(dialed{near}), raw: near}
	err := c.call(t.Context(), "ask", func() error { return c.rpc.ConnectToURI(libvirt.QEMUSystem) })
	if !errors.Is(err, actuators.ErrTransient) || errors.Is(err, actuators.ErrNotFound) || !strings.Contains(err.Error(), "disconnected") {
		t.Errorf("got %v", err)
	}
}

func TestErrorsOfLibvirtHaveClasses(t *testing.T) {
	cases := map[libvirt.ErrorNumber]error{
		libvirt.ErrNoDomain: actuators.ErrNotFound, libvirt.ErrNoNetwork: actuators.ErrNotFound,
		libvirt.ErrOperationTimeout: actuators.ErrTransient, libvirt.ErrConfigUnsupported: actuators.ErrRefused,
	}
	for code, want := range cases {
		err := cause(t.Context(), libvirt.Error{Code: uint32(code), Message: "m"})
		if !errors.Is(err, want) || !strings.HasSuffix(err.Error(), "m") {
			t.Errorf("code %d: got %v, want %v", code, err, want)
		}
	}
}

const tiny = `<domain type='qemu'><name>NAME</name><memory unit='MiB'>64</memory><vcpu current='1'>2</vcpu>
	<os><type arch='x86_64' machine='q35'>hvm</type></os><devices>
	<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='/tmp/disk.raw'/><target dev='vda' bus='virtio'/></disk>
	</devices></domain>`

// TestDomainsOnLibvirt goes through the calls on one real libvirtd, with domains that never boot a system.
func TestDomainsOnLibvirt(t *testing.T) {
	lab.Within(t, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c := connect(t, ctx)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		must(os.Truncate(touch(t, "/tmp/disk.raw"), 1<<20))
		_, err := c.Domain(ctx, "a")
		if !errors.Is(err, actuators.ErrNotFound) {
			t.Fatalf("an absent domain: got %v", err)
		}
		if err := c.Define(ctx, strings.Replace(tiny, "<vcpu", "<odd/><vcpu", 1)); !errors.Is(err, actuators.ErrRefused) {
			t.Errorf("a text against the schema: got %v, want refused", err)
		}
		must(c.Define(ctx, strings.Replace(tiny, "NAME", "b", 1)))
		must(c.Define(ctx, strings.Replace(tiny, "NAME", "a", 1)))
		must(c.SetMetadata(ctx, "a", "x", "urn:x", "<mark id='1'/>"))
		must(c.SetAutostart(ctx, "a", true))
		must(c.Create(ctx, "a"))
		must(c.SetVCPUs(ctx, "a", 2, Config|Live))
		must(c.BlockResize(ctx, "a", "/tmp/disk.raw", 2<<20))
		if info, err := os.Stat("/tmp/disk.raw"); err != nil || info.Size() != 2<<20 {
			t.Errorf("the disk was not resized: %v, %v", info, err)
		}
		all, err := c.Domains(ctx, nil)
		must(err)
		if len(all) != 2 || all[0].Name != "a" || all[0].State != Running || !all[0].Autostart || all[1].State != Stopped || all[1].Autostart || all[1].Live != "" {
			t.Fatalf("listed %+v", all)
		}
		for _, text := range []string{all[0].XML, all[0].Live} {
			if !strings.Contains(text, `<x:mark xmlns:x="urn:x" id="1"/>`) {
				t.Errorf("no metadata in %s", text)
			}
		}
		using, ok, err := c.DomainUsing(ctx, "/tmp/disk.raw")
		must(err)
		if !ok || using.Name != "a" {
			t.Errorf("the disk is used by %q; want the running a", using.Name)
		}
		must(c.Destroy(ctx, "a"))
		must(c.SetAutostart(ctx, "a", false))
		must(c.Rename(ctx, "a", "a.old"))
		must(c.Undefine(ctx, "a.old"))
		must(c.Undefine(ctx, "b"))
		if all, err := c.Domains(ctx, nil); err != nil || len(all) > 0 {
			t.Errorf("left over: %v, %v", all, err)
		}
		if _, ok, err := c.DomainUsing(ctx, "/tmp/disk.raw"); ok || err != nil {
			t.Errorf("a domain that is gone uses the disk: %v", err)
		}
	}, lab.With("libvirtd"))
}

func touch(t *testing.T, path string) string {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestNetworksOnLibvirt(t *testing.T) {
	lab.Within(t, func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		c := connect(t, ctx)
		if out, err := exec.Command("ip", "link", "add", "br7", "type", "bridge").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		const text = `<network><name>app</name><forward mode='bridge'/><bridge name='br7'/></network>`
		for _, err := range []error{c.NetworkDefine(ctx, text), c.NetworkSetAutostart(ctx, "app", true), c.NetworkCreate(ctx, "app")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		n, err := c.Network(ctx, "app")
		if err != nil || !n.Active || !n.Autostart || !strings.Contains(n.XML, "br7") {
			t.Errorf("got %+v, %v", n, err)
		}
		for _, err := range []error{c.NetworkDestroy(ctx, "app"), c.NetworkUndefine(ctx, "app")} {
			if err != nil {
				t.Fatal(err)
			}
		}
		all, err := c.Networks(ctx)
		for _, n := range all {
			if n.Name == "app" || err != nil {
				t.Errorf("left over: %v, %v", all, err)
			}
		}
		if _, err := c.Network(ctx, "app"); !errors.Is(err, actuators.ErrNotFound) {
			t.Errorf("an absent network: got %v", err)
		}
	}, lab.With("libvirtd"))
}

// TestWatchEndsWhenTheDaemonDies: the engine must look at everything again.
func TestWatchEndsWhenTheDaemonDies(t *testing.T) {
	lab.Within(t, func() {
		ready, ended := make(chan Hint, 10), make(chan error, 1)
		go func() { ended <- Watch(context.Background(), machine(), func(h Hint) { ready <- h }) }()
		select {
		case <-ready:
		case <-time.After(20 * time.Second):
			t.Fatal("no first hint")
		}
		if out, err := exec.Command("sh", "-c", "kill -KILL $(pidof libvirtd)").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		select {
		case err := <-ended:
			if !errors.Is(err, actuators.ErrTransient) {
				t.Errorf("got %v, want a temporary failure", err)
			}
		case <-time.After(20 * time.Second):
			t.Error("watch does not see that libvirtd is gone")
		}
	}, lab.With("libvirtd"))
}
