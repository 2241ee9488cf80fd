package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"plumbline/testenv/need"
)

// units is what the machine does under systemd. WatchdogSec is shorter than the unit's: the test waits for it.
const units = `
unit() { systemctl show -P "$2" "plumb$1.service"; }
until_is() { for i in $(seq 600); do [ "$(unit "$1" "$2")" = "$3" ] && return; sleep 0.1; done; echo "plumb$1.service: $2 is $(unit "$1" "$2"), not $3"; }
status() { for i in $(seq 300); do plumb status | grep -q ^waiting && echo waiting && return; sleep 0.1; done; plumb status; }

systemctl start plumb-undo.service && echo "undo: $(unit -undo Result)"
systemctl start plumb.service plumb-serve.service
pid=$(unit '' MainPID)
echo "as $(stat -c %U /proc/$pid), $(grep -c ' ro,' /proc/$pid/mounts | sed 's/^[1-9][0-9]*$/some/') mounts read-only"
grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' /proc/$pid/status
nsenter -t $pid -m sh -c 'touch /etc/plumb/x || echo "its /etc is read-only"; touch /var/lib/plumb/x && echo "its state is not"'
until_is '' SubState running
status

[ $pid -gt 0 ] && kill -STOP $pid # 0 would be this script
until_is '' NRestarts 1
until_is '' SubState running
status

pid=$(unit '' MainPID)
dpkg -i /root/plumb.deb >/dev/null && [ "$(unit '' MainPID)" != "$pid" ] && echo "an upgrade starts it again"
until_is '' SubState running
echo "serve: $(unit -serve ActiveState), $(unit -serve NRestarts) restarts"

systemctl stop plumb.service plumb-serve.service
echo "stopped: $(unit '' Result), $(unit -serve Result)"
journalctl --no-pager -u plumb.service -u plumb-serve.service
`

// boots runs the units under a systemd that runs: the machine's files on a disk, under Debian's kernel that is a program.
func (m *machine) boots() {
	need.Program(m.T, "/usr/bin/linux.uml", "mke2fs", "git")
	const commit = `cd "$0" && git init -q -b main && git -c user.name=Ada -c user.email=ada@example.org add . && ` +
		`git -c user.name=Ada -c user.email=ada@example.org commit -q -m "the site" && chmod -R a+rX .`
	if err := do(m.Context(), nil, "sh", "-c", commit, m.root+"/srv/topology"); err != nil {
		m.Fatal(err)
	}
	m.write("/etc/plumb/plumb.cue", `repository: "/srv/topology"
forge: {kind: "gitea", project: "https://127.0.0.1:9/ops/boston", token: secret: "forge"}
`, 0o644)
	defer m.write("/etc/plumb/plumb.cue", edited, 0o644)
	m.write("/var/lib/plumb/secrets/forge", "t0ken", 0o600)
	m.run("rm", "/var/lib/plumb/journal.db")
	m.run("chown", "-R", "plumb:", "/var/lib/plumb")
	defer m.write("/var/lib/plumb/journal.db", "what is ours", 0o600)
	m.write("/etc/systemd/system/plumb.service.d/soon.conf", "[Service]\nWatchdogSec=4s\nRestartSec=1s\nTimeoutAbortSec=5s\n", 0o644)
	m.run("cp", "/tmp/0.1.0.deb", "/root/plumb.deb") // systemd empties /tmp
	said := m.power(units)
	m.says(said, "undo: success", "as plumb, some mounts read-only", "CapEff:\t0000000000000000", "CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2",
		"its /etc is read-only", "its state is not", "Failed with result 'watchdog'", "an upgrade starts it again", "serve: active, 0 restarts", "stopped: success, success")
	if n := strings.Count(said, "\nwaiting"); n != 2 {
		m.Errorf("the controller answered %d times of 2", n)
	}
	if m.Failed() {
		m.Log(said)
	}
}

// power switches the machine on with systemd as process 1, runs a script when it is up, and gives what that printed.
func (m *machine) power(script string) string {
	m.Helper()
	out, disk := m.TempDir(), filepath.Join(filepath.Dir(m.root), "disk.img")
	defer os.Remove(disk)
	m.write("/root/script.sh", script, 0o755)
	m.write("/etc/systemd/system/script.service", `[Unit]
DefaultDependencies=no
After=sysinit.target
Requires=sysinit.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /host && mount -t hostfs none /host -o `+out+` && sh /root/script.sh >/host/said 2>&1; sync; systemctl poweroff --force --force'
`, 0o644)
	if err := errors.Join(os.WriteFile(disk, nil, 0o600), os.Truncate(disk, 1<<30)); err != nil {
		m.Fatal(err)
	}
	if err := do(m.Context(), nil, "mke2fs", "-q", "-F", "-t", "ext4", "-d", m.root, disk); err != nil {
		m.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(m.Context(), 5*time.Minute)
	defer cancel()
	uml := exec.CommandContext(ctx, "/usr/bin/linux.uml", "mem=256M", "root=/dev/ubda", "rw", "ubd0="+disk, "uml_dir="+out, "umid=release",
		"con=null", "con0=null,fd:1", "init=/lib/systemd/systemd", "systemd.unit=script.service")
	uml.Env = []string{"TMPDIR=/dev/shm", "PATH=/usr/bin:/bin"}
	uml.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	uml.Cancel = func() error { return syscall.Kill(-uml.Process.Pid, syscall.SIGKILL) } // its session
	console, err := uml.CombinedOutput()
	said, _ := os.ReadFile(filepath.Join(out, "said"))
	if err != nil {
		m.Fatalf("the machine: %v\n%s\n%s", err, said, console)
	}
	return string(said)
}
