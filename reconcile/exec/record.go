package exec

import (
	"crypto/sha256"
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

// waiting is the content of STATE/confirm/NAME.json: steps of one op that were done together, and that the watcher undoes at
// the deadline. It has all that the undo needs, for whoever wrote it may be dead by then. A step leaves it when it is
// confirmed or undone; with the last one the file goes.
type waiting struct {
	Calls    []Call    `json:"calls"`
	Host     string    `json:"host"` // its name in the topology
	Dirs     Dirs      `json:"dirs"`
	Conn     string    `json:"conn,omitempty"`   // the connection that does the steps, which may not confirm them
	Deadline time.Time `json:"deadline"`         // for people
	Boot     string    `json:"boot"`             // the deadline counts in this boot only; a reboot ends it
	Ends     int64     `json:"ends"`             // the deadline on the boot's clock in ns, which nobody sets
	Server   *process  `json:"server,omitempty"` // who does the steps right now, if nothing is lost by killing it
	Undoing  bool      `json:"undoing,omitempty"`
	Error    string    `json:"error,omitempty"` // of the last try to undo
}

// reverted is the content of STATE/confirm/NAME.undone: what the controller is told when it comes to confirm.
type reverted struct {
	Time  time.Time      `json:"time"`
	Steps []revertedStep `json:"steps"`
}

type revertedStep struct {
	Plan  string     `json:"plan,omitempty"`
	Step  string     `json:"step"`
	Epoch uint64     `json:"epoch"`
	Error *wireError `json:"error,omitempty"` // the undo is stuck: it found a third value
}

const (
	waitingSuffix  = ".json"
	revertedSuffix = ".undone"
)

func confirmDir(stateDir string) string { return filepath.Join(stateDir, "confirm") }

// waitingFile is where steps wait: under the name of the only one, which may hold slashes, or one that is the same whenever
// just these go together.
func waitingFile(stateDir string, calls []Call) string {
	name := url.PathEscape(calls[0].Step)
	if len(calls) > 1 {
		sum := sha256.New()
		for _, c := range calls {
			fmt.Fprintln(sum, c.Step)
		}
		name = fmt.Sprintf("batch-%x", sum.Sum(nil)[:8])
	}
	return filepath.Join(confirmDir(stateDir), name+waitingSuffix)
}

func revertedFile(waitingFile string) string {
	return strings.TrimSuffix(waitingFile, waitingSuffix) + revertedSuffix
}

// overdue tells whether the deadline has passed: on the boot's clock, or with the boot itself.
func (w waiting) overdue() bool { return w.Undoing || w.left() <= 0 }

// paper is a record that names steps.
type paper[T any] interface {
	steps() []string
	without(steps map[string]bool) T
}

func (w waiting) steps() (out []string) {
	for _, c := range w.Calls {
		out = append(out, c.Step)
	}
	return out
}

func (w waiting) without(steps map[string]bool) waiting {
	w.Calls = slices.DeleteFunc(slices.Clone(w.Calls), func(c Call) bool { return steps[c.Step] })
	return w
}

func (r reverted) steps() (out []string) {
	for _, one := range r.Steps {
		out = append(out, one.Step)
	}
	return out
}

func (r reverted) without(steps map[string]bool) reverted {
	r.Steps = slices.DeleteFunc(slices.Clone(r.Steps), func(one revertedStep) bool { return steps[one.Step] })
	return r
}

// left is the time until the deadline.
func (w waiting) left() time.Duration {
	if w.Boot != bootID() {
		return 0
	}
	return time.Duration(w.Ends - bootClock())
}

// readRecord reads a file of the confirm directory; false if it is not there.
func readRecord[T paper[T]](h actuators.Host, path string) (T, bool, error) {
	var record T
	data, err := h.ReadFile(path)
	if errors.Is(err, actuators.ErrNotFound) {
		return record, false, nil
	}
	if err == nil {
		err = json.Unmarshal(data, &record)
	}
	if err == nil && len(record.steps()) == 0 {
		err = errors.New("it names no step")
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

// filed is a record and where it lies.
type filed[T any] struct {
	file   string
	record T
}

// listRecords lists the files of the confirm directory with a suffix.
func listRecords(stateDir, suffix string) (files []string, err error) {
	entries, err := os.ReadDir(confirmDir(stateDir))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, suffix) && !strings.HasPrefix(name, ".") {
			files = append(files, filepath.Join(confirmDir(stateDir), name))
		}
	}
	return files, err
}

// readRecords reads all files of the confirm directory with a suffix.
func readRecords[T paper[T]](h actuators.Host, suffix string) (all []filed[T], err error) {
	files, err := listRecords(h.StateDir(), suffix)
	for _, file := range files {
		record, found, readErr := readRecord[T](h, file)
		if readErr != nil {
			return nil, readErr
		}
		if found { // it may have gone just now
			all = append(all, filed[T]{file, record})
		}
	}
	return all, err
}

// strike takes steps out of all records of a kind but one, and removes those that are empty then. The caller holds the lock
// of the records.
func strike[T paper[T]](h actuators.Host, suffix string, steps map[string]bool, but string) error {
	all, err := readRecords[T](h, suffix)
	for _, one := range all {
		left := one.record.without(steps)
		switch before, after := len(one.record.steps()), len(left.steps()); {
		case one.file == but || before == after:
		case after == 0:
			err = errors.Join(err, h.Remove(one.file))
		default:
			err = errors.Join(err, writeRecord(h, one.file, left))
		}
	}
	return err
}

func setOf(calls []Call) map[string]bool {
	steps := make(map[string]bool, len(calls))
	for _, c := range calls {
		steps[c.Step] = true
	}
	return steps
}

func (l *local) confirmations() (waits, undone []string, err error) {
	if waits, err = stepsOf[waiting](l.host, waitingSuffix); err == nil {
		undone, err = stepsOf[reverted](l.host, revertedSuffix)
	}
	return waits, undone, err
}

func stepsOf[T paper[T]](h actuators.Host, suffix string) (steps []string, err error) {
	all, err := readRecords[T](h, suffix)
	for _, one := range all {
		steps = append(steps, one.record.steps()...)
	}
	return steps, err
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
