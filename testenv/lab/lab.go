package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// Lab is a laboratory that is up.
type Lab struct {
	Config Config
	stop   *os.File // closing it ends the lab; nil if we are not its starter
}

// Up starts a laboratory and returns when every service on every host answers. Unless
// Config.Keep is set, the lab ends with this process, however the process ends.
func Up(ctx context.Context, config Config) (*Lab, error) {
	if !mainCalled {
		return nil, errors.New("cannot start lab: lab.Main must be the first call of main or TestMain")
	}
	if err := config.complete(); err != nil {
		return nil, err
	}
	if _, err := ask(filepath.Join(config.Dir, "control.sock"), request{Verb: "status"}); err == nil {
		return nil, fmt.Errorf("cannot start lab: one is up in %s", config.Dir)
	}
	if err := remove(config.Dir); err != nil { // what a lab left that a power cut ended
		return nil, fmt.Errorf("cannot start lab: %w", err)
	}
	if err := writeConfig(config); err != nil {
		return nil, err
	}
	l := &Lab{Config: config}
	if err := l.launch(ctx); err != nil {
		return nil, fmt.Errorf("cannot start lab %s: %w", config.Name, err)
	}
	return l, nil
}

// Open finds a laboratory that is up.
func Open(dir string) (*Lab, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open lab: %w", err)
	}
	config, err := readConfig(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot open lab: %w", err)
	}
	l := &Lab{Config: config}
	if _, err := ask(l.socket(switchName), request{Verb: "status"}); err != nil {
		return nil, fmt.Errorf("cannot open lab: none is up in %s: %w", dir, err)
	}
	return l, nil
}

// launch starts the keeper and waits until it has booted all hosts.
func (l *Lab) launch(ctx context.Context) error {
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(l.Config.Dir, "keeper.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	ends, err := pipes(2)
	if err != nil {
		return err
	}
	life, ready := ends[0], ends[1]
	cmd := exec.Command(exe, keeperArg, l.Config.Dir)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = life.r, log, log
	cmd.Dir = "/"
	cmd.ExtraFiles = []*os.File{ready.w}
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setsid: true, // an interrupt from the terminal is the starter's to answer
		Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET |
			unix.CLONE_NEWUTS | unix.CLONE_NEWIPC,
	}
	err = cmd.Start()
	life.r.Close()
	ready.w.Close()
	defer ready.r.Close()
	l.stop = life.w
	if err != nil {
		life.w.Close()
		return err
	}
	go cmd.Wait()
	stop := context.AfterFunc(ctx, func() { ready.r.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := awaitReady(ready.r, bootLimit+10*time.Second); err != nil {
		cmd.Process.Kill() // pid 1 of its namespace: takes all hosts along
		life.w.Close()
		return errors.Join(err, ctx.Err())
	}
	return nil
}

// Down ends the laboratory and removes its files. It returns when the last process is gone.
func (l *Lab) Down() error {
	c, err := dial(l.socket(switchName))
	if err != nil {
		return errors.Join(remove(l.Config.Dir), l.closeLife())
	}
	defer c.Close()
	keeper, err := peer(c)
	if err != nil {
		return fmt.Errorf("cannot stop lab: %w", err)
	}
	defer unix.Close(keeper)
	if err := send(c, request{Verb: "down"}); err != nil {
		return fmt.Errorf("cannot stop lab: %w", err)
	}
	if !awaitEnd(keeper, 10*time.Second) {
		// A keeper that does not answer dies by force, and its namespace with it.
		if err := unix.PidfdSendSignal(keeper, unix.SIGKILL, nil, 0); err != nil {
			return fmt.Errorf("cannot stop lab: %w", err)
		}
		awaitEnd(keeper, 10*time.Second)
	}
	return errors.Join(remove(l.Config.Dir), l.closeLife())
}

func (l *Lab) closeLife() error {
	if l.stop == nil {
		return nil
	}
	stop := l.stop
	l.stop = nil
	return stop.Close()
}

// Kill is a power cut on a host: all its processes end at once, its disk stays.
func (l *Lab) Kill(host string) error {
	_, err := ask(l.socket(switchName), request{Verb: "kill", Host: host})
	return wrap("kill", host, err)
}

// Start boots a host that was killed, with the disk it had.
func (l *Lab) Start(host string) error {
	_, err := ask(l.socket(switchName), request{Verb: "start", Host: host})
	return wrap("start", host, err)
}

// HostStatus tells how a host is.
type HostStatus struct {
	Name     string
	Up       bool
	Address  string
	Pid      int // of its first process, on the machine
	Services map[string]ServiceState
}

// Status tells how all hosts are, in the order of the configuration.
func (l *Lab) Status() ([]HostStatus, error) {
	r, err := ask(l.socket(switchName), request{Verb: "status"})
	if err != nil {
		return nil, fmt.Errorf("cannot ask lab for its status: %w", err)
	}
	var all []HostStatus
	for _, h := range l.Config.Hosts {
		s := HostStatus{Name: h.Name, Up: r.Up[h.Name], Address: h.address()}
		if s.Up {
			if s.Pid, err = l.Pid(h.Name); err != nil {
				return nil, err
			}
			own, err := ask(l.socket(h.Name), request{Verb: "status"})
			if err != nil {
				return nil, fmt.Errorf("cannot ask %s for its status: %w", h.Name, err)
			}
			s.Services = own.Services
		}
		all = append(all, s)
	}
	return all, nil
}

// Pid is the number of a host's first process on this machine. It may be gone when it is used.
func (l *Lab) Pid(host string) (int, error) {
	c, err := dial(l.socket(host))
	if err != nil {
		return 0, fmt.Errorf("cannot reach %s: %w", host, err)
	}
	defer c.Close()
	return peerPid(c)
}

// Path is where this machine finds a file of a running host, sockets included, for example
// Path("jino0", "/run/libvirt/libvirt-sock"). It is good until the host is killed.
func (l *Lab) Path(host, file string) (string, error) {
	pid, err := l.Pid(host)
	if err != nil {
		return "", err
	}
	return filepath.Join("/proc", strconv.Itoa(pid), "root", file), nil
}

// socket is where pid 1 of a host listens, or the keeper for the switch.
func (l *Lab) socket(host string) string { return socket(l.Config.Dir, host) }

func socket(dir, host string) string {
	if host == switchName {
		return filepath.Join(dir, "control.sock")
	}
	return filepath.Join(dir, "hosts", host, "control.sock")
}

func wrap(verb, object string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("cannot %s %s: %w", verb, object, err)
}

func writeConfig(c Config) error {
	text, err := json.MarshalIndent(c, "", "\t")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return fmt.Errorf("cannot make directory of lab: %w", err)
	}
	return os.WriteFile(filepath.Join(c.Dir, "lab.json"), append(text, '\n'), 0o600)
}

func readConfig(dir string) (Config, error) {
	var c Config
	text, err := os.ReadFile(filepath.Join(dir, "lab.json"))
	if err != nil {
		return c, err
	}
	return c, json.Unmarshal(text, &c)
}

// remove deletes what a lab wrote, and its directory if nothing else is in it.
func remove(dir string) error {
	var errs []error
	for _, name := range []string{"hosts", "control.sock", "keeper.log", "lab.json"} {
		errs = append(errs, os.RemoveAll(filepath.Join(dir, name)))
	}
	os.Remove(dir)
	return errors.Join(errs...)
}
