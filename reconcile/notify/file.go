package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// File appends one JSON notice a line.
type File struct {
	Path string
	mu   sync.Mutex
}

// Send appends and syncs. A line that an earlier end tore is closed first, so that it costs no other.
func (f *File) Send(_ context.Context, n Notice) (err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := json.Marshal(n)
	if err != nil {
		return err
	}
	file, err := os.OpenFile(f.Path, os.O_CREATE|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("cannot append a notice: %w", err)
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	if torn(file) {
		data = append([]byte{'\n'}, data...)
	}
	if _, err := file.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("cannot append a notice: %w", err)
	}
	return file.Sync()
}

// torn tells whether the last line lacks its end.
func torn(file *os.File) bool {
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false
	}
	var last [1]byte
	_, err = file.ReadAt(last[:], end-1)
	return err == nil && last[0] != '\n'
}

// String is "file PATH".
func (f *File) String() string { return "file " + f.Path }
