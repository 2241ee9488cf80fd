// Watch runs a command whose laboratories and tests keep one secret, and fails if that is seen in the command's output, in the arguments
// or the environment of any process, in a file that was written (also one removed at once, and within the journal's deflated values), or in
// a packet on this machine's interfaces. What holds it rightly is in a list. It needs root, and a kernel with audit.
//
//	go run ./testenv/canary/watch make test
//
// Of output only what failed is shown, for the suite runs with -v: what passing tests print is searched, too.
package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"plumbline/testenv/canary"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: watch COMMAND [ARGUMENT…]")
		os.Exit(2)
	}
	dir, err := os.MkdirTemp("", "canary-")
	if err == nil {
		defer os.RemoveAll(dir)
		err = watch(ctx, dir, os.Args[1:])
	}
	if err != nil {
		os.RemoveAll(dir)
		fmt.Fprintln(os.Stderr, "watch:", err)
		os.Exit(1)
	}
}

// watch runs a command. The error is the command's, or tells where the secret was seen.
func watch(ctx context.Context, dir string, argv []string) error {
	secret, err := canary.Secret()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		return err
	}
	needles, err := canary.Of(secret)
	if err != nil {
		return err
	}
	seen := &sightings{needles: needles, at: map[string]bool{}}
	end, err := look(ctx, seen)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	out := &output{seen: seen, to: os.Stdout}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), canary.Variable+"="+file)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	err = cmd.Run()
	out.flush()
	end()
	if leaks := seen.list(); len(leaks) > 0 {
		return fmt.Errorf("the secret was seen in\n  %s", strings.Join(leaks, "\n  "))
	}
	return err
}

// look starts all that looks beside the command; end waits until what came before was looked at.
func look(ctx context.Context, seen *sightings) (end func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	files, err := openFiles(seen)
	if err != nil {
		cancel()
		return nil, err
	}
	packets, err := openPackets(seen)
	if err != nil {
		cancel()
		return nil, err
	}
	commands, err := openCommands(seen)
	if err != nil {
		cancel()
		return nil, err
	}
	processes := processes{seen, files}
	processes.all() // marks the file systems, before anything is written
	var all sync.WaitGroup
	all.Go(func() { commands.run(ctx) })
	all.Go(func() { files.run(ctx) })
	all.Go(func() { packets.run(ctx) })
	all.Go(func() { processes.run(ctx) })
	return func() { cancel(); all.Wait() }, nil
}

// sightings are the places where the secret was.
type sightings struct {
	needles canary.Needles

	mu sync.Mutex
	at map[string]bool
}

func (s *sightings) search(data []byte, format string, args ...any) {
	if s.needles.In(data) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.at[fmt.Sprintf(format, args...)] = true
	}
}

func (s *sightings) list() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for place := range s.at {
		out = append(out, place)
	}
	return out
}
