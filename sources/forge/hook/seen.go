package hook

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	keep     = 24 * time.Hour // GitHub offers to deliver again for three days, by hand
	mostSeen = 100_000
)

// Seen remembers deliveries for a day, also over a restart: one that comes again tells nothing new. It is bounded; of more than it holds,
// the oldest are forgotten.
type Seen struct {
	mu    sync.Mutex
	path  string
	file  *os.File
	at    map[string]int64 // seconds
	order []string         // oldest first
}

// OpenSeen reads what is remembered in a file, which need not be there. An empty path: nothing outlives the process.
func OpenSeen(path string, now time.Time) (*Seen, error) {
	s := &Seen{path: path, at: map[string]int64{}}
	if path == "" {
		return s, nil
	}
	if err := s.read(now); err != nil {
		return nil, fmt.Errorf("cannot read the deliveries: %w", err)
	}
	if err := s.rewrite(); err != nil {
		return nil, fmt.Errorf("cannot keep the deliveries: %w", err)
	}
	return s, nil
}

func (s *Seen) read(now time.Time) error {
	file, err := os.Open(s.path)
	if os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		var name string
		var at int64
		if n, _ := fmt.Sscanf(lines.Text(), "%d %32s", &at, &name); n == 2 && now.Unix()-at < int64(keep/time.Second) {
			s.add(name, at)
		}
	}
	return lines.Err()
}

// rewrite writes what is still remembered, and leaves the file open for more.
func (s *Seen) rewrite() error {
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	fresh, err := os.OpenFile(s.path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	out := bufio.NewWriter(fresh)
	for _, name := range s.order {
		fmt.Fprintln(out, s.at[name], name)
	}
	if err = out.Flush(); err == nil {
		err = os.Rename(s.path+".new", s.path)
	}
	if err != nil {
		fresh.Close()
		return err
	}
	if s.file != nil {
		s.file.Close()
	}
	s.file = fresh
	return nil
}

func (s *Seen) add(name string, at int64) {
	if _, old := s.at[name]; !old {
		s.order = append(s.order, name)
	}
	s.at[name] = at
}

// First tells whether none of the names came within a day, and remembers them.
func (s *Seen) First(now time.Time, names ...string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.forget(now)
	for _, name := range names {
		if _, old := s.at[name]; old {
			return false
		}
	}
	for _, name := range names {
		s.add(name, now.Unix())
		if s.file != nil {
			fmt.Fprintln(s.file, now.Unix(), name) // what cannot be written is forgotten at a restart, no more
		}
	}
	return true
}

// forget drops what is old. The file is written anew when half of it was.
func (s *Seen) forget(now time.Time) {
	n := 0
	for n < len(s.order) && (len(s.order)-n > mostSeen || now.Unix()-s.at[s.order[n]] >= int64(keep/time.Second)) {
		delete(s.at, s.order[n])
		n++
	}
	s.order = s.order[n:]
	if n > 0 && s.file != nil && n > len(s.order) {
		_ = s.rewrite() // the old file stays, and is longer than it has to be
	}
}

// Close gives the file back.
func (s *Seen) Close() error {
	if s.file == nil {
		return nil
	}
	return s.file.Close()
}
