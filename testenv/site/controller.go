package site

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
interval: %q
%s
drift: interval: %q
limits: destroys: 10
sinks: [%s{file: %q}]
%s
`

// reach is the line that says how hosts are reached: through the laboratory's entrance, or not at all.
func (s *Site) reach() string {
	if s.Model {
		return fmt.Sprintf("model: %q", s.Path("model"))
	}
	const line = `transports: [%s{hosts: "*", argv: [%q, "plumb-lab-enter", %q, "{host}", "--", %q, "exec", "--stdio", "--name", "{host}"]}]`
	return fmt.Sprintf(line, s.Transports, s.Binary, s.Path("lab"), s.Binary)
}

func (s *Site) writeController() error {
	interval := s.Interval
	if interval == 0 {
		interval = 2 * time.Second
	}
	text := fmt.Sprintf(controllerFile, s.Path("boston.git"), s.Path("state"), s.Path("plumb.sock"), interval,
		s.reach(), interval, s.Sinks, s.Path("notices.jsonl"), s.Settings)
	return os.WriteFile(s.Path("plumb.cue"), []byte(text), 0o600)
}

// StartRun writes the controller's file and starts `plumb run`; it returns when that answers.
func (s *Site) StartRun(ctx context.Context) error {
	if err := s.launch(); err != nil {
		return err
	}
	return Until(ctx, 20*time.Second, func() error {
		select {
		case err := <-s.ran:
			s.run = nil
			return fmt.Errorf("plumb run ended: %w\n%s", err, s.LogTail())
		default:
		}
		_, err := s.Status(ctx)
		return err
	})
}

// RunUntilDead starts `plumb run` and waits until it is dead, or has considered a commit to its end.
func (s *Site) RunUntilDead(ctx context.Context, commit string) (died bool, err error) {
	if err := s.launch(); err != nil {
		return false, err
	}
	err = Until(ctx, time.Minute, func() error {
		select {
		case <-s.ran:
			s.run, died = nil, true
			return nil
		default:
		}
		st, err := s.Status(ctx)
		return errors.Join(err, st.settledOn(commit))
	})
	return died, err
}

func (s *Site) launch() error {
	if err := s.writeController(); err != nil {
		return err
	}
	log, err := os.OpenFile(s.Path("run.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	s.run = exec.Command(s.Binary, "run", "--config", s.Path("plumb.cue"), "--log-level", "info")
	s.run.Stdout, s.run.Stderr = log, log
	s.run.Env = append(os.Environ(), s.Env...)
	s.run.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := s.run.Start(); err != nil {
		s.run = nil
		return err
	}
	s.ran = make(chan error, 1)
	go func(run *exec.Cmd, ran chan error) { ran <- run.Wait() }(s.run, s.ran)
	return nil
}

// Running tells whether `plumb run` was started and not stopped.
func (s *Site) Running() bool { return s.run != nil }

// KillRun ends `plumb run` with kill -9.
func (s *Site) KillRun() {
	if s.run != nil {
		s.run.Process.Kill()
		<-s.ran
		s.run = nil
	}
}

// StopRun asks `plumb run` to stop and waits.
func (s *Site) StopRun() error {
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

// Plumb runs a command of the binary under test.
func (s *Site) Plumb(ctx context.Context, args ...string) (string, error) {
	return s.Command(ctx, s.Binary, append(args, "--config", s.Path("plumb.cue"))...)
}

// Status is what `plumb status` says.
type Status struct {
	Head, Applied, Verdict, Phase, Error string
	Held                                 []string
	Refusals                             []Refusal
}

// Refusal is an instance that may not change now, and why.
type Refusal struct{ Instance, Class, Text string }

// Status asks the running controller.
func (s *Site) Status(ctx context.Context) (Status, error) {
	var st Status
	out, err := s.Plumb(ctx, "status", "-o", "json")
	if err != nil {
		return st, err
	}
	return st, json.Unmarshal([]byte(out), &st)
}

// Settled waits until a commit was considered to its end, and gives the status then.
func (s *Site) Settled(ctx context.Context, commit string, limit time.Duration) (st Status, err error) {
	err = Until(ctx, limit, func() error {
		if st, err = s.Status(ctx); err != nil {
			return err
		}
		return st.settledOn(commit)
	})
	return st, err
}

func (st Status) settledOn(commit string) error {
	if st.Head != commit || st.Phase != "waiting" || st.Verdict == "" {
		return fmt.Errorf("status is %+v", st)
	}
	return nil
}

// Applied waits until a commit is applied in full.
func (s *Site) Applied(ctx context.Context, commit string) error {
	started := time.Now()
	err := Until(ctx, 3*time.Minute, func() error {
		st, err := s.Settled(ctx, commit, 3*time.Minute)
		if err == nil && (st.Verdict != "applied" || st.Applied != commit) {
			err = fmt.Errorf("the commit is not applied: %+v", st)
		}
		return err
	})
	if err != nil {
		return err
	}
	s.Say("   applied in %.1f s", time.Since(started).Seconds())
	return nil
}

// Notice is one line of the notices' file.
type Notice struct {
	Status, Reason, Message, Object, Severity string
	Declared                                  struct {
		File string
		Line int
	}
	StartsAt string `json:"starts_at"`
	Commit   string
	Details  map[string]string
}

// Notices are all notices so far.
func (s *Site) Notices() ([]Notice, error) {
	f, err := os.Open(s.Path("notices.jsonl"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var out []Notice
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var n Notice
		if err := json.Unmarshal(lines.Bytes(), &n); err != nil {
			return nil, err
		}
		out = append(out, n)
	}
	return out, lines.Err()
}

// LogTail is the end of the log of plumb run.
func (s *Site) LogTail() string {
	data, _ := os.ReadFile(s.Path("run.log"))
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return "     " + strings.Join(lines[max(0, len(lines)-25):], "\n     ")
}
