package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// keeper is the root of a lab's process tree and pid 1 of a namespace, so that the
// kernel ends everything in the lab with it:
//
//	starter ──pipe──▶ keeper (pid, mount, network, ipc, uts namespace; its network is the switch)
//	                   ├─ host jino0: pid 1 of its own namespaces ─ libvirtd, qemu …
//	                   └─ host edge1: …
//
// The pipe closes when the starter dies, however it dies; then the keeper ends.
type keeper struct {
	config Config
	cache  string
	run    *processes
	mu     sync.Mutex // one boot or crash at a time per lab
	up     map[string]host
}

type host struct {
	pid  int
	gone chan struct{} // closed when its first process was reaped
}

// bootLimit is how long a host may take until its services answer. A cold libvirtd on a busy
// machine was measured at 20 s.
const bootLimit = 60 * time.Second

// keep is the keeper's main. Descriptor 0 is the starter's pipe (or /dev/null), 3 takes the result of Up.
func keep(dir string) error {
	unix.CloseOnExec(3)
	ready := os.NewFile(3, "ready")
	k, err := newKeeper(dir)
	if err == nil {
		if !k.config.Keep {
			go k.endWithStarter()
		}
		err = k.bootAll()
	}
	if err != nil {
		json.NewEncoder(ready).Encode(reply{Err: err.Error()})
		return err
	}
	control, err := listen(filepath.Join(dir, "control.sock"))
	if err != nil {
		json.NewEncoder(ready).Encode(reply{Err: err.Error()})
		return err
	}
	json.NewEncoder(ready).Encode(reply{})
	ready.Close()
	serve(control, k.answer, k.run)
	return errors.New("internal error: keeper stopped serving")
}

func newKeeper(dir string) (*keeper, error) {
	config, err := readConfig(dir)
	if err != nil {
		return nil, err
	}
	cache, err := CacheDir()
	if err != nil {
		return nil, err
	}
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return nil, fmt.Errorf("cannot make mounts private: %w", err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return nil, fmt.Errorf("cannot mount proc: %w", err)
	}
	if err := unix.Sethostname([]byte(switchName)); err != nil {
		return nil, fmt.Errorf("cannot set host name: %w", err)
	}
	if err := buildSwitch(config.Hosts); err != nil {
		return nil, err
	}
	return &keeper{config: config, cache: cache, run: newProcesses(), up: map[string]host{}}, nil
}

// endWithStarter blocks until the pipe closes. The kernel then kills the whole lab.
func (k *keeper) endWithStarter() {
	io.Copy(io.Discard, os.Stdin)
	k.end()
}

// end kills all processes of the lab, removes its files and dies. Taking the lock of the
// process table for good means that nothing is started any more.
func (k *keeper) end() {
	k.run.mu.Lock()
	syscall.Kill(-1, syscall.SIGKILL) // all in this PID namespace but its pid 1, which we are
	for {
		if _, err := syscall.Wait4(-1, nil, 0, nil); err == syscall.ECHILD {
			break
		}
	}
	remove(k.config.Dir)
	os.Exit(0)
}

func (k *keeper) bootAll() error {
	errs := make([]error, len(k.config.Hosts))
	var all sync.WaitGroup
	for i := range k.config.Hosts {
		all.Go(func() {
			h, err := k.boot(i)
			if err != nil {
				errs[i] = fmt.Errorf("cannot boot %s: %w", k.config.Hosts[i].Name, err)
				return
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			k.up[k.config.Hosts[i].Name] = h
		})
	}
	all.Wait()
	return errors.Join(errs...)
}

// boot starts the first process of a host in new namespaces, plugs its NICs in,
// and waits until its services answer.
func (k *keeper) boot(index int) (host, error) {
	b, err := k.describe(index)
	if err != nil {
		return host{}, err
	}
	console, err := os.OpenFile(filepath.Join(b.hostDir(), "console.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return host{}, err
	}
	defer console.Close()
	fds, err := pipes(2)
	if err != nil {
		return host{}, err
	}
	tell, told := fds[0], fds[1]
	defer tell.w.Close()
	defer told.r.Close()
	exe, err := os.Executable()
	if err != nil {
		return host{}, err
	}
	pid, ended, err := k.run.start([]string{exe, hostArg}, &syscall.ProcAttr{
		Env:   hostEnv,
		Files: []uintptr{console.Fd(), console.Fd(), console.Fd(), tell.r.Fd(), told.w.Fd()},
		Sys: &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
			unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWCGROUP},
	})
	tell.r.Close()
	told.w.Close()
	if err != nil {
		return host{}, err
	}
	h := host{pid: pid, gone: make(chan struct{})}
	go func() { <-ended; close(h.gone) }()
	err = plug(k.config.Name, k.config.Hosts, index, pid)
	if err == nil {
		err = json.NewEncoder(tell.w).Encode(b)
	}
	tell.w.Close()
	if err == nil {
		err = awaitReady(told.r, bootLimit)
	}
	if err != nil {
		k.run.signal(pid, syscall.SIGKILL, false)
		<-h.gone
		return host{}, fmt.Errorf("%w (see %s)", err, console.Name())
	}
	publishCapabilities(b)
	return h, nil
}

// describe writes down what a host is told, and notes that its next boot is not its first.
func (k *keeper) describe(index int) (boot, error) {
	b := boot{
		HostConfig: k.config.Hosts[index], Lab: k.config.Name, Dir: k.config.Dir, TSIG: k.config.TSIG, SSH: k.config.SSH,
		Hosts: hostsFile(k.config.Hosts), Cache: k.cache, Share: k.config.Share, ReadOnly: []string{k.cache},
	}
	exe, err := os.Executable()
	if err != nil {
		return b, err
	}
	b.ReadOnly = append(b.ReadOnly, binaryShare(exe))
	if err := os.MkdirAll(b.hostDir(), 0o755); err != nil {
		return b, err
	}
	mark := filepath.Join(b.hostDir(), "booted")
	if b.Known, err = k.config.knownHosts(); err != nil {
		return b, err
	}
	_, err = os.Stat(mark)
	b.First = os.IsNotExist(err)
	return b, os.WriteFile(mark, nil, 0o644)
}

// binaryShare is what a host must see to run this binary: its directory, so that a new build is seen too, but
// not a directory of which the host has its own.
func binaryShare(exe string) string {
	switch dir := filepath.Dir(exe); dir {
	case "/tmp", "/run", "/root":
		return exe
	default:
		return dir
	}
}

func (k *keeper) answer(q request) reply {
	var err error
	switch q.Verb {
	case "down":
		go k.end()
		select {} // the end of the connection is the answer
	case "status":
		return k.status()
	case "kill":
		k.mu.Lock()
		defer k.mu.Unlock()
		err = k.kill(q.Host)
	case "start":
		err = k.start(q.Host)
	default:
		err = fmt.Errorf("internal error: unknown request %q", q.Verb)
	}
	if err != nil {
		return reply{Err: err.Error()}
	}
	return reply{}
}

// kill is a power cut: SIGKILL to pid 1 of the host, and with it to all its processes.
func (k *keeper) kill(name string) error {
	h, ok := k.up[name]
	if !ok {
		return fmt.Errorf("host %s is not up", name)
	}
	k.run.signal(h.pid, syscall.SIGKILL, false)
	<-h.gone
	delete(k.up, name)
	return nil
}

func (k *keeper) start(name string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if h, ok := k.up[name]; ok && h.running() {
		return fmt.Errorf("host %s is up", name)
	}
	for i, h := range k.config.Hosts {
		if h.Name != name {
			continue
		}
		up, err := k.boot(i)
		if err == nil {
			k.up[name] = up
		}
		return err
	}
	return fmt.Errorf("no host %s", name)
}

func (k *keeper) status() reply {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := reply{Up: map[string]bool{}}
	for _, h := range k.config.Hosts {
		up, ok := k.up[h.Name]
		r.Up[h.Name] = ok && up.running()
	}
	return r
}

func (h host) running() bool {
	select {
	case <-h.gone:
		return false
	default:
		return true
	}
}

// hostsFile lets every host reach every other by name over the first NIC that has an address.
func hostsFile(hosts []HostConfig) string {
	text := "127.0.0.1 localhost\n::1 localhost\n"
	for _, h := range hosts {
		if a := h.address(); a != "" {
			text += a + " " + h.Name + "\n"
		}
	}
	return text
}

func (h HostConfig) address() string {
	for _, nic := range h.NICs {
		for _, a := range nic.Addresses {
			address, _, _ := strings.Cut(a, "/")
			return address
		}
	}
	return ""
}
