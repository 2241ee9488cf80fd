package audit

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const (
	plainEnd  = ".log"
	packedEnd = ".log.gz"
)

// header is the first line of a segment.
type header struct {
	FormatVersion string `json:"format_version"`
	Segment       string `json:"segment"`
	Before        string `json:"before,omitempty"` // the segment before
	Chain         string `json:"chain"`            // where that ends
	Seq           uint64 `json:"seq"`              // the last number in it
}

// end is where a trail ends: the content of STATE/audit.json.
type end struct {
	Segment string `json:"segment"`
	Chain   string `json:"chain"`
	Seq     uint64 `json:"seq"`
}

// Trail is what reading found.
type Trail struct {
	Records  uint64
	Segments int
	Faults   []string // what is missing or was changed, in order
	end      end
	open     int64    // bytes of the last segment that are whole
	torn     int64    // bytes behind them
	spoilt   bool     // the last segment is wrong before its end
	tags     []string // of the lines
	late     bool     // reading begins in the midst of the trail
}

// Chain is the hash that the trail ends with: kept elsewhere, it tells later whether what was before is still as it was.
func (t *Trail) Chain() string { return t.end.Chain }

// Read gives all records of the trail of a state directory, oldest first; visit may be nil, and stops by an error. Faults of the trail are no
// error: what can be read is given.
func Read(state string, visit func(Record) error) (*Trail, error) {
	names, err := segments(state)
	if err != nil {
		return nil, err
	}
	return read(state, names, &Trail{}, visit)
}

func read(state string, names []string, t *Trail, visit func(Record) error) (*Trail, error) {
	for _, name := range names {
		if err := t.segment(filepath.Join(folder(state), name), visit); err != nil {
			return t, err
		}
	}
	return t, t.compare(state)
}

func folder(state string) string { return filepath.Join(state, "audit") }

// segments lists the files, oldest first: the names sort so. A month that was packed and not yet removed counts once.
func segments(state string) (names []string, err error) {
	entries, err := os.ReadDir(folder(state))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, entry := range entries {
		if name := entry.Name(); strings.HasSuffix(name, plainEnd) || strings.HasSuffix(name, packedEnd) {
			names = append(names, name)
		}
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(segmentOf(a), segmentOf(b)) })
	return slices.CompactFunc(names, func(a, b string) bool { return segmentOf(a) == segmentOf(b) }), err
}

func segmentOf(name string) string {
	return strings.TrimSuffix(strings.TrimSuffix(name, ".gz"), plainEnd)
}

// compare tells whether the trail ends where it ended.
func (t *Trail) compare(state string) error {
	data, err := os.ReadFile(filepath.Join(state, "audit.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var known end
	if err == nil {
		err = json.Unmarshal(data, &known)
	}
	if err != nil {
		t.fault("audit.json", 0, "cannot read where the trail ends: "+err.Error())
		return nil
	}
	if t.end.Seq < known.Seq {
		t.fault(known.Segment, 0, fmt.Sprintf("the trail ends with record %d and had %d: its end is lost", t.end.Seq, known.Seq))
	}
	return nil
}

func (t *Trail) fault(segment string, line int, text string) {
	place := segment
	if line > 0 {
		place = fmt.Sprintf("%s:%d", segment, line)
	}
	t.Faults = append(t.Faults, place+": "+text)
}

// segment reads one file. What follows a fault in it is chained from there on.
func (t *Trail) segment(path string, visit func(Record) error) error {
	name := filepath.Base(path)
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	var from io.Reader = file
	if strings.HasSuffix(name, packedEnd) {
		if from, err = gzip.NewReader(file); err != nil {
			t.fault(name, 0, "it cannot be unpacked: "+err.Error())
			return nil
		}
	}
	t.Segments++
	t.open, t.torn, t.spoilt = 0, 0, false
	in := bufio.NewReaderSize(from, 1<<16)
	for n := 1; ; n++ {
		text, err := in.ReadString('\n')
		if err != nil {
			if t.torn = int64(len(text)); !errors.Is(err, io.EOF) {
				t.fault(name, n, "it is cut off: "+err.Error())
			}
			return nil
		}
		if err := t.line(name, n, strings.TrimSuffix(text, "\n"), visit); err != nil {
			return err
		}
		t.open += int64(len(text))
	}
}

func (t *Trail) line(name string, n int, text string, visit func(Record) error) error {
	if n == 1 {
		return t.header(name, text)
	}
	p, err := split(t.end.Chain, text)
	if err != nil {
		t.spoilt = true
		t.fault(name, n, err.Error())
	}
	t.end.Chain = p.chain // also of a line that is wrong: what follows may be as it was written
	t.tags = append(t.tags, p.tag)
	records, err := unpack(p.form, p.payload)
	if err != nil {
		t.spoilt = true
		t.fault(name, n, "it cannot be read: "+err.Error())
	}
	for _, r := range records {
		if r.Seq != t.end.Seq+1 {
			t.fault(name, n, fmt.Sprintf("record %d follows record %d", r.Seq, t.end.Seq))
		}
		t.end.Seq = r.Seq
		t.Records++
		if visit != nil {
			if err := visit(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (t *Trail) header(name, text string) error {
	var h header
	if err := json.Unmarshal([]byte(text), &h); err != nil {
		t.spoilt = true
		t.fault(name, 1, "its first line is none of a trail: "+err.Error())
		return nil
	}
	if major, _, _ := strings.Cut(h.FormatVersion, "."); major != "1" {
		return fmt.Errorf("cannot read %s: it has the format %s, and this plumb reads %s", name, h.FormatVersion, FormatVersion)
	}
	if t.late {
		t.late, t.end = false, end{Chain: h.Chain, Seq: h.Seq}
	}
	if h.Chain != t.end.Chain || h.Seq != t.end.Seq {
		before := h.Before
		if before == "" {
			before = "nothing"
		}
		t.fault(name, 1, fmt.Sprintf("it follows %s up to record %d, and the trail before it ends with record %d: what was between is lost or was changed", before, h.Seq, t.end.Seq))
	}
	t.end = end{h.Segment, h.Chain, h.Seq}
	return nil
}
