// Package story tells the payroll story on the laboratory: the demo and the test of the whole slice. Every act is verified
// with tools that are not ours (curl, virsh, nft, kdig, ip).
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"plumbline/testenv/guest"
	"plumbline/testenv/lab"
)

// Options say how the story is told.
type Options struct {
	Plumb string    // the binary under test; it must be the running one, or stand beside it
	Dir   string    // of laboratory, repository and state; removed at the end unless Keep
	Keep  bool      // leave the laboratory up
	Out   io.Writer // where it is told
}

// Story is one telling.
type Story struct {
	Options
	lab    *lab.Lab
	image  guest.Image
	run    *exec.Cmd // plumb run
	ran    chan error
	begun  time.Time // of the story, after the set-up
	client *client
}

// act is one chapter: what it is about, and what does it and verifies it.
type act struct {
	title string
	play  func(*Story, context.Context) error
}

var acts = []act{
	{"first push: storage, VM, NAT, VIP and DNS from nothing", (*Story).firstPush},
	{"a push grows disk and memory and puts a second VM behind a balancer", (*Story).grow},
	{"a push whose last step the name server refuses is rolled back", (*Story).refused},
	{"somebody destroys the VM and deletes an nft element by hand", (*Story).sabotage},
	{"the active edge dies", (*Story).edgeDies},
	{"a malformed push, and one that takes away what is needed", (*Story).mistakes},
	{"the application goes, and comes back with its data", (*Story).goAndComeBack},
}

// Tell sets the laboratory up and plays all acts. The first failing one ends the story; the error names it.
func Tell(ctx context.Context, o Options) (err error) {
	s := &Story{Options: o}
	defer func() { err = errors.Join(err, s.end()) }()
	began := time.Now()
	if err := s.setUp(ctx); err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	s.say("set-up took %.1f s\n", time.Since(began).Seconds())
	s.begun = time.Now()
	for i, a := range acts {
		started := time.Now()
		s.say("\n%d. %s", i+1, a.title)
		if err := a.play(s, ctx); err != nil {
			s.say("   log of plumb run:\n%s", s.logTail())
			return fmt.Errorf("act %d (%s): %w", i+1, a.title, err)
		}
		s.say("   act %d: %.1f s", i+1, time.Since(started).Seconds())
	}
	s.say("\nThe story took %.1f s; every act was verified with curl, virsh, nft, kdig and ip.", time.Since(s.begun).Seconds())
	return nil
}

func (s *Story) say(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

func (s *Story) path(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

// setUp installs what is missing and brings up laboratory, repository and `plumb run`.
func (s *Story) setUp(ctx context.Context) error {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return err
	}
	if err := lab.Install(ctx, s.Out); err != nil {
		return err
	}
	cache, err := lab.CacheDir()
	if err != nil {
		return err
	}
	if s.image, err = guest.Build(ctx, cache); err != nil {
		return err
	}
	config := lab.Boston(s.path("lab"))
	config.Keep = s.Keep
	if s.lab, err = lab.Up(ctx, config); err != nil {
		return err
	}
	if err := s.makeRepository(ctx); err != nil {
		return err
	}
	return s.startRun(ctx)
}

// end stops what runs and, unless the laboratory is kept, removes every trace.
func (s *Story) end() error {
	s.client.stop()
	if s.Keep && s.lab != nil {
		s.say("\nThe laboratory stays up: %s lab status --dir %s; end it with lab down.", s.Plumb, s.path("lab"))
		return nil
	}
	err := s.stopRun()
	if s.lab != nil {
		err = errors.Join(err, s.lab.Down())
	}
	return errors.Join(err, os.RemoveAll(s.Dir))
}

// until asks again until the condition holds, or gives the last error at the deadline.
func until(ctx context.Context, limit time.Duration, condition func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		err := condition()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", limit, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
