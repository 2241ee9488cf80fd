package exec

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"plumbline/actuators"
)

const hookWord = "exec-hook"

// Self says which host a re-executed binary is.
type Self struct {
	Name     string
	Dirs     Dirs
	ReadOnly bool
	Off      time.Duration // of its clock, ahead of this machine's
	Version  string        // that it says it has
	Protocol int           // and that it speaks; 0 = ours
}

// Hook makes a binary that is not plumb, such as a test, able to be the far end (DialSelf) and the watcher. It comes
// first in TestMain or main; called again as one of them, the process never returns from it.
func Hook(reg *actuators.Registry) {
	hookWatcher = []string{"/proc/self/exe", hookWord, "watch"}
	if len(os.Args) < 3 || os.Args[1] != hookWord {
		return
	}
	if err := hook(reg, os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func hook(reg *actuators.Registry, verb string, args []string) error {
	switch {
	case verb == "watch" && len(args) == 1:
		return WatchConfirm(context.Background(), reg, args[0])
	case verb == "serve" && len(args) >= 4:
		ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
		defer stop()
		h := NewMachine(args[0], Dirs{State: args[1], Secrets: args[2], Identity: args[3]}).(*machine)
		opts := Options{ReadOnly: slices.Contains(args[4:], "read-only")}
		for _, word := range args[4:] { // as DialSelf writes them
			switch name, value, _ := strings.Cut(word, "="); name {
			case "off":
				h.off, _ = time.ParseDuration(value)
			case "version":
				opts.Version = value
			case "protocol":
				opts.protocol, _ = strconv.Atoi(value)
			}
		}
		return Serve(ctx, os.Stdin, os.Stdout, reg, h, opts)
	}
	return fmt.Errorf("internal error: %s %s %q", hookWord, verb, args)
}

// DialSelf dials this very binary, which must call Hook. The prefix is the argv that enters the host: the nsenter of a
// laboratory host, or nothing. The binary's path must mean the same file in there.
func DialSelf(ctx context.Context, prefix []string, self Self, opts DialOptions) (Executor, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	argv := append(slices.Clip(prefix), path, hookWord, "serve", self.Name, self.Dirs.State, self.Dirs.Secrets, self.Dirs.Identity)
	if self.ReadOnly {
		argv = append(argv, "read-only")
	}
	if self.Off != 0 {
		argv = append(argv, "off="+self.Off.String())
	}
	if self.Version != "" {
		argv = append(argv, "version="+self.Version)
	}
	if self.Protocol != 0 {
		argv = append(argv, "protocol="+strconv.Itoa(self.Protocol))
	}
	return Dial(ctx, argv, opts)
}
