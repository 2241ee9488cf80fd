package lab

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"plumbline/testenv/need"
)

// T is the part of testing.TB that the helpers use.
type T interface {
	need.T
	Name() string
	Failed() bool
	Cleanup(func())
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
}

// TestHost is a host of a lab of a test.
type TestHost struct {
	*Lab
	Name string
	t    T
}

// Option changes the lab of Host and Within, which has one host.
type Option func(*Config)

// With adds services: libvirtd, knot, bind, keepalived, sshd, httpd.
func With(services ...string) Option {
	return func(c *Config) { c.Hosts[0].Services = append(c.Hosts[0].Services, services...) }
}

// WithZone adds a zone, served by knot or bind, whichever With names.
func WithZone(z Zone) Option {
	return func(c *Config) { c.Hosts[0].Zones = append(c.Hosts[0].Zones, z) }
}

// WithNICs replaces eth0 (10.9.0.11/24).
func WithNICs(nics ...NIC) Option { return func(c *Config) { c.Hosts[0].NICs = nics } }

// WithDaemon adds a program of the test's own.
func WithDaemon(s Service) Option {
	return func(c *Config) { c.Hosts[0].Daemons = append(c.Hosts[0].Daemons, s) }
}

// WithTSIG sets the key of the zones.
func WithTSIG(k TSIG) Option { return func(c *Config) { c.TSIG = k } }

// WithShare shows files or directories of the machine to the host, writable.
func WithShare(paths ...string) Option {
	return func(c *Config) { c.Share = append(c.Share, paths...) }
}

// Host brings up a lab of one host, "host1", for the length of a test.
func Host(t T, options ...Option) *TestHost {
	t.Helper()
	c := Config{Hosts: []HostConfig{{
		Name: "host1", NICs: []NIC{{Name: "eth0", Segment: "lan", Addresses: []string{"10.9.0.11/24"}}},
	}}}
	for _, o := range options {
		o(&c)
	}
	return &TestHost{Lab: Start(t, c), Name: c.Hosts[0].Name, t: t}
}

// Start brings up a lab for the length of a test. Its directory is made, and removed, here.
func Start(t T, config Config) *Lab {
	t.Helper()
	needs(t, config)
	if config.Dir == "" {
		dir, err := os.MkdirTemp("", "plumb-lab-")
		if err != nil {
			t.Fatal(err)
		}
		config.Dir = dir
	}
	if config.Name == "" {
		config.Name = strings.ToLower(t.Name())
	}
	if cwd, err := os.Getwd(); err == nil {
		config.Share = append(config.Share, cwd)
	}
	l, err := Up(context.Background(), config)
	if err != nil {
		t.Logf("%s", Logs(config.Dir))
		os.RemoveAll(config.Dir)
		t.Fatal(err)
	}
	t.Cleanup(func() {
		logs := Logs(config.Dir)
		if strings.Contains(logs, "DATA RACE") {
			t.Errorf("a process of the lab has a data race")
		}
		if t.Failed() {
			t.Logf("%s", logs)
		}
		if err := l.Down(); err != nil {
			t.Errorf("%v", err)
		}
	})
	return l
}

// programs that services and hosts need.
var programs = map[string][]string{
	"libvirtd": {"libvirtd", "virsh", "qemu-system-x86_64", "qemu-img"}, "knot": {"knotd", "knotc"},
	"bind": {"named", "dig"}, "keepalived": {"keepalived"}, "httpd": {"busybox"}, "sshd": {"sshd", "ssh", "ssh-keyscan"},
}

func needs(t T, config Config) {
	t.Helper()
	need.Root(t)
	for _, h := range config.Hosts {
		for _, s := range h.Services {
			need.Program(t, programs[s]...)
		}
	}
}

// Exec runs a program on the host and fails the test if the program fails or takes a minute.
func (h *TestHost) Exec(argv ...string) string {
	h.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := h.Lab.Exec(ctx, h.Name, argv...)
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// EnterArgv is the beginning of a command line that runs on the host.
func (h *TestHost) EnterArgv() []string { return h.Lab.EnterArgv(h.Name) }

// inside marks a test binary that Within started on a host.
const inside = "PLUMB_LAB_INSIDE"

// Within runs the body of a test as root of a fresh host: as if the test had been started
// there, with its daemons, network, files and processes, and nothing of the machine's. The
// test binary is started again on the host for this one test; the body runs only there,
// and must be all that the test does. /tmp, $HOME and the environment are the host's.
func Within(t T, body func(), options ...Option) {
	t.Helper()
	if os.Getenv(inside) == t.Name() {
		body()
		return
	}
	h := Host(t, options...)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := h.Lab.Command(ctx, h.Name, WithinArgv(t.Name())...)
	cmd.Env = append(os.Environ(), inside+"="+t.Name())
	out, err := cmd.CombinedOutput()
	t.Logf("on %s:\n%s", h.Name, out)
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		t.Fatalf("failed on %s", h.Name)
	case err != nil:
		t.Fatal(err)
	}
}

// WithinArgv is the command line of a test binary that runs just the named test.
func WithinArgv(test string) []string {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	parts := strings.Split(test, "/")
	for i, p := range parts {
		parts[i] = "^" + regexp.QuoteMeta(p) + "$"
	}
	return []string{exe, "-test.run", strings.Join(parts, "/"), "-test.v", "-test.count=1", "-test.timeout=5m"}
}

// Logs gathers the ends of all log files of a lab.
func Logs(dir string) string {
	var text strings.Builder
	paths, _ := filepath.Glob(filepath.Join(dir, "keeper.log"))
	for _, p := range []string{"hosts/*/console.log", "hosts/*/upper" + logDir + "/*.log"} {
		more, _ := filepath.Glob(filepath.Join(dir, p))
		paths = append(paths, more...)
	}
	for _, p := range paths {
		log, err := os.ReadFile(p)
		if err != nil || len(log) == 0 {
			continue
		}
		text.WriteString("== " + p + "\n" + string(log[max(0, len(log)-4000):]) + "\n")
	}
	return text.String()
}
