package ssh

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"plumbline/reconcile/exec"
	"plumbline/testenv/site"
)

// However a connection ends, nothing of it stays on the host: neither when ssh is killed nor when the network is cut, which
// sshd by itself notices after hours.
func TestBrokenConnectionLeavesNoExecutor(t *testing.T) {
	p := up(t, nil)
	argv, err := exec.SSH("hypervisor", "plumb", "exec", "--stdio", "--name", "jino0")
	p.must(err)
	for name, cut := range map[string]func(){
		"ssh is killed":      func() { p.on("ctr0", "pkill", "-KILL", "-x", "ssh") },
		"the network is cut": func() { p.on("jino0", "ip", "link", "set", "eth0", "down") },
	} {
		p.on("jino0", "ip", "link", "set", "eth0", "up")
		e, err := exec.Dial(t.Context(), append(p.EnterArgv("ctr0"), argv...), exec.DialOptions{})
		if err != nil {
			t.Fatal(err)
		}
		p.must(p.executor(true))
		cut()
		if err := site.Until(t.Context(), 50*time.Second, func() error { return p.executor(false) }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := e.Hello(context.Background()); !errors.Is(err, exec.ErrUnreachable) {
			t.Errorf("%s: hello says %v", name, err)
		}
		e.Close()
	}
}

// executor checks whether jino0 runs plumb exec.
func (p *place) executor(want bool) error {
	out, err := p.Exec(p.t.Context(), "jino0", "pgrep", "-fa", "^plumb exec")
	if (err == nil) != want {
		return fmt.Errorf("plumb exec on jino0: want %v, is %q (%v)", want, out, err)
	}
	return nil
}
