package story

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

const controllerFile = `repository: %q
state:  %q
socket: %q
interval: "2s"
local: "ctr0"
transports: [{hosts: "*", argv: [%q, "plumb-lab-enter", %q, "{host}", "--", %q, "exec", "--stdio", "--name", "{host}"]}]
drift: interval: "2s"
sinks: [{file: %q}]
`

// startRun writes the controller's file and starts `plumb run`.
func (s *Story) startRun(ctx context.Context) error {
	text := fmt.Sprintf(controllerFile, s.path("boston.git"), s.path("state"), s.path("plumb.sock"),
		s.Plumb, s.path("lab"), s.Plumb, s.path("notices.jsonl"))
	if err := os.WriteFile(s.path("plumb.cue"), []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.OpenFile(s.path("run.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.run = exec.Command(s.Plumb, "run", "--config", s.path("plumb.cue"), "--log-level", "info")
	s.run.Stdout, s.run.Stderr = log, log
	s.run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.run.Start(); err != nil {
		return err
	}
	s.ran = make(chan error, 1)
	go func(run *exec.Cmd, ran chan error) { ran <- run.Wait() }(s.run, s.ran)
	return until(ctx, 20*time.Second, func() error {
		select {
		case err := <-s.ran:
			return fmt.Errorf("plumb run ended: %w\n%s", err, s.logTail())
		default:
		}
		_, err := s.status(ctx)
		return err
	})
}

// stopRun asks `plumb run` to stop and waits.
func (s *Story) stopRun() error {
	if s.run == nil || s.run.Process == nil {
		return nil
	}
	s.run.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.ran:
		s.run = nil
		return err
	case <-time.After(30 * time.Second):
		s.run.Process.Kill()
		<-s.ran
		s.run = nil
		return errors.New("plumb run did not stop within 30 s")
	}
}

// plumb runs a command of the binary under test.
func (s *Story) plumb(ctx context.Context, args ...string) (string, error) {
	return s.command(ctx, s.Plumb, append(args, "--config", s.path("plumb.cue"))...)
}

// status is what `plumb status` says.
type status struct {
	Head, Applied, Verdict, Phase, Error string
	Held                                 []string
	Refusals                             []struct{ Instance, Class, Text string }
}

func (s *Story) status(ctx context.Context) (status, error) {
	var st status
	out, err := s.plumb(ctx, "status", "-o", "json")
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal([]byte(out), &st)
}

// settled waits until a commit was considered to its end, and gives the status then.
func (s *Story) settled(ctx context.Context, commit string, limit time.Duration) (st status, err error) {
	err = until(ctx, limit, func() error {
		if st, err = s.status(ctx); err != nil {
			return err
		}
		if st.Head != commit || st.Phase != "waiting" || st.Verdict == "" {
			return fmt.Errorf("status is %+v", st)
		}
		return nil
	})
	return st, err
}

// applied waits until a commit is applied in full.
func (s *Story) applied(ctx context.Context, commit string) error {
	started := time.Now()
	st, err := s.settled(ctx, commit, 90*time.Second)
	if err != nil {
		return err
	}
	if st.Verdict != "applied" || st.Applied != commit {
		return fmt.Errorf("the commit was not applied: %+v", st)
	}
	s.say("   applied in %.1f s", time.Since(started).Seconds())
	return nil
}

// notice is one line of the notices' file.
type notice struct {
	Status, Reason, Message, Object, Severity string
	Declared                                  struct {
		File string
		Line int
	}
	StartsAt string `json:"starts_at"`
}

func (s *Story) notices() ([]notice, error) {
	f, err := os.Open(s.path("notices.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []notice
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var n notice
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, lines.Err()
}

func (s *Story) logTail() string {
	data, _ := os.ReadFile(s.path("run.log"))
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return "     " + strings.Join(lines[max(0, len(lines)-25):], "\n     ")
}
