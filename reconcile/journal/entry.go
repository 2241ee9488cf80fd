package journal

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"hash/crc32"
	"time"

	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// packedEntry is the first byte of an entry of the inventory: then come a checksum and the fields, each text behind its length.
// All entries are read when a process begins, and JSON of them was its largest cost. A value that begins with a brace is JSON,
// of format 2 and before.
const packedEntry = 1

const entryHead = 1 + crc32.Size

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var errTorn = errors.New("its bytes are not as they were written")

func packEntry(e *inventory.Entry) []byte {
	w := entryWriter{make([]byte, entryHead, 512)}
	w.instance(e.Instance)
	w.text(e.Pos.File)
	w.number(e.Pos.Line)
	w.number(e.Pos.Col)
	w.text(e.Commit)
	w.time(&e.AppliedAt)
	w.text(string(e.Spec))
	w.text(e.Hash)
	w.text(string(e.State))
	w.number(len(e.After))
	for _, i := range e.After {
		w.instance(i)
	}
	w.number(len(e.Needs))
	for _, f := range e.Needs {
		w.fact(f)
	}
	w.number(len(e.Provides))
	for _, u := range e.Provides {
		w.use(u)
	}
	w.number(len(e.Share))
	for _, share := range e.Share {
		w.text(share)
	}
	w.text(e.Drift)
	w.text(string(e.Manage))
	w.time(e.Retired)
	w.text(e.Stuck)
	if e.Protect || e.Self || len(e.Was) > 0 { // older versions read entries that end before
		w.number(bit(e.Protect))
	}
	if e.Self || len(e.Was) > 0 {
		w.number(bit(e.Self))
	}
	if len(e.Was) > 0 {
		w.number(len(e.Was))
		for _, name := range e.Was {
			w.text(name)
		}
	}
	w.b[0] = packedEntry
	binary.BigEndian.PutUint32(w.b[1:], crc32.Checksum(w.b[entryHead:], castagnoli))
	return w.b
}

// entryReader reads entries one after the other. Names, facts and commits recur in thousands of them: each is kept once.
type entryReader struct {
	known map[string]string
	data  []byte
	torn  bool
}

func newEntryReader() *entryReader { return &entryReader{known: map[string]string{}} }

// entry gives an entry that shares nothing with the value.
func (r *entryReader) entry(value []byte) (*inventory.Entry, error) {
	e := &inventory.Entry{}
	if len(value) > 0 && value[0] == '{' {
		return e, json.Unmarshal(value, e)
	}
	if len(value) < entryHead || value[0] != packedEntry || binary.BigEndian.Uint32(value[1:]) != crc32.Checksum(value[entryHead:], castagnoli) {
		return nil, errTorn
	}
	r.data, r.torn = value[entryHead:], false
	e.Instance = r.instance()
	e.Pos = schema.Pos{File: r.text(), Line: r.number(), Col: r.number()}
	e.Commit = r.text()
	if at := r.time(); at != nil {
		e.AppliedAt = *at
	}
	e.Spec, e.Hash, e.State = r.bytes(), string(r.next()), r.bytes()
	e.After = list(r, r.instance)
	e.Needs = list(r, r.fact)
	e.Provides = list(r, r.use)
	e.Share = list(r, r.text)
	e.Drift, e.Manage = r.text(), schema.Manage(r.text())
	e.Retired, e.Stuck = r.time(), r.text()
	if len(r.data) > 0 {
		e.Protect = r.number() == 1
	}
	if len(r.data) > 0 {
		e.Self = r.number() == 1
	}
	if len(r.data) > 0 {
		e.Was = list(r, r.text)
	}
	if r.torn || len(r.data) > 0 {
		return nil, errTorn
	}
	return e, nil
}

type entryWriter struct{ b []byte }

func bit(set bool) int {
	if set {
		return 1
	}
	return 0
}

func (w *entryWriter) number(n int) { w.b = binary.AppendUvarint(w.b, uint64(n)) }

func (w *entryWriter) text(s string) {
	w.number(len(s))
	w.b = append(w.b, s...)
}

func (w *entryWriter) instance(i schema.Instance) {
	w.text(string(i.ID))
	w.text(i.Host)
}

func (w *entryWriter) fact(f schema.Fact) {
	w.text(f.Type)
	w.text(f.Scope)
	w.text(f.Value)
}

func (w *entryWriter) use(u schema.Use) {
	w.fact(u.Fact)
	w.number(bit(u.Exclusive))
	w.text(u.Path)
}

// time writes a moment as time.Time packs itself; nil is empty.
func (w *entryWriter) time(at *time.Time) {
	if at == nil {
		w.text("")
		return
	}
	packed, _ := at.UTC().MarshalBinary() // fails only for zones that UTC is not
	w.text(string(packed))
}

func (r *entryReader) number() int {
	n, width := binary.Uvarint(r.data)
	if width <= 0 || n > 1<<31 {
		r.data, r.torn = nil, true
		return 0
	}
	r.data = r.data[width:]
	return int(n)
}

// next is the bytes of a text; they lie in the value.
func (r *entryReader) next() []byte {
	n := r.number()
	if n > len(r.data) {
		r.data, r.torn = nil, true
		return nil
	}
	text := r.data[:n]
	r.data = r.data[n:]
	return text
}

func (r *entryReader) bytes() json.RawMessage {
	if text := r.next(); len(text) > 0 {
		return bytes.Clone(text)
	}
	return nil
}

func (r *entryReader) text() string {
	text := r.next()
	known, ok := r.known[string(text)]
	if !ok {
		known = string(text)
		r.known[known] = known
	}
	return known
}

func (r *entryReader) instance() schema.Instance {
	return schema.Instance{ID: schema.ID(r.text()), Host: r.text()}
}

func (r *entryReader) fact() schema.Fact {
	return schema.Fact{Type: r.text(), Scope: r.text(), Value: r.text()}
}

func (r *entryReader) use() schema.Use {
	return schema.Use{Fact: r.fact(), Exclusive: r.number() == 1, Path: r.text()}
}

func (r *entryReader) time() *time.Time {
	packed := r.next()
	if len(packed) == 0 {
		return nil
	}
	at := &time.Time{}
	if at.UnmarshalBinary(packed) != nil {
		r.data, r.torn = nil, true
	}
	return at
}

// list reads a list; nil is empty.
func list[T any](r *entryReader, next func() T) []T {
	n := r.number()
	if n == 0 || n > len(r.data) {
		r.torn = r.torn || n > 0
		return nil
	}
	all := make([]T, n)
	for i := range all {
		all[i] = next()
	}
	return all
}
