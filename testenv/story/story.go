// Package story tells the payroll story on the laboratory: the demo and the test of the whole slice. Every act is verified
// with tools that are not ours (curl, virsh, nft, kdig, ip).
package story

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"plumbline/actuators/all"
	"plumbline/testenv/sim"
	"plumbline/testenv/site"
)

// Options say how the story is told.
type Options struct {
	Plumb string    // the binary under test; it must be the running one, or stand beside it
	Dir   string    // of laboratory, repository and state; removed at the end unless Keep
	Keep  bool      // leave the laboratory up
	Out   io.Writer // where it is told
	Model bool      // on a modelled datacenter, which needs no root
}

// Story is one telling.
type Story struct {
	*site.Site
	begun  time.Time // of the story, after the set-up
	client *client
	world  *sim.World // of the modelled story
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
	began := time.Now()
	up, err := site.Up(ctx, site.Options{Binary: o.Plumb, Dir: o.Dir, Keep: o.Keep, Out: o.Out, Model: o.Model})
	s := &Story{Site: up}
	acts, judges := acts, "curl, virsh, nft, kdig and ip"
	if o.Model {
		s.Say("This story runs on a modelled datacenter: no host, VM or network is real, and nothing of this machine is changed.")
		s.world = sim.New(all.Registry(), sim.Options{Dir: s.Path("model")})
		acts, judges = modelledActs, "the state of the model"
	}
	defer func() { err = errors.Join(err, s.end()) }()
	if err == nil {
		err = s.StartRun(ctx)
	}
	if err != nil {
		return fmt.Errorf("set-up: %w", err)
	}
	s.Say("set-up took %.1f s\n", time.Since(began).Seconds())
	s.begun = time.Now()
	for i, a := range acts {
		started := time.Now()
		s.Say("\n%d. %s", i+1, a.title)
		if err := a.play(s, ctx); err != nil {
			s.Say("   log of plumb run:\n%s", s.LogTail())
			return fmt.Errorf("act %d (%s): %w", i+1, a.title, err)
		}
		s.Say("   act %d: %.1f s", i+1, time.Since(started).Seconds())
	}
	s.Say("\nThe story took %.1f s; every act was verified with %s.", time.Since(s.begun).Seconds(), judges)
	return nil
}

// end stops what runs and, unless the laboratory is kept, removes every trace.
func (s *Story) end() error {
	s.client.stop()
	if s.Keep && s.Lab != nil {
		s.Say("\nThe laboratory stays up. Play with it:\n  %s run --config %s\n  %s lab exec --dir %s internet curl http://payroll.mycompany.com/\n  %s lab down --dir %s",
			s.Binary, s.Path("plumb.cue"), s.Binary, s.Path("lab"), s.Binary, s.Path("lab"))
	}
	return s.Down()
}

func indent(text string) string {
	return "     " + strings.ReplaceAll(strings.TrimRight(text, "\n"), "\n", "\n     ")
}
