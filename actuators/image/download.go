package image

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// download fetches a source into a file and verifies its checksum; the file is durable when it returns. Whatever goes
// wrong, the file is gone.
func download(ctx context.Context, h actuators.Host, source, want, path string) (err error) {
	from, size, err := open(ctx, h, source)
	if err != nil {
		return err
	}
	defer from.Close()
	if space, err := files.SpaceOf(dirOf(path)); err != nil {
		return err
	} else if size > space.Free {
		return noSpace(source, path, fmt.Errorf("it has %d bytes and %d are free", size, space.Free))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Remove(path))
		}
	}()
	if err := h.Remove(path); err != nil { // of an earlier try, or whatever else has the name
		return err
	}
	got, err := store(bounded{ctx, from}, path)
	switch {
	case errors.Is(err, unix.ENOSPC):
		return noSpace(source, path, err)
	case err != nil:
		return fmt.Errorf("%w: cannot fetch %s: %w", actuators.ErrTransient, source, err)
	case got != want:
		return fmt.Errorf("%w: cannot use %s: its sha256 is %s, declared is %s", actuators.ErrRefused, source, got, want)
	}
	return nil
}

func noSpace(source, path string, err error) error {
	return fmt.Errorf("cannot fetch %s: no space left in %s: %w", source, dirOf(path), err)
}

// store writes a stream to a new file, syncs it and gives its checksum.
func store(from io.Reader, path string) (string, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return "", err
	}
	digest := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, digest), from)
	if err == nil {
		err = f.Sync()
	}
	return hex.EncodeToString(digest.Sum(nil)), errors.Join(err, f.Close())
}

// open starts reading a source; size is -1 when it is not told.
func open(ctx context.Context, h actuators.Host, source string) (io.ReadCloser, int64, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: cannot read source: %w", actuators.ErrRefused, err)
	}
	if u.Scheme == "file" {
		return openFile(u.Path)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: cannot read source: %w", actuators.ErrRefused, err)
	}
	client := http.Client{Transport: &http.Transport{
		DialContext: h.Dial, DisableKeepAlives: true, DisableCompression: true,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
	}}
	answer, err := client.Do(request)
	if err != nil {
		return nil, 0, fmt.Errorf("%w: cannot fetch image: %w", actuators.ErrTransient, err)
	}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		return nil, 0, fmt.Errorf("%w: cannot fetch %s: the server answers %s", actuators.ErrTransient, source, answer.Status)
	}
	return answer.Body, answer.ContentLength, nil
}

func openFile(path string) (io.ReadCloser, int64, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a FIFO would wait for its writer
	if err != nil {
		return nil, 0, fmt.Errorf("%w: cannot fetch image: %w", actuators.ErrNotFound, err)
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil, 0, errors.Join(err, f.Close(), fmt.Errorf("%w: cannot fetch image: %s is no regular file", actuators.ErrRefused, path))
	}
	return f, info.Size(), nil
}

// bounded is a reader that ends with its context.
type bounded struct {
	ctx  context.Context
	from io.Reader
}

func (b bounded) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.from.Read(p)
}
