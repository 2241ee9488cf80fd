package power

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators/all"
	engine "plumbline/reconcile/exec"
)

// guestDir names the machine's directory to process 1, and wants the topology that it is to go to.
const guestDir, wants = "power_dir", "power_to"

// TestMain makes this binary process 1 of the machine, and the watcher of steps that want a confirmation, too.
func TestMain(m *testing.M) {
	engine.Hook(all.Registry())
	if os.Getpid() == 1 && os.Getenv(guestDir) != "" {
		g := &guest{dir: os.Getenv(guestDir), to: os.Getenv(wants)}
		if err := g.live(); err != nil {
			fmt.Printf("\nWRONG %s\n", strings.ReplaceAll(err.Error(), "\n", " | "))
		}
		select {} // the power is taken from outside
	}
	os.Exit(m.Run())
}

// guest is the machine from within.
type guest struct {
	dir, to string
}

// live is one time that the machine is on: it boots, tells what is left of the time before, ends what is open, brings all to the
// topology that was wanted then, and begins with the next one.
func (g *guest) live() error {
	if err := g.start(); err != nil {
		return err
	}
	say("UP", "after %s", uptime())
	remembered, err := g.remembered()
	if err != nil {
		return err
	}
	tell("RECORDS", remembered)
	tell("FOUND", g.look())
	report, err := g.resume()
	if err != nil {
		return err
	}
	tell("RESUMED", report)
	tell("RESULT", g.look())
	if last := g.read("/var/lib/power/to"); last != "" {
		if err := g.apply(last, nil); err != nil {
			return err
		}
		tell("THROUGH", g.look())
	}
	if g.to == "" {
		return nil
	}
	if err := g.write("/var/lib/power/to", g.to); err != nil {
		return err
	}
	say("BEGINS", "%s", g.to)
	if err := g.apply(g.to, func(line string) { say("ACK", "%s", line) }); err != nil {
		return err
	}
	tell("DONE", g.look())
	return nil
}

// start mounts the disk, an overlay on it over the root of the machine outside, and starts what plumb works on.
func (g *guest) start() error {
	const disk = "/mnt"
	if err := unix.Mount("/dev/ubda", disk, "ext4", 0, ""); err != nil {
		return fmt.Errorf("mount the disk: %w", err)
	}
	for _, dir := range []string{"upper", "work", "root"} {
		if err := os.MkdirAll(filepath.Join(disk, dir), 0o755); err != nil {
			return err
		}
	}
	for _, module := range []string{"fs/overlayfs/overlay", "lib/crc-ccitt", "net/ipv6/ipv6", "net/llc/llc", "net/802/stp", "net/bridge/bridge"} {
		if err := insert(module); err != nil {
			return err
		}
	}
	root := disk + "/root"
	if err := unix.Mount("overlay", root, "overlay", 0, "lowerdir=/,upperdir="+disk+"/upper,workdir="+disk+"/work"); err != nil {
		return fmt.Errorf("mount the root: %w", err)
	}
	for _, m := range [][3]string{{"proc", "/proc", "proc"}, {"sysfs", "/sys", "sysfs"}, {"devtmpfs", "/dev", "devtmpfs"}, {"tmpfs", "/run", "tmpfs"}} {
		if err := unix.Mount(m[0], root+m[1], m[2], 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	if err := unix.Chroot(root); err != nil {
		return err
	}
	if err := os.Chdir("/"); err != nil {
		return err
	}
	// What plumb remembers is on a disk of its own, as it is on another machine: its syncs must not make durable what it manages.
	if err := os.MkdirAll(state, 0o700); err != nil {
		return err
	}
	if err := unix.Mount("/dev/ubdb", state, "ext4", 0, ""); err != nil {
		return fmt.Errorf("mount the state: %w", err)
	}
	os.Setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
	os.Setenv("HOME", "/root")
	if err := g.command("ip", "link", "set", "lo", "up"); err != nil {
		return err
	}
	if err := g.knot(); err != nil {
		return err
	}
	return g.libvirt()
}

// libvirt starts libvirtd. At the first boot it asks QEMU for what it can do, which the disk keeps.
func (g *guest) libvirt() error {
	if err := g.write("/etc/libvirt/qemu.conf", qemuConfig); err != nil {
		return err
	}
	for _, dir := range []string{"/run/libvirt", "/run/lock"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	server := exec.Command("libvirtd", "--timeout", "0")
	if err := server.Start(); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < limit; time.Sleep(100 * time.Millisecond) {
		if exec.Command("virsh", "-q", "-c", "qemu:///system", "list", "--all").Run() == nil {
			say("LIBVIRT", "answers after %s", uptime())
			return nil
		}
	}
	return fmt.Errorf("libvirtd does not answer within %s", limit)
}

const qemuConfig = `user = "root"
group = "root"
cgroup_controllers = [ ]
security_driver = "none"
stdio_handler = "file"
remember_owner = 0
namespaces = [ ]
`

// insert loads a module of Debian's kernel for User Mode Linux.
func insert(module string) error {
	found, err := filepath.Glob("/usr/lib/uml/modules/*/kernel/" + module + ".ko")
	if err != nil || len(found) == 0 {
		return fmt.Errorf("there is no module %s (%v)", module, err)
	}
	f, err := os.Open(found[0])
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
		return fmt.Errorf("load %s: %w", module, err)
	}
	return nil
}

// knot starts a name server with one zone, made at the first boot.
func (g *guest) knot() error {
	const zone = "/var/lib/knot/boston.test.zone"
	if g.read("/var/lib/power/zone") == "" {
		for path, text := range map[string]string{
			"/etc/plumb/secrets/tsig": secret + "\n",
			"/etc/knot/knot.conf":     knotConfig,
			zone:                      "$TTL 1\n@ SOA ns hostmaster 1 3600 600 86400 1\n@ NS ns\nns A 127.0.0.1\n",
			"/var/lib/power/zone":     "made",
		} {
			if err := g.write(path, text); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll("/run/knot", 0o755); err != nil {
		return err
	}
	server := exec.Command("knotd", "-c", "/etc/knot/knot.conf")
	if err := server.Start(); err != nil {
		return err
	}
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(50 * time.Millisecond) {
		if exec.Command("kdig", "+short", "+timeout=1", "+retry=0", "@127.0.0.1", "boston.test", "SOA").Run() == nil {
			return nil
		}
	}
	return fmt.Errorf("knotd does not answer within a minute")
}

const secret = "UGx1bWIgbGluZSBwb3dlciBsb3NzIGtleSAwMDAwMDA="

const knotConfig = `server:
  rundir: /run/knot
  listen: 127.0.0.1@53
database:
  storage: /var/lib/knot
key:
  - id: tsig
    algorithm: hmac-sha256
    secret: ` + secret + `
acl:
  - id: allow
    key: tsig
    action: [update, transfer]
zone:
  - domain: boston.test
    storage: /var/lib/knot
    file: boston.test.zone
    acl: allow
`

// apply lets plumb apply a topology, and hears what it says is done. A plan that is stale, as on a machine that is too busy to look in
// time, has changed nothing, and is made anew.
func (g *guest) apply(to string, done func(line string)) error {
	const tries, stale = 5, 6
	for try := 1; ; try++ {
		err := g.applyOnce(to, done)
		if exit := (*exec.ExitError)(nil); try == tries || !errors.As(err, &exit) || exit.ExitCode() != stale {
			return err
		}
	}
}

func (g *guest) applyOnce(to string, done func(line string)) error {
	cmd := g.prepare("apply", "--auto-approve", "--log-level", "info", "--dir", g.path(to))
	said, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	all := hear(said, done)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("apply %s: %w: %s", to, err, all)
	}
	return nil
}

func (g *guest) prepare(args ...string) *exec.Cmd {
	return exec.Command(filepath.Join(g.dir, "plumb"), append(args, "--config", filepath.Join(g.dir, "plumb.cue"))...)
}

func (g *guest) path(topology string) string { return filepath.Join(g.dir, topology) }

func (g *guest) command(argv ...string) error {
	out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, bytes.TrimSpace(out))
	}
	return nil
}

func (g *guest) read(path string) string {
	data, _ := os.ReadFile(path) // absent = nothing
	return strings.TrimSpace(string(data))
}

// write is a synced, atomic write.
func (g *guest) write(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return engine.NewMachine("uml", engine.Dirs{}).WriteFile(path, []byte(text), 0o600)
}

// output is what a program prints; nothing when it fails.
func output(argv ...string) string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	out, _ := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	return strings.TrimSpace(string(out))
}

// say writes a line to the console, which is outside as soon as it is written.
func say(word, format string, args ...any) {
	fmt.Printf("\n%s %s\n", word, fmt.Sprintf(format, args...))
}

func tell(word string, what any) {
	data, err := json.Marshal(what)
	if err != nil {
		say("WRONG", "%v", err)
	}
	say(word, "%s", data)
}

func uptime() string {
	data, _ := os.ReadFile("/proc/uptime")
	seconds, _, _ := strings.Cut(string(data), " ")
	return seconds + " s"
}
