package dir

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strings"

	"plumbline/sources/internal/treefs"
)

var _ treefs.Store = (*snapshot)(nil)

// refHead is the length of kind and hash in a reference; the path follows.
const refHead = 1 + 2*sha256.Size

// List implements treefs.Store.
func (s *snapshot) List(ref string, _ int) ([]treefs.Entry, error) {
	if ref == "." {
		return s.dirs["."], nil
	}
	return s.dirs[ref[refHead:]], nil
}

// Size implements treefs.Store.
func (s *snapshot) Size(ref string) (int64, error) {
	data, err := s.data(ref)
	return int64(len(data)), err
}

// Read implements treefs.Store.
func (s *snapshot) Read(ref string) ([]byte, error) {
	data, err := s.data(ref)
	return bytes.Clone(data), err
}

func (s *snapshot) data(ref string) ([]byte, error) {
	if !strings.HasPrefix(ref, "f") {
		return nil, fmt.Errorf("internal error: %q is no file", ref)
	}
	data, ok := s.files[ref[refHead:]]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return data, nil
}
