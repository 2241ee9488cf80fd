package actuators

import (
	"context"
	"io/fs"
	"net"
	"time"
)

// Host is the facade of the machine that the code runs on. Kinds use nothing else of the system but through it and
// through actuators/internal.
type Host interface {
	// Name is the host's name in the topology; "" on the controller.
	Name() string
	// StateDir is a directory of this host for what a kind must keep (captured definitions, sidecars); absolute, 0700.
	StateDir() string
	// Run starts a program and waits for it; the context's end kills it and its children. A non-zero exit is an
	// *ExitError.
	Run(ctx context.Context, cmd Cmd) (Output, error)
	ReadFile(path string) ([]byte, error)
	// WriteFile replaces the file atomically and syncs file and directory.
	WriteFile(path string, data []byte, perm fs.FileMode) error
	// Remove deletes one file; deleting the absent is no error.
	Remove(path string) error
	Dial(ctx context.Context, network, address string) (net.Conn, error)
	// Secret opens a secret on this host; it is never logged, journaled or put into a process argument.
	Secret(ref Secret) ([]byte, error)
	Now() time.Time
}

// Cmd is a program to run. Argv[0] is looked up in PATH. Secrets go to Stdin, never to Argv or Env.
type Cmd struct {
	Argv  []string
	Stdin []byte
	Env   []string // added to a minimal environment (PATH, LANG=C)
	Dir   string
}

// Output is what a program printed, each at most 16 MiB.
type Output struct {
	Stdout, Stderr []byte
}

// ExitError is a program that ended with a non-zero status.
type ExitError struct {
	Argv   []string
	Code   int
	Stderr string // first 4 KiB, trimmed
}

// Error is "PROGRAM: exit status N: STDERR".
func (e *ExitError) Error() string {
	text := e.Argv[0] + ": exit status " + itoa(e.Code)
	if e.Stderr != "" {
		text += ": " + e.Stderr
	}
	return text
}
