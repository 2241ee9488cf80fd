package actuators

import (
	"encoding/json"
	"fmt"
	"strings"

	"plumbline/schema"
)

// Mark is what Plumbline leaves on everything that it owns. Where no mark is possible the inventory stands in for it.
type Mark struct {
	Installation string    `json:"installation"` // which controller's state it belongs to
	ID           schema.ID `json:"id"`
	Hash         string    `json:"hash"` // of the resolved spec last applied; informative, never compared for drift
}

// String is one word for comments, aliases, tags and first lines: "plumb:INSTALLATION:KIND/NAME:HASH".
func (m Mark) String() string { return fmt.Sprintf("plumb:%s:%s:%s", m.Installation, m.ID, m.Hash) }

// ParseMark finds a mark's word in a text and reads it; nil when there is none.
func ParseMark(text string) *Mark {
	for word := range strings.FieldsSeq(text) {
		rest, ok := strings.CutPrefix(word, "plumb:")
		if !ok {
			continue
		}
		installation, rest, _ := strings.Cut(rest, ":")
		last := strings.LastIndexByte(rest, ':')
		if last < 0 || !strings.Contains(rest[:last], "/") {
			continue
		}
		return &Mark{Installation: installation, ID: schema.ID(rest[:last]), Hash: rest[last+1:]}
	}
	return nil
}

// JSON is the mark for places that hold structured text.
func (m Mark) JSON() []byte {
	data, _ := json.Marshal(m)
	return data
}
