package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"unsafe"

	"golang.org/x/sys/unix"
)

// files looks into every file when who wrote it closes it (fanotify(7)). The kernel holds the file for us, so that one that is removed at
// once is seen, too.
type files struct {
	seen *sightings
	fan  *os.File

	mu     sync.Mutex
	marked map[uint64]bool // file systems
}

// holders are places that hold the secret rightly: hosts' own secrets, and the files of the name servers and of the laboratory.
var holders = []string{"/etc/plumb/secrets/", "/secrets/", "/etc/plumb/lab-tsig.key", "/lab.json", "/etc/knot/", "/etc/bind/", "/knot-confdb.", "/canary-"}

// mostFile is how much of a file is read: what is larger are disks of guests and programs.
const mostFile = 32 << 20

func openFiles(seen *sightings) (*files, error) {
	fd, err := unix.FanotifyInit(unix.FAN_CLOEXEC|unix.FAN_NONBLOCK|unix.FAN_UNLIMITED_QUEUE|unix.FAN_UNLIMITED_MARKS, unix.O_RDONLY|unix.O_LARGEFILE|unix.O_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("cannot watch files, which root may: %w", err)
	}
	return &files{seen: seen, fan: os.NewFile(uintptr(fd), "fanotify"), marked: map[uint64]bool{}}, nil
}

// mark watches the file system at a path, once.
func (f *files) mark(device uint64, at string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.marked[device] {
		return
	}
	if unix.FanotifyMark(int(f.fan.Fd()), unix.FAN_MARK_ADD|unix.FAN_MARK_FILESYSTEM, unix.FAN_CLOSE_WRITE, unix.AT_FDCWD, at) == nil {
		f.marked[device] = true
	}
}

// run reads events until the context ends and none is left.
func (f *files) run(ctx context.Context) {
	defer f.fan.Close()
	buffer := make([]byte, 1<<16)
	for {
		n, err := unix.Read(int(f.fan.Fd()), buffer)
		if n > 0 {
			f.events(buffer[:n])
			continue
		}
		if err != unix.EAGAIN && err != unix.EINTR || ctx.Err() != nil {
			return
		}
		unix.Poll([]unix.PollFd{{Fd: int32(f.fan.Fd()), Events: unix.POLLIN}}, 100)
	}
}

func (f *files) events(data []byte) {
	const size = int(unsafe.Sizeof(unix.FanotifyEventMetadata{}))
	for len(data) >= size {
		var e unix.FanotifyEventMetadata
		if binary.Read(bytes.NewReader(data), binary.NativeEndian, &e) != nil || int(e.Event_len) < size || int(e.Event_len) > len(data) {
			return
		}
		data = data[e.Event_len:]
		if e.Fd < 0 {
			continue
		}
		file := os.NewFile(uintptr(e.Fd), "written")
		if int(e.Pid) != os.Getpid() {
			f.look(file)
		}
		file.Close()
	}
}

func (f *files) look(file *os.File) {
	name, err := os.Readlink(fmt.Sprintf("/proc/self/fd/%d", file.Fd()))
	if err != nil {
		return
	}
	name = strings.TrimSuffix(name, " (deleted)")
	for _, holder := range holders {
		if strings.Contains(name, holder) && !strings.HasSuffix(name, ".age") { // which is encrypted
			return
		}
	}
	data, err := io.ReadAll(io.LimitReader(file, mostFile))
	if err != nil || bytes.HasPrefix(data, []byte("\x7fELF")) {
		return
	}
	f.seen.search(data, "the file %s", name)
	if strings.HasSuffix(filepath.Base(name), ".db") {
		searchStore(f.seen, name, data)
	}
}
