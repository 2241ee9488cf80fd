package lab_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
)

func TestHostHasItsOwnFilesNamesAndLibvirt(t *testing.T) {
	h := lab.Host(t, lab.With("libvirtd"))
	if got := strings.TrimSpace(h.Exec("hostname")); got != "host1" {
		t.Errorf("hostname is %q", got)
	}
	h.Exec("sh", "-c", "echo mine >/etc/plumb-lab-mark; echo mine >/run/plumb-lab-mark")
	for _, path := range []string{"/etc/plumb-lab-mark", "/run/plumb-lab-mark"} {
		if _, err := os.Stat(path); err == nil {
			t.Errorf("the host wrote %s of the machine", path)
		}
	}
	if id, err := os.ReadFile("/etc/machine-id"); err == nil && h.Exec("cat", "/etc/machine-id") == string(id) {
		t.Error("the host has the machine ID of the machine")
	}
	h.Exec("virsh", "pool-define-as", "images", "dir", "--target", "/var/lib/plumb/images")
	h.Exec("virsh", "pool-build", "images")
	if got := h.Exec("virsh", "pool-list", "--all", "--name"); strings.TrimSpace(got) != "images" {
		t.Errorf("pools are %q", got)
	}
	if got := h.Exec("ip", "-br", "link"); strings.Count(got, "\n") != 2 {
		t.Errorf("links are not lo and eth0:\n%s", got)
	}
}

func TestCrashLosesRunAndKeepsDisk(t *testing.T) {
	h := lab.Host(t, lab.With("libvirtd"))
	h.Exec("sh", "-c", "echo kept >/var/lib/plumb/kept; echo lost >/run/lost; sleep 1000 </dev/null >/dev/null 2>&1 &")
	h.Exec("virsh", "pool-define-as", "images", "dir", "--target", "/var/lib/plumb")
	if err := h.Kill("host1"); err != nil {
		t.Fatal(err)
	}
	var exit *lab.ExitError
	if _, err := try(h.Lab, "host1", "true"); !errors.As(err, &exit) || exit.Code != 255 {
		t.Errorf("a dead host answers: %v", err)
	}
	if err := h.Start("host1"); err != nil {
		t.Fatal(err)
	}
	h.Exec("test", "-e", "/var/lib/plumb/kept")
	h.Exec("test", "!", "-e", "/run/lost")
	if got := h.Exec("virsh", "pool-list", "--all", "--name"); strings.TrimSpace(got) != "images" {
		t.Errorf("pools after the crash are %q", got)
	}
	if got := h.Exec("ip", "-br", "-4", "addr", "show", "eth0"); !strings.Contains(got, "10.9.0.11/24") {
		t.Errorf("eth0 after the crash: %q", got)
	}
}

func TestExecTellsExitCodeAndStderr(t *testing.T) {
	h := lab.Host(t)
	_, err := try(h.Lab, "host1", "sh", "-c", "echo why >&2; exit 7")
	var exit *lab.ExitError
	if !errors.As(err, &exit) || exit.Code != 7 || strings.TrimSpace(exit.Stderr) != "why" {
		t.Errorf("got %v", err)
	}
	if _, err := try(h.Lab, "host1", "no-such-program"); !errors.As(err, &exit) || exit.Code != 127 {
		t.Errorf("a missing program gives %v", err)
	}
}

func TestKillingTheCommandKillsItsProgram(t *testing.T) {
	h := lab.Host(t)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	cmd := h.Command(ctx, "host1", "sh", "-c", "sleep 98765; true")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	runs := func() bool { _, err := try(h.Lab, "host1", "pgrep", "-f", "^sleep 98765"); return err == nil }
	eventually(t, "the program runs", 10*time.Second, runs)
	cancel()
	cmd.Wait()
	eventually(t, "the program is gone", 10*time.Second, func() bool { return !runs() })
}

func TestCommandIsATransport(t *testing.T) {
	h := lab.Host(t)
	argv := append(h.EnterArgv(), "sh", "-c", `echo "$GREETING $(cat)"`)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdin = strings.NewReader("from outside")
	cmd.Env = append(os.Environ(), "GREETING=hello")
	out, err := cmd.Output()
	if err != nil || string(out) != "hello from outside\n" {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestOnlyAServiceThatFailsByItselfIsRevived(t *testing.T) {
	h := lab.Host(t, lab.WithDaemon(lab.Service{Name: "web", Argv: []string{"busybox", "httpd", "-f", "-p", "80"}, Revive: lab.OnAbort}))
	web := h.Service("host1", "web")
	pid := func() int {
		state, err := web.State()
		if err != nil {
			t.Fatal(err)
		}
		return state.Pid
	}
	first := pid()
	h.Exec("kill", "-SEGV", strconv.Itoa(first))
	eventually(t, "it runs again", 10*time.Second, func() bool { now := pid(); return now != 0 && now != first })
	if err := web.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := web.Start(); err != nil {
		t.Fatal(err)
	}
	last := pid()
	if err := web.Kill(); err != nil {
		t.Fatal(err)
	}
	if now := pid(); now != 0 || last == 0 {
		t.Errorf("killed on purpose, it runs as %d (was %d)", now, last)
	}
}

func TestServiceControl(t *testing.T) {
	h := lab.Host(t, lab.With("httpd", "keepalived"))
	web := h.Service("host1", "httpd")
	fetch := func() bool {
		_, err := try(h.Lab, "host1", "curl", "-s", "-m", "1", "http://10.9.0.11/")
		return err == nil
	}
	check := func(what string, want bool, act func() error) {
		t.Helper()
		if err := act(); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		eventually(t, what, 20*time.Second, func() bool { return fetch() == want })
	}
	check("frozen", false, web.Freeze)
	check("thawed", true, web.Thaw)
	check("killed", false, web.Kill)
	check("started", true, web.Start)
	check("stopped", false, web.Stop)
	h.Exec("systemctl", "restart", "httpd.service")
	eventually(t, "started by systemctl", 20*time.Second, fetch)
	var exit *lab.ExitError
	if out, err := try(h.Lab, "host1", "systemctl", "is-active", "keepalived"); !errors.As(err, &exit) || exit.Code != 3 {
		t.Errorf("keepalived without configuration: %q %v", out, err)
	}
	h.Exec("sh", "-c", "echo 'vrrp_instance v { interface eth0\n virtual_router_id 7\n state MASTER\n virtual_ipaddress { 10.9.0.200/24 } }' >/etc/keepalived/keepalived.conf")
	eventually(t, "keepalived raises the address", 15*time.Second, func() bool {
		return strings.Contains(h.Exec("ip", "-4", "addr"), "10.9.0.200")
	})
}

func TestReloadSparesAServiceThatHasJustStarted(t *testing.T) {
	h := lab.Host(t, lab.With("keepalived"))
	h.Exec("sh", "-c", "echo 'vrrp_instance v { interface eth0\n virtual_router_id 7\n virtual_ipaddress { 10.9.0.200/24 } }' >/etc/keepalived/keepalived.conf")
	for range 5 {
		h.Exec("systemctl", "restart", "keepalived")
		h.Exec("systemctl", "reload", "keepalived")
		h.Exec("systemctl", "is-active", "keepalived")
	}
}

// A service is slow to end. Its file went away, so it is told to end; its file is back: what is told to start must start.
func TestStartWaitsForTheEndOfItsPredecessor(t *testing.T) {
	h := lab.Host(t, lab.WithDaemon(lab.Service{Name: "slow", When: "/run/go", Argv: []string{"sh", "-c",
		`trap : HUP; trap 'touch /run/ending; sleep 0.5; exit' TERM; echo $$ >/run/slow.pid; while :; do sleep 0.01; done`}}))
	for range 2 {
		h.Exec("sh", "-ec", `rm -f /run/ending; touch /run/go; systemctl start slow; until [ -s /run/slow.pid ]; do sleep 0.01; done
			ends=$(cat /run/slow.pid); rm /run/go; until [ -e /run/ending ]; do sleep 0.01; done; touch /run/go
			systemctl reload-or-restart slow; systemctl is-active slow
			if kill -0 $ends; then echo "the one that ends was taken for the one that was to start" >&2; exit 1; fi`)
	}
}

func TestFrozenLibvirtdBlocksAndGoesOn(t *testing.T) {
	h := lab.Host(t, lab.With("libvirtd"))
	daemon := h.Service("host1", "libvirtd")
	if err := daemon.Freeze(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if _, err := h.Lab.Exec(ctx, "host1", "virsh", "list"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a frozen libvirtd answers: %v", err)
	}
	if state, err := daemon.State(); err != nil || !state.Frozen {
		t.Errorf("state is %+v, %v", state, err)
	}
	if err := daemon.Thaw(); err != nil {
		t.Fatal(err)
	}
	h.Exec("virsh", "list")
}

func TestWithinRunsOnTheHost(t *testing.T) {
	lab.Within(t, func() {
		if name, _ := os.Hostname(); name != "host1" {
			t.Errorf("runs on %s", name)
		}
		if _, err := os.Stat("host_test.go"); err != nil {
			t.Error("the test does not see its own directory")
		}
		if os.Getuid() != 0 || t.TempDir() == "" {
			t.Error("no root or no /tmp")
		}
	})
}
