package notify

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// logFile is lines that were appended, each synced.
type logFile struct {
	path  string
	file  *os.File
	size  int64
	whole int64 // size when it was written as a whole
	bad   bool  // a write failed: what follows would stand behind a torn line
}

// A log is written anew when it is longer than this and most of it is history.
const (
	logLeast  = 1 << 20
	logGrowth = 4
)

// openLog reads the lines of a log. A last line without its end was torn, and never acknowledged.
func openLog(path string, each func(line []byte)) (*logFile, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	return &logFile{path: path}, readLog(path, each)
}

// readLog gives the whole lines of a log; one that is not there has none.
func readLog(path string, each func(line []byte)) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	for from := bufio.NewReader(file); ; {
		line, err := from.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		each(bytes.TrimSuffix(line, []byte{'\n'}))
	}
}

func (l *logFile) stale() bool {
	return l.bad || l.file == nil || l.size > logLeast && l.size > logGrowth*l.whole
}

func (l *logFile) append(line []byte) error {
	n, err := l.file.Write(append(line, '\n'))
	l.size += int64(n)
	if err == nil {
		err = l.file.Sync()
	}
	if err != nil {
		l.bad = true
		return fmt.Errorf("cannot remember what is told: %w", err)
	}
	return nil
}

// replace makes a line the whole log, in one step.
func (l *logFile) replace(line []byte) error {
	if err := l.swap(append(line, '\n')); err != nil {
		l.bad = true
		return fmt.Errorf("cannot remember what is told: %w", err)
	}
	l.bad = false
	return nil
}

func (l *logFile) swap(data []byte) error {
	next := l.path + ".new"
	file, err := os.OpenFile(next, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err == nil {
		err = os.Rename(next, l.path)
	}
	if err != nil {
		return errors.Join(err, file.Close())
	}
	if l.file != nil {
		l.file.Close()
	}
	l.file, l.size, l.whole = file, int64(len(data)), int64(len(data))
	dir, err := os.Open(filepath.Dir(l.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (l *logFile) close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
