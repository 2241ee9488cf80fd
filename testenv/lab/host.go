package lab

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/sys/unix"
)

// boot is what the keeper tells the first process of a host on descriptor 3.
type boot struct {
	HostConfig
	Lab      string
	Dir      string // of the lab
	First    bool   // nothing was ever written on this host
	Hosts    string // content of /etc/hosts
	TSIG     TSIG
	SSH      SSH
	Known    string // content of known_hosts
	Cache    string // see CacheDir
	ReadOnly []string
	Share    []string
}

func (b boot) hostDir() string { return filepath.Join(b.Dir, "hosts", b.Name) }
func (b boot) id() string      { return identity(b.Lab, b.Name) }

// hostEnv is the environment of pid 1 and its services.
var hostEnv = []string{
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
	"HOME=/root", "LANG=C.UTF-8",
}

// hostSocket is where systemctl finds pid 1 inside a host.
const hostSocket = "/run/plumb-lab.sock"

// beHost is pid 1 of a host: it sets the machine up, says so on descriptor 4,
// and answers requests until it is killed.
func beHost() error {
	var b boot
	if err := json.NewDecoder(os.NewFile(3, "boot")).Decode(&b); err != nil {
		return fmt.Errorf("cannot read boot description: %w", err)
	}
	unix.CloseOnExec(4)
	ready := os.NewFile(4, "ready")
	err := runHost(b, ready)
	json.NewEncoder(ready).Encode(reply{Err: err.Error()})
	return err
}

func runHost(b boot, ready *os.File) error {
	os.Clearenv()
	for _, v := range hostEnv {
		name, value, _ := strings.Cut(v, "=")
		os.Setenv(name, value)
	}
	// Made before the root changes, so that it is found under the lab's directory.
	control, err := listen(filepath.Join(b.hostDir(), "control.sock"))
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	if err := seedCapabilities(b); err != nil {
		return err
	}
	if err := enterRoot(b); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(b.Name)); err != nil {
		return fmt.Errorf("cannot set host name: %w", err)
	}
	if b.First {
		if err := writeIdentity(b); err != nil {
			return err
		}
	}
	if err := configureNetwork(b.HostConfig); err != nil {
		return err
	}
	run := newProcesses()
	services, err := newServices(b, run)
	if err != nil {
		return err
	}
	inside, err := listen(hostSocket)
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	if err := services.startAll(); err != nil {
		return err
	}
	saveCapabilities(b)
	if err := json.NewEncoder(ready).Encode(reply{}); err != nil {
		return err
	}
	ready.Close()
	go services.watch()
	var all sync.WaitGroup
	for _, l := range []*net.UnixListener{control, inside} {
		all.Go(func() { serve(l, services.answer, run) })
	}
	all.Wait()
	return fmt.Errorf("internal error: host %s stopped serving", b.Name)
}

// writeIdentity writes the files that make this machine another than the one below it.
func writeIdentity(b boot) error {
	files := map[string]string{
		"/etc/hostname":                     b.Name + "\n",
		"/etc/machine-id":                   b.id() + "\n",
		"/etc/hosts":                        b.Hosts,
		"/etc/plumb/secrets/" + b.TSIG.Name: b.TSIG.Secret + "\n",
		KeyFile:                             b.TSIG.String() + "\n",
	}
	if b.Nameserver == "" {
		files["/etc/resolv.conf"] = "# no resolver on this host\n"
	} else {
		files["/etc/resolv.conf"] = "nameserver " + b.Nameserver + "\noptions timeout:1 attempts:2\n"
	}
	if err := writeSSH(b); err != nil {
		return err
	}
	for path, text := range b.Files {
		files[path] = text
	}
	for path, text := range files {
		mode := os.FileMode(0o644)
		if _, own := b.Files[path]; own || strings.HasPrefix(path, "/etc/plumb/") {
			mode = 0o600
		}
		if err := replaceFile(path, text, mode); err != nil {
			return err
		}
	}
	if err := os.Chmod("/etc/plumb/secrets", 0o700); err != nil {
		return err
	}
	// Another Plumbline may live on the machine below; its state is not this host's.
	return emptyDir("/var/lib/plumb", 0o700)
}

// replaceFile writes a new file instead of whatever the machine below shows there, link or not.
func replaceFile(path, text string, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return os.WriteFile(path, []byte(text), mode)
}

func emptyDir(path string, mode os.FileMode) error {
	if err := os.RemoveAll(path); err != nil {
		return err
	}
	return os.MkdirAll(path, mode)
}

// chown gives trees to a user and his group, as daemons that drop their rights want.
func chown(owner string, trees ...string) error {
	u, err := user.Lookup(owner)
	if err != nil {
		return fmt.Errorf("cannot give %v to %s: %w", trees, owner, err)
	}
	uid, _ := strconv.Atoi(u.Uid)
	gid, _ := strconv.Atoi(u.Gid)
	for _, tree := range trees {
		err := filepath.WalkDir(tree, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, uid, gid))
		})
		if err != nil {
			return fmt.Errorf("cannot give %s to %s: %w", tree, owner, err)
		}
	}
	return nil
}
