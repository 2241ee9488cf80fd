package schema

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
)

// report is what a child tells: that a package begins, that it ended with these objects, or at last the rest of the
// evaluation.
type report struct {
	Dir        string        `json:"dir,omitempty"`
	Ended      bool          `json:"-"`
	Objects    []Declaration `json:"-"` // when it ended
	Evaluation *Evaluation   `json:"evaluation,omitempty"`
	Error      string        `json:"error,omitempty"`
	Spent      bool          `json:"spent,omitempty"` // with one of the two above: this child takes no other source
}

// maxFrame bounds what one frame may hold: the largest tree in base64 has a third more.
const maxFrame = 2 * maxTree

// endOf begins the frame of a package that ended; JSON never begins so.
const endOf = 0

// encode is JSON, but for objects, which are most of what is told and need no other form than on the shelf.
func (r report) encode() ([]byte, error) {
	if !r.Ended {
		return json.Marshal(r)
	}
	return appendObjects(appendText([]byte{endOf}, r.Dir), r.Objects), nil
}

func (r *report) decode(data []byte) error {
	if len(data) == 0 || data[0] != endOf {
		return json.Unmarshal(data, r)
	}
	d := decoder{data: data[1:]}
	*r = report{Ended: true, Dir: string(d.text()), Objects: d.objects()}
	if d.bad || len(d.data) > 0 {
		return fmt.Errorf("objects of %q are damaged", r.Dir)
	}
	return nil
}

// readReport reads one frame of a child.
func readReport(in io.Reader) (r report, err error) {
	data, err := readFrame(in)
	if err == nil {
		err = r.decode(data)
	}
	return r, err
}

// writeFrame writes a length and that many bytes.
func writeFrame(w io.Writer, data []byte) error {
	if _, err := w.Write(binary.BigEndian.AppendUint32(nil, uint32(len(data)))); err != nil {
		return err
	}
	_, err := w.Write(data)
	return err
}

func readFrame(r io.Reader) ([]byte, error) {
	var size uint32
	if err := binary.Read(r, binary.BigEndian, &size); err != nil {
		return nil, err
	}
	if size > maxFrame {
		return nil, fmt.Errorf("a frame of %d bytes is too large", size)
	}
	data := make([]byte, size)
	_, err := io.ReadFull(r, data)
	return data, err
}
