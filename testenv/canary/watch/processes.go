package main

import (
	"context"
	"os"
	"strconv"
	"syscall"
	"time"
)

// processes looks at the arguments and the environment of every process, ten times a second and more: hosts of laboratories are
// namespaces of this machine, so theirs are among them. Their file systems it hands to files.
type processes struct {
	seen  *sightings
	files *files
}

func (p processes) run(ctx context.Context) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		p.all()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (p processes) all() {
	dir, err := os.Open("/proc")
	if err != nil {
		return
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	for _, name := range names {
		if _, err := strconv.Atoi(name); err != nil {
			continue
		}
		at := "/proc/" + name
		arguments, err := os.ReadFile(at + "/cmdline")
		if err != nil || len(arguments) == 0 { // gone, or the kernel's
			continue
		}
		p.seen.search(arguments, "the arguments of %s", program(arguments))
		p.seen.environment(at)
		for _, below := range []string{"/root/", "/root/run/", "/root/tmp/"} {
			var s syscall.Stat_t
			if syscall.Stat(at+below, &s) == nil {
				p.files.mark(s.Dev, at+below)
			}
		}
	}
}

// environment looks at that of a process, by its directory in /proc.
func (s *sightings) environment(at string) {
	environment, _ := os.ReadFile(at + "/environ")
	if !s.needles.In(environment) {
		return
	}
	arguments, _ := os.ReadFile(at + "/cmdline")
	s.search(environment, "the environment of %s", program(arguments))
}

// program is the first argument alone.
func program(arguments []byte) string {
	for i, c := range arguments {
		if c == 0 {
			return string(arguments[:i])
		}
	}
	return string(arguments)
}
