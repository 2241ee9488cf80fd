package exec

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

// waiting is the content of STATE/confirm/STEP.json: a step that the watcher undoes at the deadline. It has all that the
// undo needs, for whoever wrote it may be dead by then.
type waiting struct {
	Call     Call      `json:"call"`
	Host     string    `json:"host"` // its name in the topology
	Dirs     Dirs      `json:"dirs"`
	Conn     string    `json:"conn,omitempty"`   // the connection that does the step, which may not confirm it
	Deadline time.Time `json:"deadline"`         // for people
	Boot     string    `json:"boot"`             // the deadline counts in this boot only; a reboot ends it
	Ends     int64     `json:"ends"`             // the deadline on the boot's clock in ns, which nobody sets
	Server   *process  `json:"server,omitempty"` // who does the step right now, if nothing is lost by killing it
	Undoing  bool      `json:"undoing,omitempty"`
	Error    string    `json:"error,omitempty"` // of the last try to undo
}

// reverted is the content of STATE/confirm/STEP.undone: what the controller is told when it comes to confirm.
type reverted struct {
	Plan  string     `json:"plan,omitempty"`
	Step  string     `json:"step"`
	Epoch uint64     `json:"epoch"`
	Time  time.Time  `json:"time"`
	Error *wireError `json:"error,omitempty"` // the undo is stuck: it found a third value
}

const (
	waitingSuffix  = ".json"
	revertedSuffix = ".undone"
)

func confirmDir(stateDir string) string { return filepath.Join(stateDir, "confirm") }

// waitingFile is where a step waits. A step's ID may hold slashes.
func waitingFile(stateDir, step string) string {
	return filepath.Join(confirmDir(stateDir), url.PathEscape(step)+waitingSuffix)
}

func revertedFile(waitingFile string) string {
	return strings.TrimSuffix(waitingFile, waitingSuffix) + revertedSuffix
}

// overdue tells whether the deadline has passed: on the boot's clock, or with the boot itself.
func (w waiting) overdue() bool { return w.Undoing || w.left() <= 0 }

// left is the time until the deadline.
func (w waiting) left() time.Duration {
	if w.Boot != bootID() {
		return 0
	}
	return time.Duration(w.Ends - bootClock())
}

// readRecord reads a file of the confirm directory; false if it is not there.
func readRecord[T any](h actuators.Host, path string) (T, bool, error) {
	var record T
	data, err := h.ReadFile(path)
	if errors.Is(err, actuators.ErrNotFound) {
		return record, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &record)
	}
	if err != nil {
		return record, false, fmt.Errorf("cannot read %s: %w", path, err)
	}
	return record, true, nil
}

func writeRecord(h actuators.Host, path string, record any) error {
	data, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("internal error: cannot write %s: %w", path, err)
	}
	return h.WriteFile(path, append(data, '\n'), 0o600)
}

// recordSteps lists the files of the confirm directory with a suffix, and the steps that they name.
func recordSteps(stateDir, suffix string) (files, steps []string, err error) {
	entries, err := os.ReadDir(confirmDir(stateDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	for _, entry := range entries {
		name, ok := strings.CutSuffix(entry.Name(), suffix)
		step, bad := url.PathUnescape(name)
		if !ok || bad != nil || strings.HasPrefix(name, ".") {
			continue
		}
		files = append(files, filepath.Join(confirmDir(stateDir), entry.Name()))
		steps = append(steps, step)
	}
	return files, steps, err
}

func (l *local) confirmations() (waits, undone []string, err error) {
	_, waits, err = recordSteps(l.host.StateDir(), waitingSuffix)
	if err != nil {
		return nil, nil, err
	}
	_, undone, err = recordSteps(l.host.StateDir(), revertedSuffix)
	return slices.Clip(waits), slices.Clip(undone), err
}

// process is a process that is not mistaken for a later one of the same number.
type process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // clock ticks since boot, field 22 of /proc/PID/stat
}

func findProcess(pid int) (process, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return process{}, err
	}
	_, rest, _ := strings.Cut(string(data), ") ") // the name before it may hold spaces
	fields := strings.Fields(rest)
	if len(fields) < 20 {
		return process{}, fmt.Errorf("cannot read /proc/%d/stat", pid)
	}
	return process{PID: pid, Start: fields[19]}, nil
}

// kill ends the process if it is still the one.
func (p process) kill() error {
	if now, err := findProcess(p.PID); err != nil || now != p {
		return os.ErrProcessDone
	}
	return unix.Kill(p.PID, unix.SIGKILL)
}

func bootID() string {
	data, _ := os.ReadFile("/proc/sys/kernel/random/boot_id") // without it every deadline has passed: the safe side
	return strings.TrimSpace(string(data))
}

// bootClock counts nanoseconds since boot, sleep included.
func bootClock() int64 {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now) // fails on kernels before 2.6.39 only
	return now.Nano()
}
