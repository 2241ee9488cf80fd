package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"plumbline/reconcile"
	"plumbline/testenv/need"
)

const scriptConfig = `repository: "$WORK/repo.git"
state:      "$WORK/state"
socket:     "$WORK/plumb.sock"
local:      "here"
interval:   "1s"
drift: interval: "1s"
`

// setup gives each script its repository, working tree and controller's file.
func setup(env *testscript.Env) error {
	for name, value := range map[string]string{
		"PLUMB_CONFIG": env.WorkDir + "/plumb.cue", "NO_COLOR": "", "TZ": "UTC", "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1",
		"GIT_AUTHOR_NAME": "ada", "GIT_AUTHOR_EMAIL": "ada@boston", "GIT_COMMITTER_NAME": "ada", "GIT_COMMITTER_EMAIL": "ada@boston",
		"ME": regexp.QuoteMeta(reconcile.PersonOf(os.Getuid(), os.Getpid())), "OWNER": owner(), // in a regular expression: who gives orders, and whose files it makes
	} {
		env.Setenv(name, value)
	}
	config := filepath.Join(env.WorkDir, "plumb.cue")
	if _, err := os.Stat(config); errors.Is(err, fs.ErrNotExist) {
		if err := os.WriteFile(config, []byte(scriptConfig), 0o600); err != nil {
			return err
		}
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	env.Setenv("PORT", port)
	if err := expand(env.WorkDir, port); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q", "--bare", "-b", "main", "repo.git"}, {"init", "-q", "-b", "main", "work"}, {"-C", "work", "remote", "add", "origin", "../repo.git"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir, cmd.Env = env.WorkDir, append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %v: %w: %s", args, err, out)
		}
	}
	return nil
}

// freePort is a port of loopback that nobody listens on.
func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer listener.Close()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, err
}

// expand replaces $WORK and $PORT in the *.cue files of a directory.
func expand(dir, port string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".cue" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(path, []byte(strings.NewReplacer("$WORK", dir, "$PORT", port).Replace(string(data))), 0o600)
	})
}

// cmdCode: code N plumb ARG… demands an exit code.
func cmdCode(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("%v: exit code %d, want %d", args[1:], got, want)
	}
}

// scriptPatience is how long until waits.
const scriptPatience = 40 * time.Second

// cmdUntil: until REGEXP PROGRAM ARG… runs a program again and again until what it prints matches.
func cmdUntil(ts *testscript.TestScript, neg bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[0])
	for deadline := time.Now().Add(scriptPatience); ; {
		err := ts.Exec(args[1], args[2:]...)
		text := ts.ReadFile("stdout") + ts.ReadFile("stderr")
		if want.MatchString(text) != neg {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%v never printed %q; at last (%v):\n%s", args[1:], args[0], err, text)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// cmdPush: push MESSAGE [GIT-PUSH-ARG…] commits all of work and pushes it.
func cmdPush(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec("git", "-C", ts.MkAbs("work"), "add", "-A"))
	ts.Check(ts.Exec("git", "-C", ts.MkAbs("work"), "commit", "-q", "--allow-empty", "-m", args[0]))
	ts.Check(ts.Exec("git", append([]string{"-C", ts.MkAbs("work"), "push", "-q", "origin", "HEAD:main"}, args[1:]...)...))
	ts.Check(ts.Exec("git", "-C", ts.MkAbs("work"), "rev-parse", "HEAD"))
	commit := strings.TrimSpace(ts.ReadFile("stdout"))
	ts.Setenv("COMMIT", commit)
	ts.Setenv("SHORT", commit[:10])
}

// cmdGit: git ARG… runs git in work.
func cmdGit(ts *testscript.TestScript, neg bool, args []string) {
	err := ts.Exec("git", append([]string{"-C", ts.MkAbs("work")}, args...)...)
	if (err == nil) == neg {
		ts.Fatalf("git %v: %v", args, err)
	}
}

// cmdEdit: edit FILE OLD NEW replaces text in a file.
func cmdEdit(ts *testscript.TestScript, _ bool, args []string) {
	old := ts.ReadFile(args[0])
	if !strings.Contains(old, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(old, args[1], args[2])), 0o600))
}

// cmdAgree: agree VERB FILE appends the line that was printed to agree to something, as people do.
func cmdAgree(ts *testscript.TestScript, _ bool, args []string) {
	line := regexp.MustCompile(`approve: ` + args[0] + `: "[^"]+": \{[^}]+\}`).FindString(ts.ReadFile("stdout") + ts.ReadFile("stderr"))
	if line == "" {
		ts.Fatalf("no line to approve to %s was printed", args[0])
	}
	text, err := os.ReadFile(ts.MkAbs(args[1]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(string(text)+line+"\n"), 0o600))
}

// volatile is what differs from run to run, and what stands for it in golden text.
var volatile = []struct {
	match *regexp.Regexp
	with  string
}{
	{regexp.MustCompile(`sha256:[0-9a-f]{8,64}`), "sha256:DIGEST"},
	{regexp.MustCompile(`dir:[0-9a-f]{6,64}`), "dir:HASH"},
	{regexp.MustCompile(`\b[0-9a-f]{40}\b|\b[0-9a-f]{10}\b`), "COMMIT"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\dT[0-9:.]+(Z|[+-][0-9:]+)`), "TIME"},
	{regexp.MustCompile(`(?m) *\b\d+\.\d ?s\b`), " N s"},
	{regexp.MustCompile(`\bfor \d+ s\b`), "for N s"},
	{regexp.MustCompile(`pid \d+`), "pid N"},
	{regexp.MustCompile(`(?m)^    ordered by \S+( \(\S+\))?$`), "    ordered by ME"},
}

// cmdLike: like stdout|stderr FILE compares text whole, but for what differs from run to run.
func cmdLike(ts *testscript.TestScript, _ bool, args []string) {
	got := strings.ReplaceAll(ts.ReadFile(args[0]), ts.Getenv("WORK"), "$WORK")
	for _, v := range volatile {
		got = v.match.ReplaceAllString(got, v.with)
	}
	if want := ts.ReadFile(args[1]); got != want {
		ts.Fatalf("%s is not like %s:\n--- got\n%s--- want\n%s", args[0], args[1], got, want)
	}
}

// cmdNobody: nobody N plumb ARG… is code N as an ordinary user, to whom the state of the script is closed.
func cmdNobody(ts *testscript.TestScript, _ bool, args []string) {
	path, err := exec.LookPath(args[1])
	ts.Check(err)
	for dir := filepath.Dir(path); strings.Contains(dir, "testscript-main"); dir = filepath.Dir(dir) {
		ts.Check(os.Chmod(dir, 0o755))
	}
	var out, errs strings.Builder
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = "/", &out, &errs
	cmd.Env = []string{"PLUMB_CONFIG=" + ts.Getenv("PLUMB_CONFIG"), "HOME=/", "PATH=" + ts.Getenv("PATH")}
	for _, name := range []string{"PLUMB_STATE", "PLUMB_REPO", "PLUMB_SOCKET"} {
		if value := ts.Getenv(name); value != "" {
			cmd.Env = append(cmd.Env, name+"="+value)
		}
	}
	if os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	}
	err = cmd.Run()
	ts.Check(os.WriteFile(ts.MkAbs("nobody.out"), []byte(out.String()+errs.String()), 0o600))
	if got := strconv.Itoa(cmd.ProcessState.ExitCode()); got != args[0] {
		ts.Fatalf("%v: exit code %s, want %s (%v)\n%s%s", args[1:], got, args[0], err, out.String(), errs.String())
	}
}

// cmdNeed: need root|program NAME.
func cmdNeed(ts *testscript.TestScript, _ bool, args []string) {
	t := scriptT{ts}
	if args[0] == "root" {
		need.Root(t)
		return
	}
	need.Program(t, args[1:]...)
}

// scriptT lets a script need things as a test does.
type scriptT struct{ ts *testscript.TestScript }

func (scriptT) Helper()             {}
func (t scriptT) Skip(args ...any)  { t.ts.Fatalf("%s", fmt.Sprint(args...)) }
func (t scriptT) Fatal(args ...any) { t.ts.Fatalf("%s", fmt.Sprint(args...)) }
