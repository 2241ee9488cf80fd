package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// known keeps the SHA-256 of files that did not change since.
var known files.Kept[files.Print, string]

// reading are the files that are being read. One that takes longer than a look is read on after it: the next look
// waits for the same reading, so that an image of any size is known in the end.
var reading = struct {
	mu    sync.Mutex
	files map[string]*work // by path
	turn  chan struct{}    // one at a time: they share a disk
}{files: map[string]*work{}, turn: make(chan struct{}, 1)}

// work is one reading of one file.
type work struct {
	size  int64
	done  atomic.Int64 // bytes
	ended chan struct{}
	sum   string
	err   error
}

// sum is the SHA-256 of a file in hexadecimal digits. When it is not known by the end of the context the error is temporary.
func sum(ctx context.Context, path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("cannot read image: %w", err)
	}
	now, rests := files.PrintOf(f)
	if sum, ok := known.Recall(now); ok && rests {
		return sum, f.Close()
	}
	w := join(f, path)
	select {
	case <-w.ended:
		return w.sum, w.err
	case <-ctx.Done():
		return "", fmt.Errorf("cannot tell the sha256 of image %s yet: %w: %d of %d MiB are read, and reading goes on: %w",
			path, actuators.ErrTransient, w.done.Load()>>20, w.size>>20, ctx.Err())
	}
}

// join gives the reading of a file, which it begins when there is none.
func join(f *os.File, path string) *work {
	reading.mu.Lock()
	defer reading.mu.Unlock()
	if w := reading.files[path]; w != nil {
		f.Close()
		return w
	}
	w := &work{ended: make(chan struct{})}
	if info, err := f.Stat(); err == nil {
		w.size = info.Size()
	}
	reading.files[path] = w
	go func() {
		reading.turn <- struct{}{}
		w.sum, w.err = w.read(f, path)
		<-reading.turn
		reading.mu.Lock()
		delete(reading.files, path)
		reading.mu.Unlock()
		close(w.ended)
	}()
	return w
}

func (w *work) read(f *os.File, path string) (string, error) {
	defer f.Close()
	before, rests := files.PrintOf(f)
	digest := sha256.New()
	if _, err := io.Copy(io.MultiWriter(digest, w), f); err != nil {
		return "", fmt.Errorf("cannot read image %s: %w", path, err)
	}
	if after, _ := files.PrintOf(f); after != before {
		return "", fmt.Errorf("cannot read image %s: %w: it was written meanwhile", path, actuators.ErrTransient)
	}
	sum := hex.EncodeToString(digest.Sum(nil))
	if rests {
		known.Remember(before, sum)
	}
	return sum, nil
}

// Write counts what was read.
func (w *work) Write(p []byte) (int, error) {
	w.done.Add(int64(len(p)))
	return len(p), nil
}
