// Package site sets up a working site on the laboratory: hosts with their daemons, a repository, `plumb run` on it, and the
// foreign tools (virsh, nft, kdig, ip, curl) that judge what came of it. The demo tells its story with it, tests their
// scenarios.
package site

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"plumbline/testenv/guest"
	"plumbline/testenv/lab"
)

// Options say what site is wanted.
type Options struct {
	Binary     string            // plumb; it must be the running program, stand beside it, or be shared with the hosts
	Dir        string            // of laboratory, repository and state; removed by Down unless Keep
	Keep       bool              // leave the laboratory up
	Out        io.Writer         // where progress is told
	Change     func(*lab.Config) // changes the laboratory of the payroll story; nil = as it is
	Interval   time.Duration     // of repository and polling for drift; 0 = 2 s
	Transports string            // of the controller's file, before the one that enters the hosts; each ends with a comma
	Sinks      string            // further sinks of the controller's file; each ends with a comma
	Settings   string            // further lines of the controller's file
	Env        []string          // further environment of `plumb run`
	Model      bool              // no laboratory: a modelled datacenter, which needs no root
}

// Site is a laboratory with a repository. StartRun puts a controller on it.
type Site struct {
	Options
	Lab   *lab.Lab
	Image guest.Image
	run   *exec.Cmd // plumb run
	ran   chan error
}

// Up installs what is missing and brings up laboratory and repository. The caller calls Down, also after an error.
func Up(ctx context.Context, o Options) (*Site, error) {
	s := &Site{Options: o}
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return s, err
	}
	if o.Model {
		s.Image = guest.Image{Path: "/modelled/tiny.qcow2", SHA256: strings.Repeat("1", 64)}
		return s, s.makeRepository(ctx)
	}
	if err := lab.Install(ctx, s.Out); err != nil {
		return s, err
	}
	cache, err := lab.CacheDir()
	if err != nil {
		return s, err
	}
	if s.Image, err = guest.Build(ctx, cache); err != nil {
		return s, err
	}
	config := lab.Boston(s.Path("lab"))
	config.Keep = s.Keep
	if s.Change != nil {
		s.Change(&config)
	}
	if s.Lab, err = lab.Up(ctx, config); err != nil {
		return s, err
	}
	return s, s.makeRepository(ctx)
}

// Down stops what runs and removes every trace, unless the laboratory is kept.
func (s *Site) Down() error {
	if s.Keep && s.Lab != nil {
		return nil
	}
	err := s.StopRun()
	if s.Lab != nil {
		err = errors.Join(err, s.Lab.Down())
	}
	return errors.Join(err, os.RemoveAll(s.Dir))
}

// Say tells progress.
func (s *Site) Say(format string, args ...any) { fmt.Fprintf(s.Out, format+"\n", args...) }

// Path is a path below the site's directory.
func (s *Site) Path(parts ...string) string {
	return filepath.Join(append([]string{s.Dir}, parts...)...)
}

// Until asks again until the condition holds, or gives the last error at the deadline.
func Until(ctx context.Context, limit time.Duration, condition func() error) error {
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
