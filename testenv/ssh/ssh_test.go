// Package ssh proves the hop that the other scenarios of the laboratory replace by a door of their own: the controller on
// one host, the system's OpenSSH, sshd on another.
package ssh

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"plumbline/testenv/lab"
	"plumbline/testenv/need"
)

func TestMain(m *testing.M) {
	lab.Main()
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// built is the binary under test, in a directory that all hosts see.
var built struct {
	once sync.Once
	dir  string
	err  error
}

func build() {
	if built.dir, built.err = os.MkdirTemp("", "plumb-ssh-"); built.err != nil {
		return
	}
	if out, err := exec.Command("go", "build", "-o", filepath.Join(built.dir, "plumb"), "plumbline/cmd/plumb").CombinedOutput(); err != nil {
		built.err = fmt.Errorf("go build: %w\n%s", err, out)
	}
}

// controllerFile has no transports: hosts are reached by OpenSSH.
const controllerFile = `repository: "dir:/srv/topology"
`

// topology gives an address to each of two hosts. The first is called by an alias of ssh_config, the second by its name.
const topology = `package site

import "plumbline.internal/schema"

schema.#Topology & {
	site: boston: {}
	host: jino0: {site: "boston", ssh: "hypervisor"}
	host: edge1: {site: "boston"}
	address: "jino0-app": {host: "jino0", interface: "eth1", address: "10.1.1.2/24"}
	address: "edge1-app": {host: "edge1", interface: "eth1", address: "10.1.1.3/24"}
}
`

// sshConfig holds what people have in theirs, and what a connection of ours has to withstand.
const sshConfig = `Host hypervisor
	HostName 10.9.0.11
	RemoteCommand uptime
	RequestTTY force
Host *
	User root
	ControlMaster auto
	ControlPath /tmp/mux-%h
	ControlPersist 1m
	LocalForward 7777 127.0.0.1:7777
	ExitOnForwardFailure yes
`

// place is a controller, ctr0, and two hosts that run sshd.
type place struct {
	*lab.Lab
	t testing.TB
}

func up(t testing.TB, change func(*lab.Config)) *place {
	t.Helper()
	need.Root(t)
	built.once.Do(build)
	if built.err != nil {
		t.Fatal(built.err)
	}
	config := lab.Config{
		Share: []string{built.dir},
		Hosts: []lab.HostConfig{
			{Name: "ctr0", NICs: []lab.NIC{mgmt("10.9.0.10/24")}, Files: map[string]string{
				"/etc/plumb/plumb.cue": controllerFile, "/srv/topology/site.cue": topology, "/root/.ssh/config": sshConfig,
			}},
			{Name: "jino0", NICs: []lab.NIC{mgmt("10.9.0.11/24"), app()}, Services: []string{"sshd"}, Files: map[string]string{}},
			{Name: "edge1", NICs: []lab.NIC{mgmt("10.9.0.21/24"), app()}, Services: []string{"sshd"}, Files: map[string]string{}},
		},
	}
	if change != nil {
		change(&config)
	}
	p := &place{lab.Start(t, config), t}
	for _, h := range config.Hosts {
		p.on(h.Name, "ln", "-s", filepath.Join(built.dir, "plumb"), "/usr/local/bin/plumb")
	}
	return p
}

func mgmt(address string) lab.NIC {
	return lab.NIC{Name: "eth0", Segment: "mgmt", Addresses: []string{address}}
}
func app() lab.NIC { return lab.NIC{Name: "eth1", Segment: "app"} }

// on runs a program on a host; its failure ends the test.
func (p *place) on(host string, argv ...string) string {
	p.t.Helper()
	out, code := p.run(host, argv...)
	if code != 0 {
		p.t.Fatalf("%s on %s: exit %d\n%s", strings.Join(argv, " "), host, code, out)
	}
	return out
}

// run gives all that a program on a host wrote, and its exit code.
func (p *place) run(host string, argv ...string) (string, int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := p.Command(ctx, host, argv...)
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		p.t.Fatal(err)
	}
	p.t.Logf("%s$ %s\n%s(exit %d)", host, strings.Join(argv, " "), out.String(), cmd.ProcessState.ExitCode())
	return out.String(), cmd.ProcessState.ExitCode()
}

// plumb runs the command on the controller and checks its exit code.
func (p *place) plumb(code int, args ...string) string {
	p.t.Helper()
	out, got := p.run("ctr0", append([]string{"plumb"}, args...)...)
	if got != code {
		p.t.Fatalf("plumb %s: exit %d, want %d", strings.Join(args, " "), got, code)
	}
	return out
}

func (p *place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// says checks that a text holds others.
func (p *place) says(text string, wants ...string) {
	p.t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			p.t.Errorf("this says nothing of %q:\n%s", want, text)
		}
	}
}

// has checks whether a host has an address on its eth1.
func (p *place) has(host, address string, want bool) {
	p.t.Helper()
	if out := p.on(host, "ip", "-o", "address", "show", "dev", "eth1"); strings.Contains(out, " "+address+"/") != want {
		p.t.Errorf("%s on %s: want %v, is\n%s", address, host, want, out)
	}
}

func TestApplyOverSSH(t *testing.T) {
	p := up(t, nil)
	p.says(p.plumb(2, "plan", "--detailed-exitcode"), "address/jino0-app", "address/edge1-app")
	p.plumb(0, "apply", "--auto-approve")
	p.has("jino0", "10.1.1.2", true)
	p.has("edge1", "10.1.1.3", true)
	p.plumb(0, "plan", "--detailed-exitcode")
	if out := p.on("ctr0", "sh", "-c", "ls /tmp"); strings.Contains(out, "mux-") {
		t.Errorf("a connection was shared:\n%s", out)
	}
	for _, host := range []string{"jino0", "edge1"} {
		if out, code := p.run(host, "pgrep", "-f", "plumb exec"); code == 0 {
			t.Errorf("%s still runs plumb exec:\n%s", host, out)
		}
	}
}
