package main

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The packages in a clean root: installed, upgraded over a configuration that was edited, run as systemd would run it,
// removed, purged; first .deb, then .rpm.
func TestPackagesLiveAndGo(t *testing.T) {
	made := newMachine(t)
	old, now := makeRelease(t, "0.0.9"), makeRelease(t, "0.1.0")
	t.Run("the same commit gives the same bytes", func(t *testing.T) { sameBytes(t, now) })
	m := made()
	m.carry(old, now)
	t.Run("deb", func(t *testing.T) { (&machine{t, m.root}).deb() })
	t.Run("rpm", func(t *testing.T) { (&machine{t, m.root}).rpm() })
}

// makeRelease makes a release for this machine.
func makeRelease(t *testing.T, version string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), version)
	if err := run(t.Context(), version, []string{runtime.GOARCH}, out); err != nil {
		t.Fatal(err)
	}
	return out
}

// sameBytes makes a release again, in another place and under other habits.
func sameBytes(t *testing.T, first string) {
	for name, value := range map[string]string{"GOFLAGS": "-buildvcs=true", "GOAMD64": "v3", "TZ": "Asia/Tokyo", "CGO_ENABLED": "1"} {
		t.Setenv(name, value)
	}
	defer syscall.Umask(syscall.Umask(0o077))
	again := makeRelease(t, filepath.Base(first))
	var sums [2]string
	for i, dir := range []string{first, again} {
		data, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(data)
	}
	if sums[0] != sums[1] || strings.Count(sums[0], "\n") != 5 {
		t.Errorf("two releases of one commit:\n%s\n%s", sums[0], sums[1])
	}
}

// carry puts the packages onto the machine, as /tmp/0.1.0.deb and so on.
func (m *machine) carry(dirs ...string) {
	for _, dir := range dirs {
		for _, format := range []string{".deb", ".rpm"} {
			found, err := filepath.Glob(filepath.Join(dir, "*"+format))
			if err != nil || len(found) != 1 {
				m.Fatalf("packages: %v, %v", found, err)
			}
			if err := do(m.Context(), nil, "cp", found[0], m.root+"/tmp/"+filepath.Base(dir)+format); err != nil {
				m.Fatal(err)
			}
		}
	}
}

const (
	file     = "-rw-r--r--"
	edited   = "repository: \"dir:/srv/topology\"\n"
	topology = "package site\n\nimport \"plumbline.internal/schema\"\n\nschema.#Topology & {site: boston: {}}\n"
)

func (m *machine) deb() {
	said := m.run("dpkg", "-i", "/tmp/0.0.9.deb")
	m.says(said, "nothing was started")
	m.installed("0.0.9")
	m.says(m.run("systemctl", "is-enabled", "plumb-undo.service"), "enabled")
	if out, _ := m.command("systemctl", "is-enabled", "plumb.service").Output(); string(out) != "disabled\n" {
		m.Errorf("plumb.service is %s", out)
	}
	m.says(m.run("sh", "-c", "systemd-analyze verify plumb.service plumb-serve.service plumb-undo.service 2>&1 && echo sound"), "sound")
	if out := m.run("systemd-analyze", "verify", "plumb.service"); out != "" {
		m.Errorf("the unit: %s", out)
	}
	m.exposed("plumb.service", "25")
	m.exposed("plumb-serve.service", "25")
	m.write("/etc/plumb/plumb.cue", edited, 0o644)
	m.write("/var/lib/plumb/journal.db", "what is ours", 0o600)
	m.write("/etc/plumb/secrets/tsig", "secret", 0o600)

	said = m.run("dpkg", "-i", "/tmp/0.1.0.deb")
	if strings.Contains(said, "nothing was started") {
		m.Errorf("an upgrade says what a new installation does:\n%s", said)
	}
	m.kept("0.1.0")
	m.serves()
	m.boots()

	m.run("dpkg", "-r", "plumb")
	m.is("/usr/bin/plumb", "", "")
	m.is("/etc/systemd/system/multi-user.target.wants/plumb-undo.service", "", "")
	m.is("/etc/plumb/plumb.cue", file, "root")
	said = m.run("dpkg", "-P", "plumb")
	m.says(said, "/var/lib/plumb is kept", "/etc/plumb/secrets is kept", "rm -r /var/lib/plumb")
	m.is("/etc/plumb/plumb.cue", "", "")
	m.says(m.read("/var/lib/plumb/journal.db"), "what is ours")
	m.says(m.read("/etc/plumb/secrets/tsig"), "secret")
}

// rpm runs this machine's rpm, on a root where no systemd-sysusers makes the user.
func (m *machine) rpm() {
	m.run("sh", "-c", "rm -rf /var/lib/plumb /etc/plumb /usr/bin/systemd-sysusers && userdel plumb")
	rpm := func(args ...string) string { return m.run(append([]string{"rpm"}, args...)...) }
	m.lend("rpm")
	rpm("-i", "--nodeps", "/tmp/0.0.9.rpm")
	m.installed("0.0.9")
	m.write("/etc/plumb/plumb.cue", edited, 0o644)
	m.write("/var/lib/plumb/journal.db", "what is ours", 0o600)
	m.write("/etc/plumb/secrets/tsig", "secret", 0o600)
	rpm("-U", "--nodeps", "/tmp/0.1.0.rpm")
	m.kept("0.1.0")
	said := rpm("-e", "plumb")
	m.says(said, "/var/lib/plumb is kept", "/etc/plumb/secrets is kept")
	m.is("/usr/bin/plumb", "", "")
	m.says(m.read("/var/lib/plumb/journal.db"), "what is ours")
	m.says(m.read("/etc/plumb/plumb.cue.rpmsave"), edited)
}

// installed checks what a new installation leaves.
func (m *machine) installed(version string) {
	m.Helper()
	m.says(m.run("plumb", "version"), "plumb "+version+" (")
	m.says(m.run("man", "-w", "plumb", "plumb-run"), "man1/plumb.1", "man1/plumb-run.1")
	m.says(m.run("plumb", "config", "check"), "/etc/plumb/plumb.cue is valid")
	m.run("bash", "-n", "/usr/share/bash-completion/completions/plumb")
	m.is("/usr/bin/plumb", "-rwxr-xr-x", "root")
	m.is("/etc/plumb", "drwxr-xr-x", "root")
	m.is("/etc/plumb/plumb.cue", file, "root")
	m.is("/etc/plumb/secrets", "drwx------", "root")
	m.is("/var/lib/plumb", "drwx------", "plumb")
	m.is("/usr/lib/systemd/system/plumb.service", file, "root")
	m.is("/usr/share/fish/vendor_completions.d/plumb.fish", file, "root")
	m.is("/usr/share/doc/plumb/sbom.cdx.json", file, "root")
	m.says(m.run("getent", "passwd", "plumb"), ":/var/lib/plumb:/bin/sh")
}

// kept checks that an upgrade brought the new version and left what is the administrator's.
func (m *machine) kept(version string) {
	m.Helper()
	m.says(m.run("plumb", "version"), "plumb "+version+" (")
	if got := m.read("/etc/plumb/plumb.cue"); got != edited {
		m.Errorf("the configuration was replaced:\n%s", got)
	}
	m.says(m.read("/var/lib/plumb/journal.db"), "what is ours")
}

// lend shows programs of this machine to the other one, with all that they link and read.
func (m *machine) lend(names ...string) {
	for _, name := range names {
		const script = `path=$(command -v "$1") && cp --parents "$path" $(ldd "$path" | grep -o '/[^ ]*') "$0"; cp -r --parents /usr/lib/rpm "$0"`
		if err := do(m.Context(), nil, "sh", "-c", script, m.root, name); err != nil {
			m.Fatal(err)
		}
	}
}

// exposed holds how much of the machine a unit can reach, as systemd counts it: 0 nothing, 100 all.
func (m *machine) exposed(unit, most string) {
	m.Helper()
	m.run("systemd-analyze", "security", "--offline=true", "--threshold="+most, unit)
}

// serves runs the controller as the unit does, with a socket of the test's own in the place of systemd's.
func (m *machine) serves() {
	if err := os.Remove(m.root + "/var/lib/plumb/journal.db"); err != nil {
		m.Fatal(err)
	}
	defer m.write("/var/lib/plumb/journal.db", "what is ours", 0o600)
	m.write("/srv/topology/site.cue", topology, 0o644)
	m.run("install", "-d", "-o", "plumb", "/run/plumb")
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.root + "/run/notify", Net: "unixgram"})
	if err != nil {
		m.Fatal(err)
	}
	defer socket.Close()
	if err := os.Chmod(m.root+"/run/notify", 0o666); err != nil {
		m.Fatal(err)
	}
	service := m.command("setpriv", "--reuid=plumb", "--regid=plumb", "--init-groups", "--no-new-privs", "plumb", "run")
	service.Env = append(service.Env, "NOTIFY_SOCKET=/run/notify", "WATCHDOG_USEC=300000")
	var log strings.Builder
	service.Stderr = &log
	if err := service.Start(); err != nil {
		m.Fatal(err)
	}
	stop := sync.OnceFunc(func() {
		_ = service.Process.Signal(syscall.SIGTERM)
		if err := service.Wait(); err != nil {
			m.Errorf("plumb run: %v\n%s", err, log.String())
		}
	})
	defer stop()
	hear(m, socket, "READY=1")
	hear(m, socket, "WATCHDOG=1")
	m.says(m.run("plumb", "status"), "waiting") // root may ask, though the service is another's
	stop()
	hear(m, socket, "STOPPING=1")
	if out, err := m.command("plumb", "apply", "--auto-approve").CombinedOutput(); err == nil || !strings.Contains(string(out), "runuser -u plumb -- plumb") {
		m.Errorf("root writes into the state of the service: %v\n%s", err, out)
	}
}

// hear waits for a word to the service manager.
func hear(m *machine, socket *net.UnixConn, want string) {
	m.Helper()
	word := make([]byte, 1024)
	_ = socket.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		n, err := socket.Read(word)
		if err != nil {
			m.Fatalf("never heard %s: %v", want, err)
		}
		if strings.Contains(string(word[:n]), want) {
			return
		}
	}
}
