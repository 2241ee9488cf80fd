package power

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// kernel is a Linux that is a program.
const kernel = "/usr/bin/linux.uml"

// machine is a computer whose power can be taken: a disk, and while it is on, a process.
type machine struct {
	t     *testing.T
	dir   string // disks, plumb and topologies; seen in the machine by the same path
	boots int
	cmd   *exec.Cmd
	dead  chan struct{}

	mu    sync.Mutex
	lines []string // what the guest said since it was switched on
	heard chan struct{}
}

func newMachine(t *testing.T) *machine {
	t.Helper()
	m := &machine{t: t, dir: t.TempDir()}
	for _, name := range []string{"disk.img", "state.img"} {
		disk := filepath.Join(m.dir, name)
		must(t, os.WriteFile(disk, nil, 0o600))
		must(t, os.Truncate(disk, 256<<20))
		command(t, "mke2fs", "-q", "-F", "-t", "ext4", disk)
	}
	command(t, "go", "build", "-o", filepath.Join(m.dir, "plumb"), "plumbline/cmd/plumb")
	t.Cleanup(m.cut)
	return m
}

// boot switches the machine on. Its process 1 is this binary, with words in its environment.
func (m *machine) boot(words ...string) {
	m.t.Helper()
	self, err := os.Executable()
	must(m.t, err)
	m.boots++
	argv := []string{
		"mem=256M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro", "quiet", "init=" + self, "con=null", "con0=null,fd:1",
		"uml_dir=" + m.dir, fmt.Sprintf("umid=power%d", m.boots), "ubd0=" + filepath.Join(m.dir, "disk.img"), "ubd1=" + filepath.Join(m.dir, "state.img"), guestDir + "=" + m.dir,
	}
	m.cmd = exec.Command(kernel, append(argv, words...)...)
	m.cmd.Env = append(os.Environ(), "TMPDIR=/dev/shm")
	m.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGKILL}
	out, err := m.cmd.StdoutPipe()
	must(m.t, err)
	m.cmd.Stderr = m.cmd.Stdout
	m.mu.Lock()
	m.lines, m.heard = nil, make(chan struct{}, 1)
	m.mu.Unlock()
	must(m.t, m.cmd.Start())
	m.dead = make(chan struct{})
	go m.listen(out, m.cmd, m.dead)
}

func (m *machine) listen(out io.Reader, cmd *exec.Cmd, dead chan struct{}) {
	defer close(dead)
	said := bufio.NewScanner(out)
	said.Buffer(nil, 1<<20)
	for said.Scan() {
		m.mu.Lock()
		m.lines = append(m.lines, strings.TrimRight(said.Text(), "\r"))
		m.mu.Unlock()
		select {
		case m.heard <- struct{}{}:
		default:
		}
	}
	_ = cmd.Wait() // it was killed, or the test says what it misses
}

// said are the lines so far that begin with a word, without it.
func (m *machine) said(word string) (found []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, line := range m.lines {
		if rest, ok := strings.CutPrefix(line, word+" "); ok {
			found = append(found, rest)
		}
	}
	return found
}

// await waits for a line that begins with a word.
func (m *machine) await(word string, limit time.Duration) string {
	m.t.Helper()
	deadline := time.After(limit)
	for {
		if wrong := m.said("WRONG"); len(wrong) > 0 {
			m.t.Fatalf("boot %d: %s\n%s", m.boots, wrong[0], m.tail())
		}
		if found := m.said(word); len(found) > 0 {
			return found[0]
		}
		select {
		case <-m.heard:
		case <-m.dead:
			if len(m.said(word)) == 0 {
				m.t.Fatalf("boot %d: the machine ended before it said %s\n%s", m.boots, word, m.tail())
			}
		case <-deadline:
			m.t.Fatalf("boot %d: not within %s: %s\n%s", m.boots, limit, word, m.tail())
		}
	}
}

// says waits for a time, or until so many lines began with a word.
func (m *machine) says(word string, times int, limit time.Duration) bool {
	for deadline := time.After(limit); ; {
		if len(m.said(word)) >= times {
			return true
		}
		select {
		case <-m.heard:
		case <-deadline:
			return false
		}
	}
}

func (m *machine) tail() string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return "   | " + strings.Join(m.lines[max(0, len(m.lines)-40):], "\n   | ")
}

// cut takes the power: every process of the machine dies at once, with all that its kernel had not written.
func (m *machine) cut() {
	if m.cmd == nil {
		return
	}
	_ = syscall.Kill(-m.cmd.Process.Pid, syscall.SIGKILL) // its session; it may have ended
	<-m.dead
	m.cmd = nil
}

func command(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
