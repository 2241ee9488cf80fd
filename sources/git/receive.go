package git

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/go-git/go-git/v5/plumbing/format/idxfile"
	"github.com/go-git/go-git/v5/plumbing/format/packfile"
	"github.com/go-git/go-git/v5/storage"

	"plumbline/sources"
)

// receiver is the mirror as a fetch sees it. What comes in goes to a file of its own, is held against the limits before memory is
// spent on it, and becomes a pack of the mirror when all of it is well. go-git's own writer checks no size, and leaves file and
// descriptors behind when a pack is broken.
type receiver struct {
	storage.Storer
	ctx   context.Context
	packs string // directory
	most  sources.Intake
	over  error // the limit that was met, if one was
}

// PackfileWriter makes receiver the storer.PackfileWriter of go-git.
func (r *receiver) PackfileWriter() (io.WriteCloser, error) {
	if err := os.MkdirAll(r.packs, 0o755); err != nil {
		return nil, err
	}
	held, err := r.tidy()
	if err != nil {
		return nil, err
	}
	f, err := os.CreateTemp(r.packs, incomingPattern)
	return &incoming{receiver: r, file: f, held: held}, err
}

const incomingPattern = "incoming-*"

// tidy removes what fetches that were killed left, and tells how many bytes are held. The mirror is locked.
func (r *receiver) tidy() (held int64, err error) {
	left, err := filepath.Glob(filepath.Join(r.packs, incomingPattern))
	for _, name := range left {
		err = errors.Join(err, os.Remove(name))
	}
	if err != nil {
		return 0, err
	}
	err = filepath.WalkDir(filepath.Dir(r.packs), func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		held += info.Size()
		return err
	})
	return held, err
}

// limit ends the fetch for good.
func (r *receiver) limit(setting, format string, args ...any) error {
	r.over = &sources.IntakeError{What: fmt.Sprintf(format, args...), Setting: setting}
	return r.over
}

// incoming is a pack on its way.
type incoming struct {
	*receiver
	file *os.File
	held int64 // bytes of the mirror, this pack included
	size int64
	head [12]byte // signature, version, number of objects
}

// Write takes in a piece.
func (w *incoming) Write(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	if w.held += int64(len(p)); w.held > w.most.Bytes {
		return 0, w.limit("fetch.bytes", "more than %s, with what its copy holds already", amount(w.most.Bytes))
	}
	if w.size < int64(len(w.head)) {
		copy(w.head[w.size:], p)
	}
	n, err := w.file.Write(p)
	w.size += int64(n)
	if w.size >= int64(len(w.head)) && string(w.head[:4]) != "PACK" {
		return n, errors.New("what it sends is no pack")
	}
	if objects := binary.BigEndian.Uint32(w.head[8:]); w.size >= int64(len(w.head)) && int64(objects) > w.most.Objects {
		return n, w.limit("fetch.objects", "%d objects at once, more than %d", objects, w.most.Objects)
	}
	return n, err
}

// Close makes a pack of what came in, or leaves nothing.
func (w *incoming) Close() error {
	defer os.Remove(w.file.Name())
	defer w.file.Close()
	if w.over != nil || w.size == 0 {
		return w.over // go-git says that nothing came
	}
	if err := w.measure(); err != nil {
		return err
	}
	return w.index()
}

// measure reads the sizes that the pack's objects have once they are unpacked.
func (w *incoming) measure() error {
	s, err := w.scan()
	if err != nil {
		return err
	}
	_, count, err := s.Header()
	for i := uint32(0); err == nil && i < count; i++ {
		err = w.measureNext(s)
	}
	return err
}

func (w *incoming) measureNext(s *packfile.Scanner) error {
	o, err := s.NextObjectHeader()
	if err != nil {
		return err
	}
	size := o.Length
	if size <= w.most.Largest && o.Type.IsDelta() {
		var change firstBytes
		if _, _, err := s.NextObject(&change); err != nil {
			return err
		}
		size = change.makes()
	}
	if size > w.most.Largest {
		return w.limit("fetch.largest", "an object of %s, more than %s", amount(size), amount(w.most.Largest))
	}
	return nil
}

func (w *incoming) scan() (*packfile.Scanner, error) {
	_, err := w.file.Seek(0, io.SeekStart)
	return packfile.NewScanner(whileWanted{w.ctx, w.file}), err
}

// index writes the pack and its index to their places, first the index, which alone means nothing.
func (w *incoming) index() error {
	s, err := w.scan()
	if err != nil {
		return err
	}
	var table idxfile.Writer
	parser, err := packfile.NewParser(s, &table)
	if err != nil {
		return err
	}
	sum, err := parser.Parse() // the checksum is held against the content
	if err != nil {
		return err
	}
	index, err := table.Index()
	if err != nil {
		return err
	}
	base := filepath.Join(w.packs, "pack-"+sum.String())
	if err := writeIndex(base+".idx", w.packs, index); err != nil {
		return err
	}
	if err := w.file.Chmod(0o444); err != nil {
		return err
	}
	return os.Rename(w.file.Name(), base+".pack")
}

func writeIndex(name, dir string, index *idxfile.MemoryIndex) error {
	f, err := os.CreateTemp(dir, incomingPattern)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	_, err = idxfile.NewEncoder(f).Encode(index)
	if err = errors.Join(err, f.Chmod(0o444), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// whileWanted is a file that can be read until the context ends: a pack of a few megabytes can keep a processor busy for hours.
type whileWanted struct {
	ctx context.Context
	*os.File
}

func (f whileWanted) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	return f.File.Read(p)
}

// firstBytes keeps the beginning of a change: two numbers, the size of what is changed and of what is made of it.
// Each has seven bits a byte, the lowest first (gitformat-pack(5)).
type firstBytes struct {
	text [20]byte
	n    int
}

// Write keeps what there is room for.
func (f *firstBytes) Write(p []byte) (int, error) {
	f.n += copy(f.text[f.n:], p)
	return len(p), nil
}

func (f *firstBytes) makes() int64 {
	rest := f.text[:f.n]
	_, n := binary.Uvarint(rest)
	if n <= 0 {
		return 0 // no change at all: whoever unpacks it says so
	}
	made, _ := binary.Uvarint(rest[n:])
	return int64(min(made, 1<<62))
}

func amount(bytes int64) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d bytes", bytes)
	}
	return fmt.Sprintf("%d MiB", bytes>>20)
}
