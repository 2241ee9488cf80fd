package lab_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/testenv/lab"
	"plumbline/testenv/need"
)

func two(name string) lab.Config {
	nic := func(a string) []lab.NIC { return []lab.NIC{{Name: "eth0", Segment: "lan", Addresses: []string{a}}} }
	return lab.Config{Name: name, Hosts: []lab.HostConfig{
		{Name: "a", NICs: nic("10.9.0.1/24"), Services: []string{"httpd"}},
		{Name: "b", NICs: nic("10.9.0.2/24"), Services: []string{"httpd"}},
	}}
}

func TestTwoLabsDoNotMeet(t *testing.T) {
	one, other := lab.Start(t, two("one")), lab.Start(t, two("other"))
	for _, l := range []*lab.Lab{one, other} {
		on(t, l, "b", "sh", "-c", "echo "+l.Config.Name+" >/srv/http/index.html")
		if got := on(t, l, "a", "curl", "-s", "-m", "5", "http://b/"); strings.TrimSpace(got) != l.Config.Name {
			t.Errorf("lab %s: a reads %q from b", l.Config.Name, got)
		}
	}
	if on(t, one, "a", "cat", "/etc/machine-id") == on(t, other, "a", "cat", "/etc/machine-id") {
		t.Error("both labs have the same machine ID")
	}
	if err := one.Kill("b"); err != nil {
		t.Fatal(err)
	}
	on(t, other, "a", "curl", "-s", "-m", "5", "http://b/")
	if _, err := try(one, "a", "curl", "-s", "-m", "1", "http://b/"); err == nil {
		t.Error("a dead host answers")
	}
}

func TestOpenFindsAKeptLabAndTakesItDown(t *testing.T) {
	need.Root(t)
	config := two("kept")
	config.Dir, config.Keep = filepath.Join(t.TempDir(), "lab"), true
	if _, err := lab.Open(config.Dir); err == nil {
		t.Fatal("opened a lab that is not up")
	}
	started, err := lab.Up(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { started.Down() })
	l, err := lab.Open(config.Dir)
	if err != nil {
		t.Fatal(err)
	}
	status, err := l.Status()
	if err != nil {
		t.Fatal(err)
	}
	if len(status) != 2 || !status[1].Up || status[1].Address != "10.9.0.2" || status[1].Services["httpd"].Pid == 0 {
		t.Errorf("status is %+v", status)
	}
	if err := l.Down(); err != nil {
		t.Fatal(err)
	}
	checkNoTrace(t, config.Dir)
}

// starterEnv makes the test binary start a lab and wait for its death.
const starterEnv = "PLUMB_LAB_TEST_STARTER"

func starterMain() {
	dir := os.Getenv(starterEnv)
	if dir == "" {
		return
	}
	config := two("orphan")
	config.Dir = dir
	config.Hosts[0].Services = append(config.Hosts[0].Services, "libvirtd")
	if _, err := lab.Up(context.Background(), config); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("up")
	select {}
}

func starter(t *testing.T, dir string) (*exec.Cmd, *bufio.Reader) {
	t.Helper()
	need.Root(t)
	need.Program(t, "libvirtd", "virsh")
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), starterEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	return cmd, bufio.NewReader(out)
}

func TestKillOfTheStarterLeavesNoTrace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	cmd, out := starter(t, dir)
	if line, _ := out.ReadString('\n'); line != "up\n" {
		t.Fatalf("starter says %q", line)
	}
	l, err := lab.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	on(t, l, "a", "sh", "-c", "setsid sh -c 'setsid sleep 100000 &' </dev/null >/dev/null 2>&1 &")
	if len(traces(dir)) < 5 {
		t.Fatalf("traces of a running lab are only %v", traces(dir))
	}
	cmd.Process.Kill()
	cmd.Wait()
	checkNoTrace(t, dir)
}

func TestKillOfTheStarterDuringBootLeavesNoTrace(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "lab")
	cmd, _ := starter(t, dir)
	eventually(t, "a host has its root", 10*time.Second, func() bool { return len(traces(dir)) > 2 })
	cmd.Process.Kill()
	cmd.Wait()
	checkNoTrace(t, dir)
}

func TestKillOfTheKeeperEndsTheLab(t *testing.T) {
	l := lab.Start(t, two("headless"))
	pid, err := l.Pid("switch")
	if err != nil {
		t.Fatal(err)
	}
	keeper, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	keeper.Kill()
	eventually(t, "no process is left", 10*time.Second, func() bool { return len(traces(l.Config.Dir)) == 0 })
	if _, err := try(l, "a", "true"); err == nil {
		t.Error("a host of a dead lab answers")
	}
	if err := l.Down(); err != nil {
		t.Error(err)
	}
	checkNoTrace(t, l.Config.Dir)
}

func checkNoTrace(t *testing.T, dir string) {
	t.Helper()
	eventually(t, "no trace is left", 10*time.Second, func() bool { return len(traces(dir)) == 0 })
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("%s is left", dir)
	}
}

// traces lists the processes that have a root, a mount or an argument below dir, and mounts here.
// Namespaces live only as long as their processes and mounts: a lab never pins one elsewhere.
func traces(dir string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/mountinfo")
	for _, f := range files {
		mounts, _ := os.ReadFile(f)
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(f), "cmdline"))
		if strings.Contains(string(mounts), dir+"/") || strings.Contains(string(args), dir) {
			found = append(found, filepath.Dir(f)+" "+strings.ReplaceAll(string(args), "\x00", " "))
		}
	}
	return found
}
