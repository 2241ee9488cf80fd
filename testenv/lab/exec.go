package lab

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// ExitError says that a program on a host failed.
type ExitError struct {
	Host   string
	Argv   []string
	Code   int // 127 = not found, 255 = host lost, 128+n = ended by signal n
	Stderr string
}

func (e *ExitError) Error() string {
	text := fmt.Sprintf("%s on %s: exit %d", strings.Join(e.Argv, " "), e.Host, e.Code)
	if e.Stderr != "" {
		text += ": " + strings.TrimSpace(e.Stderr)
	}
	return text
}

// Exec runs a program on a host, with an empty input, and returns what it wrote to stdout. An
// unsuccessful one is an *ExitError. When the context ends, the program's process group is
// killed. The host "switch" means the lab's switch, for tcpdump and the like.
func (l *Lab) Exec(ctx context.Context, host string, argv ...string) (string, error) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		return "", err
	}
	defer null.Close()
	ends, err := pipes(2)
	if err != nil {
		return "", err
	}
	out, errOut := collect(ends[0].r), collect(ends[1].r)
	r := l.exec(ctx, host, argv, null, ends[0].w, ends[1].w)
	for _, end := range ends {
		end.w.Close()
		// A child in the background may hold the pipe for ever.
		end.r.SetReadDeadline(time.Now().Add(drainLimit))
	}
	stdout, stderr := <-out, <-errOut
	if r.Code == 0 && r.Err == "" {
		return stdout, nil
	}
	err = &ExitError{Host: host, Argv: argv, Code: r.Code, Stderr: r.Err + stderr}
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	return stdout, err
}

// drainLimit is how long output may still come after the program ended.
const drainLimit = 2 * time.Second

func (l *Lab) exec(ctx context.Context, host string, argv []string, files ...*os.File) reply {
	c, err := dial(l.socket(host))
	if err != nil {
		return reply{Code: lost, Err: "host is not up: " + err.Error()}
	}
	defer c.Close()
	defer context.AfterFunc(ctx, func() { c.Close() })()
	cwd, _ := os.Getwd()
	if err := send(c, request{Verb: "exec", Argv: argv, Env: environment(os.Environ()), Dir: cwd}, files...); err != nil {
		return reply{Code: lost, Err: err.Error()}
	}
	for _, f := range files[1:] {
		f.Close() // so that the end of the program is the end of the pipe
	}
	var r reply
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		return reply{Code: lost, Err: "host went away: " + err.Error()}
	}
	return r
}

func collect(r *os.File) <-chan string {
	all := make(chan string, 1)
	go func() {
		defer r.Close()
		text, _ := io.ReadAll(r)
		all <- string(text)
	}()
	return all
}

// Command prepares a program on a host. Its environment is Cmd.Env as usual; killing the
// command kills the program's process group on the host.
func (l *Lab) Command(ctx context.Context, host string, argv ...string) *exec.Cmd {
	enter := append(l.EnterArgv(host), argv...)
	cmd := exec.CommandContext(ctx, enter[0], enter[1:]...)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// EnterArgv is the beginning of a command line that runs the rest of it on the host. It holds
// no process number and stays right when the host is booted again.
func (l *Lab) EnterArgv(host string) []string {
	exe, err := os.Executable()
	if err != nil {
		exe = os.Args[0]
	}
	return []string{exe, enterArg, l.Config.Dir, host, "--"}
}

// lost is the exit code when the host cannot be reached or goes away, as ssh(1) has it.
const lost = 255

// enter is the main of EnterArgv: arguments DIR HOST -- ARGV.
func enter(args []string) int {
	if len(args) < 4 || args[2] != "--" {
		fmt.Fprintln(os.Stderr, "internal error: usage: DIR HOST -- PROGRAM [ARGUMENT …]")
		return lost
	}
	dir, host, argv := args[0], args[1], args[3:]
	c, err := dial(socket(dir, host))
	if err != nil {
		fmt.Fprintf(os.Stderr, "cannot enter %s: it is not up: %v\n", host, err)
		return lost
	}
	defer c.Close()
	cwd, _ := os.Getwd()
	q := request{Verb: "exec", Argv: argv, Env: environment(os.Environ()), Dir: cwd}
	if err := send(c, q, os.Stdin, os.Stdout, os.Stderr); err != nil {
		fmt.Fprintf(os.Stderr, "cannot enter %s: %v\n", host, err)
		return lost
	}
	go forwardSignals(c)
	var r reply
	if err := json.NewDecoder(c).Decode(&r); err != nil {
		fmt.Fprintf(os.Stderr, "cannot run %s: %s went away\n", argv[0], host)
		return lost
	}
	if r.Err != "" {
		fmt.Fprintf(os.Stderr, "cannot run %s on %s: %s\n", argv[0], host, r.Err)
	}
	return r.Code
}

func forwardSignals(to io.Writer) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	for s := range signals {
		json.NewEncoder(to).Encode(interrupt{Signal: int(s.(syscall.Signal))})
	}
}

// environment gives a program the caller's variables, and the host's PATH: the
// caller's may lack sbin.
func environment(from []string) []string {
	env := append([]string{}, hostEnv...)
	for _, v := range from {
		name, _, _ := strings.Cut(v, "=")
		if name != "PATH" && name != "HOME" && name != "LANG" && name != "TMPDIR" {
			env = append(env, v)
		}
	}
	return env
}
