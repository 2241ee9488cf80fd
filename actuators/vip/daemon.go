package vip

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"plumbline/actuators"
)

// pidFile is where keepalived writes the number of its first process; Debian and upstream agree.
const pidFile = "/run/keepalived.pid"

// running tells whether keepalived runs: its number is written down, and a process of that number has its name.
func running(h actuators.Host) (bool, error) {
	for _, path := range []string{pidFile, "/run/keepalived/keepalived.pid"} {
		pid, err := readFile(h, path)
		if err != nil {
			return false, err
		}
		if pid = strings.TrimSpace(pid); pid == "" || strings.ContainsAny(pid, "/.") {
			continue
		}
		name, err := h.ReadFile(filepath.Join("/proc", pid, "comm"))
		if err == nil && strings.TrimSpace(string(name)) == "keepalived" {
			return true, nil
		}
	}
	return false, nil
}

// reload makes keepalived read its files, or starts it, and waits until it runs.
func reload(ctx context.Context, h actuators.Host) error {
	if err := service(ctx, h, "reload-or-restart"); err != nil {
		return err
	}
	beat := time.NewTicker(20 * time.Millisecond)
	defer beat.Stop()
	for {
		if on, err := running(h); on || err != nil {
			return err
		}
		select {
		case <-beat.C:
		case <-ctx.Done():
			return fmt.Errorf("cannot start keepalived: it was told to start and does not run: %w", ctx.Err())
		}
	}
}

func service(ctx context.Context, h actuators.Host, verb string) error {
	if _, err := h.Run(ctx, actuators.Cmd{Argv: []string{"systemctl", verb, "keepalived"}}); err != nil {
		return fmt.Errorf("cannot %s keepalived: %w", verb, err)
	}
	return nil
}

// try lets keepalived judge the text of one address alone.
func try(ctx context.Context, h actuators.Host, name, content string) error {
	path := filepath.Join(h.StateDir(), "vip", "try-"+name+confEnd)
	if err := h.WriteFile(path, []byte(content), 0o600); err != nil {
		return err
	}
	_, err := h.Run(ctx, actuators.Cmd{Argv: []string{"keepalived", "--config-test", "--vrrp", "--use-file=" + path}})
	if removeErr := h.Remove(path); err == nil {
		err = removeErr
	}
	if err != nil {
		return fmt.Errorf("%w: keepalived does not take vip/%s: %w", actuators.ErrRefused, name, err)
	}
	return nil
}
