package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// identities remembers the machine ID of every host, as first seen. A host that answers with another one is another
// machine under the same name: it is unknown until somebody trusts it, so that nothing is made anew on an empty disk.
type identities struct {
	path    string // of the file
	looking bool   // writes nothing: a host that is not known is no stranger, and stays unknown

	mu    sync.Mutex
	known map[string]string // as the file was read or written last
	file  os.FileInfo       // of then: the file is read again when it is another one, for "plumb trust" may be another process
}

// ErrStranger means that a host is not the machine it was.
var ErrStranger = errors.New("the host is not the machine it was")

// read gives what is known, which the caller may change and then write.
func (i *identities) read() (map[string]string, error) {
	now, err := os.Stat(i.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]string{}, nil
	}
	if err == nil && i.file != nil && os.SameFile(now, i.file) && now.ModTime().Equal(i.file.ModTime()) && now.Size() == i.file.Size() {
		return i.known, nil
	}
	known := map[string]string{}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(i.path)
	}
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the identities of hosts: %w", err)
	}
	i.known, i.file = known, now
	return known, nil
}

// check compares a host that has just answered with what is known of it, and remembers a new one.
func (i *identities) check(host string, hello exec.Hello) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	known, err := i.read()
	if i.looking && errors.Is(err, fs.ErrPermission) {
		return nil // the state of another user
	}
	if err != nil {
		return err
	}
	switch {
	case known[host] == hello.Machine, known[host] == "" && i.looking:
		return nil
	case known[host] != "":
		return fmt.Errorf("%w: its machine ID is %s and was %s; if that is right, say \"plumb trust %s\"", ErrStranger, hello.Machine, known[host], host)
	}
	known[host] = hello.Machine
	return i.write(known)
}

// forget lets the next machine that answers under this name be trusted; it tells whether one was known.
func (i *identities) forget(host string) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	known, err := i.read()
	if err != nil || known[host] == "" {
		return false, err
	}
	delete(known, host)
	return true, i.write(known)
}

// write replaces the file; when that fails it is read again before anything of it is believed.
func (i *identities) write(known map[string]string) error {
	i.known, i.file = nil, nil
	data, err := json.MarshalIndent(known, "", "  ")
	if err != nil {
		return err
	}
	if err := replace(i.path, data); err != nil { // an empty one would make every host a stranger
		return fmt.Errorf("cannot write the identities of hosts: %w", err)
	}
	if file, err := os.Stat(i.path); err == nil && file.Size() == int64(len(data)) { // else another process has written since
		i.known, i.file = known, file
	}
	return nil
}

// checked wraps a dialer so that only hosts are talked to that each check accepts when they have answered.
func checked(dial Dialer, checks ...func(host string, hello exec.Hello) error) Dialer {
	return func(ctx context.Context, host, ssh string) (exec.Executor, error) {
		executor, err := dial(ctx, host, ssh)
		if err != nil || host == "" {
			return executor, err
		}
		hello, err := executor.Hello(ctx)
		for _, check := range checks {
			if err == nil {
				err = check(host, hello)
			}
		}
		if err != nil {
			executor.Close()
			return nil, err
		}
		return executor, nil
	}
}

// identityFile is where the identities stand below the state directory.
func identityFile(state string) string { return filepath.Join(state, "hosts.json") }

// Trust accepts that a host is another machine from now on.
func (c *Controller) Trust(ctx context.Context, host string) (text string, err error) {
	was := false
	order := about(ctx, "trust", "the machine that answers next as "+host+" is trusted", schema.MakeID("host", host).On(""), "")
	if err = c.audit.order(order, func() (err error) { was, err = c.identities.forget(host); return err }); err != nil {
		return "", err
	}
	c.hosts.Drop(host)
	c.Reconsider()
	if !was {
		return "nothing was known of " + host + "; the next machine that answers is trusted", nil
	}
	return host + " is trusted as the machine that answers next", nil
}
