package schema

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Bounds of a shelf.
const (
	maxShelf    = 512 << 20           // bytes
	maxAge      = 30 * 24 * time.Hour // since a result was last used by a new process
	tidyEvery   = 512                 // results put
	maxHeadFile = 32 << 20            // bytes of the file of headers, which only grows; then it begins anew
)

// shelf is a directory with one file per result, named by its key, and one file of headers. Nothing on it is needed, so
// no error is ever reported: what cannot be read is missing, what cannot be written is not kept. Files appear whole,
// but are not synced: what a power cut tears is found by its checksum.
type shelf struct {
	dir    string
	puts   atomic.Int64
	tidied int64 // puts, when it was last tidied
}

const (
	shelfMagic = "plumbline evaluation 1\n"
	newPrefix  = ".new-"
)

func (s *shelf) path(key string) string { return filepath.Join(s.dir, key) }

// get is a result, or nil.
func (s *shelf) get(key string) *result {
	data, err := os.ReadFile(s.path(key))
	if err != nil {
		return nil
	}
	rest, ok := bytes.CutPrefix(data, []byte(shelfMagic+key))
	if !ok || len(rest) < sha256.Size {
		return nil
	}
	sum, payload := rest[:sha256.Size], rest[sha256.Size:]
	if want := sha256.Sum256(payload); !bytes.Equal(sum, want[:]) {
		return nil
	}
	if info, err := os.Stat(s.path(key)); err == nil && time.Since(info.ModTime()) > maxAge/30 {
		now := time.Now()
		_ = os.Chtimes(s.path(key), now, now)
	}
	return decodeResult(payload)
}

func (s *shelf) put(key string, r *result) {
	payload := encodeResult(r)
	sum := sha256.Sum256(payload)
	s.write(key, slices.Concat([]byte(shelfMagic+key), sum[:], payload))
	s.puts.Add(1)
}

// write makes a file appear whole.
func (s *shelf) write(name string, data []byte) {
	file, err := os.CreateTemp(s.dir, newPrefix)
	if os.IsNotExist(err) && os.MkdirAll(s.dir, 0o700) == nil {
		file, err = os.CreateTemp(s.dir, newPrefix)
	}
	if err != nil {
		return
	}
	_, err = file.Write(data)
	if closed := file.Close(); err == nil && closed == nil && os.Rename(file.Name(), s.path(name)) == nil {
		return
	}
	_ = os.Remove(file.Name())
}

// tidy removes what is old or too much, but for what is in use. It looks at the whole directory, so it does that seldom.
func (s *shelf) tidy(used func(key string) bool) {
	puts := s.puts.Load()
	if puts == 0 || s.tidied > 0 && puts-s.tidied < tidyEvery {
		return
	}
	s.tidied = puts
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		return
	}
	var files []os.FileInfo
	size := int64(0)
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			files = append(files, info)
			size += info.Size()
		}
	}
	slices.SortFunc(files, func(a, b os.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, file := range files {
		age := time.Since(file.ModTime())
		abandoned := strings.HasPrefix(file.Name(), newPrefix) && age > time.Hour
		if abandoned || (age > maxAge || size > maxShelf) && !used(file.Name()) && file.Name() != headersName() {
			size -= file.Size()
			_ = os.Remove(s.path(file.Name()))
		}
	}
}

// headersName tells headers apart that were read by other code.
func headersName() string { return "headers-" + origin()[:16] }

// headers reads the file of headers: a line each, with a checksum before it. Damaged lines are passed over.
func (s *shelf) headers() map[string]header {
	found := map[string]header{}
	name := s.path(headersName())
	data, err := os.ReadFile(name)
	if err != nil {
		return found
	}
	if len(data) > maxHeadFile {
		_ = os.Remove(name)
	}
	for line := range bytes.Lines(data) {
		sum, text, ok := strings.Cut(string(line), " ")
		var l headerLine
		if ok && sum == shortSum(text) && json.Unmarshal([]byte(text), &l) == nil {
			found[l.Hash] = l.Header
		}
	}
	return found
}

type headerLine struct {
	Hash   string `json:"hash"`
	Header header `json:"header"`
}

func shortSum(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// learn appends headers.
func (s *shelf) learn(hashes []string, headers map[string]header) {
	var b bytes.Buffer
	for _, hash := range hashes {
		text, err := json.Marshal(headerLine{Hash: hash, Header: headers[hash]})
		if err == nil {
			b.WriteString(shortSum(string(text)+"\n") + " " + string(text) + "\n")
		}
	}
	if b.Len() == 0 || os.MkdirAll(s.dir, 0o700) != nil {
		return
	}
	file, err := os.OpenFile(s.path(headersName()), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_, _ = file.Write(b.Bytes())
	_ = file.Close()
}
