package audit

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// mostSegment is how large a segment grows before the next one of its month begins.
const mostSegment = 256 << 20

// checked is how many segments are checked when the trail is opened; "plumb history --verify" checks all.
const checked = 2

// Log is a trail that is written. One process writes: who holds the journal. It may be used by many goroutines.
type Log struct {
	mu     sync.Mutex
	state  string
	now    func() time.Time
	file   *os.File
	end    end
	size   int64
	known  map[string]bool // plans of the newest segments
	begun  bool            // there was no trail before
	broken error           // why nothing can be written any more
}

// Open opens the trail of a state directory, which it begins if there is none. What a crash left half written is cut off, a segment that is
// not as it was written is left alone and followed by another, and both, and what is missing, are noted in the trail itself.
func Open(state string, now func() time.Time) (*Log, error) {
	if err := os.MkdirAll(folder(state), 0o700); err != nil {
		return nil, fmt.Errorf("cannot open the audit trail: %w", err)
	}
	names, err := segments(state)
	if err != nil {
		return nil, fmt.Errorf("cannot open the audit trail: %w", err)
	}
	last := names[max(len(names)-checked, 0):]
	trail, err := read(state, last, &Trail{late: len(last) < len(names)}, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot open the audit trail: %w", err)
	}
	l := &Log{state: state, now: now, end: trail.end, known: map[string]bool{}, begun: trail.Records == 0}
	for _, tag := range trail.tags {
		l.known[tag] = true
	}
	if err := l.take(trail); err != nil {
		return nil, fmt.Errorf("cannot open the audit trail: %w", err)
	}
	return l, l.note(trail)
}

// take goes on where a trail ends.
func (l *Log) take(t *Trail) (err error) {
	names, err := segments(l.state)
	if err != nil {
		return err
	}
	if len(names) == 0 || t.spoilt || strings.HasSuffix(names[len(names)-1], packedEnd) || t.open == 0 {
		return l.begin()
	}
	path := filepath.Join(folder(l.state), names[len(names)-1])
	if l.file, err = os.OpenFile(path, os.O_WRONLY, 0o600); err != nil {
		return err
	}
	l.size = t.open
	if err = l.file.Truncate(t.open); err == nil {
		_, err = l.file.Seek(t.open, io.SeekStart)
	}
	return err
}

// note writes into the trail what is wrong with it, once.
func (l *Log) note(t *Trail) error {
	var notes []Record
	add := func(text string) {
		if !noted(l.state, text) {
			notes = append(notes, Record{Type: Note, Text: text})
		}
	}
	for _, fault := range t.Faults {
		add(fault)
	}
	if t.torn > 0 {
		notes = append(notes, Record{Type: Note, Text: fmt.Sprintf("%d bytes of a line that was being written when the process ended are cut off; plans among them are written anew", t.torn)})
	}
	if len(notes) == 0 {
		return nil
	}
	return l.Append("", notes...)
}

// noted tells whether a note stands in the trail already.
func noted(state, text string) (found bool) {
	_, err := Read(state, func(r Record) error {
		found = found || r.Type == Note && r.Text == text
		return nil
	})
	return found && err == nil
}

// Begun tells whether there was no trail before this opening.
func (l *Log) Begun() bool { return l.begun }

// Knows tells whether the records of a plan are in the newest segments.
func (l *Log) Knows(plan string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known[plan]
}

// Append writes records together, with a tag, and returns when they are on the disk. Seq is filled in, and Time where there is none.
func (l *Log) Append(tag string, records ...Record) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken != nil || len(records) == 0 {
		return l.broken
	}
	if segment := l.month(); !strings.HasPrefix(l.end.Segment, segment) || l.size > mostSegment {
		if err := l.rotate(); err != nil {
			return l.fail(err)
		}
	}
	for i := range records {
		records[i].Seq = l.end.Seq + uint64(i) + 1
		if records[i].Time.IsZero() {
			records[i].Time = l.now().UTC()
		}
	}
	text, chain, err := line(l.end.Chain, tag, records)
	if err != nil {
		return err
	}
	if _, err := l.file.WriteString(text); err != nil {
		return l.fail(err)
	}
	if err := l.file.Sync(); err != nil {
		return l.fail(err)
	}
	l.size += int64(len(text))
	l.end.Chain, l.end.Seq, l.known[tag] = chain, records[len(records)-1].Seq, true
	return l.mark()
}

// fail keeps more from being written behind what may be half a line; the next opening cuts it off.
func (l *Log) fail(err error) error {
	l.broken = fmt.Errorf("cannot write the audit trail: %w", err)
	return l.broken
}

// mark takes down where the trail ends. It is not synced: it is compared, never needed.
func (l *Log) mark() error {
	data, err := json.Marshal(l.end)
	if err != nil {
		return err
	}
	path := filepath.Join(l.state, "audit.json")
	if err = os.WriteFile(path+".new", data, 0o600); err == nil {
		err = os.Rename(path+".new", path)
	}
	return err
}

func (l *Log) month() string { return l.now().UTC().Format("2006-01") }

// begin makes the segment that follows.
func (l *Log) begin() error {
	h := header{FormatVersion: FormatVersion, Segment: l.month(), Before: l.end.Segment, Chain: l.end.Chain, Seq: l.end.Seq}
	for n := 2; ; n++ {
		path := filepath.Join(folder(l.state), h.Segment+plainEnd)
		_, packed := os.Stat(path + ".gz")
		file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if packed == nil || errors.Is(err, os.ErrExist) {
			if err == nil {
				err = errors.Join(file.Close(), os.Remove(path))
			}
			if err != nil && !errors.Is(err, os.ErrExist) {
				return err
			}
			h.Segment = fmt.Sprintf("%s.%03d", l.month(), n)
			continue
		}
		if err != nil {
			return err
		}
		l.file = file
		break
	}
	data, err := json.Marshal(h)
	if err == nil {
		_, err = l.file.Write(append(data, '\n'))
	}
	if err = errors.Join(err, l.file.Sync(), syncDir(folder(l.state))); err != nil {
		return err
	}
	l.size, l.end.Segment = int64(len(data)+1), h.Segment
	return nil
}

// rotate ends a segment: the next one begins, and the old one is packed.
func (l *Log) rotate() error {
	old := l.file.Name()
	if err := l.file.Close(); err != nil {
		return err
	}
	if err := l.begin(); err != nil {
		return err
	}
	return packSegment(old)
}

// packSegment replaces a file by its packed form. A crash between leaves both, of which one counts.
func packSegment(path string) error {
	in, err := os.Open(path)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(path+".gz.new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	w := gzip.NewWriter(out)
	_, err = io.Copy(w, in)
	if err = errors.Join(err, w.Close(), out.Sync(), out.Close()); err != nil {
		return err
	}
	if err := os.Rename(path+".gz.new", path+".gz"); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Close ends writing.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	file := l.file
	l.file, l.broken = nil, errors.New("the audit trail is closed")
	return file.Close()
}
