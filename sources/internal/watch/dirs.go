package watch

import (
	"os"
	"syscall"

	"github.com/fsnotify/fsnotify"
	"github.com/rs/zerolog"
)

// dirs keeps watches on the directories that are wanted. The kernel watches an
// inode, we want a path: a directory that was moved away and made anew
// has the path and another inode, so both are compared at each arm.
type dirs struct {
	want    func() []string
	watcher *fsnotify.Watcher // nil: no events
	events  chan fsnotify.Event
	errors  chan error
	armed   map[string]identity
	failed  map[string]bool // warned about
	log     zerolog.Logger
}

type identity struct{ dev, ino uint64 }

func (d *dirs) close() {
	if d.watcher != nil {
		d.watcher.Close()
	}
}

// arm makes the watches those that are wanted now.
func (d *dirs) arm() {
	if d.watcher == nil {
		return
	}
	want, alive := set(d.want()), set(d.watcher.WatchList())
	for path, id := range d.armed {
		if now, ok := identify(path); !ok || now != id || !want[path] || !alive[path] {
			d.watcher.Remove(path) // fails if the kernel dropped it before
			delete(d.armed, path)
		}
	}
	for path := range want {
		if _, ok := d.armed[path]; ok {
			continue
		}
		d.add(path)
	}
}

func (d *dirs) add(path string) {
	id, ok := identify(path)
	if !ok {
		return
	}
	if err := d.watcher.Add(path); err != nil {
		if !d.failed[path] {
			d.failed[path] = true
			d.log.Warn().Err(err).Str("path", path).Msg("no file system events for a directory: polling it")
		}
		return
	}
	delete(d.failed, path)
	d.armed[path] = id
}

func identify(path string) (identity, bool) {
	info, err := os.Stat(path)
	if err != nil || !info.IsDir() {
		return identity{}, false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return identity{}, false
	}
	return identity{dev: uint64(st.Dev), ino: st.Ino}, true
}

func set(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, p := range list {
		m[p] = true
	}
	return m
}
