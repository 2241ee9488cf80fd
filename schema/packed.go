package schema

import (
	"encoding/binary"
	"encoding/json"
)

// encodeResult is a plain sequence of numbers and texts: a quarter of the time of JSON to read back, and the specs need
// no copy.
func encodeResult(r *result) []byte {
	warnings, _ := json.Marshal(r.warnings)
	return appendText(appendObjects(nil, r.objects), string(warnings))
}

// decodeResult is nil for what encodeResult did not write.
func decodeResult(data []byte) *result {
	d := decoder{data: data}
	r := &result{objects: d.objects()}
	if err := json.Unmarshal(d.text(), &r.warnings); err != nil || d.bad || len(d.data) > 0 {
		return nil
	}
	r.measure()
	return r
}

func appendText(b []byte, text string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(text))), text...)
}

func appendObjects(b []byte, objects []Declaration) []byte {
	b = binary.AppendUvarint(b, uint64(len(objects)))
	for _, o := range objects {
		b = appendText(appendText(appendText(b, string(o.ID)), o.Dir), o.Pos.File)
		b = binary.AppendUvarint(binary.AppendUvarint(b, uint64(o.Pos.Line)), uint64(o.Pos.Col))
		b = appendText(b, string(o.Spec))
	}
	return b
}

// decoder takes numbers and texts off its data until there is something wrong.
type decoder struct {
	data      []byte
	bad       bool
	dir, file string // of the object before: neighbours share them
}

// objects reads what appendObjects wrote. Specs lie in the decoder's data.
func (d *decoder) objects() []Declaration {
	const least = 6 // bytes of an object
	n := d.number()
	if n > len(d.data)/least {
		d.data, d.bad = nil, true
		return nil
	}
	objects := make([]Declaration, n)
	for i := range objects {
		o := &objects[i]
		o.ID, o.Dir = ID(d.text()), d.again(&d.dir)
		o.Pos = Pos{File: d.again(&d.file), Line: d.number(), Col: d.number()}
		if spec := d.text(); len(spec) > 0 {
			o.Spec = spec
		}
	}
	return objects
}

// again is a text that often is the one that was last read in its place.
func (d *decoder) again(last *string) string {
	if text := d.text(); string(text) != *last {
		*last = string(text)
	}
	return *last
}

func (d *decoder) number() int {
	n, width := binary.Uvarint(d.data)
	if width <= 0 || n > maxFrame {
		d.data, d.bad = nil, true
		return 0
	}
	d.data = d.data[width:]
	return int(n)
}

func (d *decoder) text() []byte {
	n := d.number()
	if n > len(d.data) {
		d.data, d.bad = nil, true
		return nil
	}
	text := d.data[:n:n]
	d.data = d.data[n:]
	return text
}
