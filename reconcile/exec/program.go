package exec

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	osexec "os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"plumbline/actuators"
)

const (
	outputLimit = 16 << 20        // of stdout and of stderr each, as actuators.Output promises
	stderrShown = 4 << 10         // of an ExitError
	pipeDelay   = 2 * time.Second // how long pipes stay open that a program's children hold after its end
)

// Run gives the program a process group of its own, which the context's end kills. It dies with this process too. More
// output than the limit is an error: half an answer must not look like a whole one. A daemon that the program leaves
// behind lives on.
func (m *machine) Run(ctx context.Context, c actuators.Cmd) (actuators.Output, error) {
	if len(c.Argv) == 0 {
		return actuators.Output{}, errors.New("internal error: no program to run")
	}
	path, err := lookPath(c.Argv[0])
	if err != nil {
		return actuators.Output{}, err
	}
	// Pdeathsig follows the thread that forks, not the process, so this thread has to live as long as the program.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	overflow := func() { cancel(fmt.Errorf("it printed more than %d MiB", outputLimit>>20)) }
	stdout, stderr := &capped{overflow: overflow}, &capped{overflow: overflow}
	cmd := osexec.CommandContext(ctx, path)
	cmd.Args, cmd.Dir, cmd.Env = c.Argv, c.Dir, append(minimalEnv(), c.Env...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(c.Stdin), stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return killGroup(cmd.Process.Pid) }
	cmd.WaitDelay = pipeDelay
	err = cmd.Run()
	out := actuators.Output{Stdout: stdout.kept.Bytes(), Stderr: stderr.kept.Bytes()}
	return out, runError(ctx, c, cmd, out, err)
}

func runError(ctx context.Context, c actuators.Cmd, cmd *osexec.Cmd, out actuators.Output, err error) error {
	if err == nil || errors.Is(err, osexec.ErrWaitDelay) && cmd.ProcessState.Success() {
		return nil // a daemon that the program started holds its pipes: no matter
	}
	if cause := context.Cause(ctx); cause != nil {
		return fmt.Errorf("%s: killed: %w", c.Argv[0], cause)
	}
	var exit *osexec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		said := strings.TrimSpace(string(out.Stderr[:min(len(out.Stderr), stderrShown)]))
		return &actuators.ExitError{Argv: c.Argv, Code: exit.ExitCode(), Stderr: said}
	}
	return fmt.Errorf("%s: %w", c.Argv[0], err)
}

// killGroup kills a process and all that stayed in its group.
func killGroup(pid int) error {
	err := syscall.Kill(-pid, syscall.SIGKILL)
	if errors.Is(err, syscall.ESRCH) {
		return os.ErrProcessDone
	}
	return err
}

// capped keeps what is written up to the limit, then calls overflow.
type capped struct {
	kept     bytes.Buffer
	overflow func()
}

func (c *capped) Write(p []byte) (int, error) {
	if c.kept.Len()+len(p) > outputLimit {
		c.overflow()
		return len(p), nil
	}
	return c.kept.Write(p)
}

// searchPath is our PATH with the system's directories, which the PATH of a service or an ordinary user may lack.
func searchPath() string {
	dirs := strings.Split(os.Getenv("PATH"), ":")
	dirs = slices.DeleteFunc(dirs, func(dir string) bool { return dir == "" })
	for _, dir := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return strings.Join(dirs, ":")
}

func minimalEnv() []string { return []string{"PATH=" + searchPath(), "LANG=C", "LC_ALL=C"} }

func lookPath(program string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	for dir := range strings.SplitSeq(searchPath(), ":") {
		path := dir + "/" + program
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return path, nil
		}
	}
	return "", fmt.Errorf("%w: program %s is not in %s", actuators.ErrNotFound, program, searchPath())
}
