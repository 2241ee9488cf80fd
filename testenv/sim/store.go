package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"plumbline/schema"
)

// stamp tells whether a file is the one that was read.
type stamp struct {
	inode uint64
	time  time.Time
	size  int64
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return stamp{}, nil
	}
	if err != nil {
		return stamp{}, err
	}
	s := stamp{time: info.ModTime(), size: info.Size()}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = stat.Ino
	}
	return s, nil
}

// conditionFile is the name of the file beside those of the kinds; no kind has a dash in front.
const conditionFile = "-host"

func (h *host) file(name string) string {
	return filepath.Join(h.world.opts.Dir, "@"+url.PathEscape(h.name), name+".json")
}

// alone runs with no other process at the same host, with the condition as it is now.
func (v *visit) alone(run func() error) error {
	if v.world.opts.Dir == "" {
		return run()
	}
	path := v.file(conditionFile)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(filepath.Dir(path), "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return fmt.Errorf("cannot lock %s: %w", lock.Name(), err)
	}
	fresh := condition{}
	changed, err := read(path, &v.host.cond.stamp, &fresh)
	if err != nil {
		return err
	}
	if changed {
		fresh.stamp = v.host.cond.stamp
		v.host.cond = fresh
	}
	return run()
}

// shelf gives all of a kind, read anew if another process wrote it.
func (v *visit) shelf(kind string) (*shelf, error) {
	s := v.shelves[kind]
	if s == nil {
		s = &shelf{Slots: map[schema.ID]slot{}}
		v.shelves[kind] = s
	}
	if v.world.opts.Dir == "" || v.touched[kind] {
		return s, nil
	}
	fresh := shelf{Slots: map[schema.ID]slot{}}
	changed, err := read(v.file(kind), &s.stamp, &fresh)
	if changed {
		s.Slots, s.Rev = fresh.Slots, fresh.Rev
	}
	return s, err
}

// save keeps what the visit changed.
func (v *visit) save() error {
	if v.world.opts.Dir == "" {
		return nil
	}
	for kind := range v.touched {
		s := v.shelves[kind]
		if err := write(v.file(kind), &s.stamp, s); err != nil {
			return err
		}
	}
	if !v.cond {
		return nil
	}
	return write(v.file(conditionFile), &v.host.cond.stamp, &v.host.cond)
}

// read reads a file if it is not the one of the stamp. No file is an empty one.
func read(path string, known *stamp, into any) (changed bool, err error) {
	now, err := stampOf(path)
	if err != nil || now == *known {
		return false, err
	}
	data, err := os.ReadFile(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return false, err
	default:
		if err := json.Unmarshal(data, into); err != nil {
			return false, fmt.Errorf("cannot read %s: %w", path, err)
		}
	}
	*known = now
	return true, nil
}

// write replaces a file at once, so that a reader sees the old or the new.
func write(path string, known *stamp, value any) error {
	data, err := json.Marshal(value)
	if err != nil {
		return err
	}
	temp := path + ".new"
	if err := os.WriteFile(temp, data, 0o600); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	*known, err = stampOf(path)
	return err
}

// Save writes a world that is in memory to a directory in the form of Options.Dir, so that other processes find it there.
func (w *World) Save(dir string) error {
	copied := &World{reg: w.reg, opts: Options{Dir: dir, Now: w.opts.Now}, hosts: map[string]*host{}}
	for _, name := range w.names() {
		err := w.on(name, func(v *visit) error {
			to := &visit{host: copied.host(name), touched: map[string]bool{}, cond: true}
			to.host.cond = v.host.cond
			for kind, s := range v.shelves {
				to.host.shelves[kind], to.touched[kind] = &shelf{Slots: s.Slots}, true
			}
			return to.alone(to.save)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
