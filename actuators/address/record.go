package address

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// Place is an address on an interface.
type Place struct {
	Interface string       `json:"interface"`
	Address   netip.Prefix `json:"address"`
}

// String is "10.1.1.2/24 on eth1".
func (p Place) String() string { return p.Address.String() + " on " + p.Interface }

// record is the mark of an address, which has no room for one: a file in the state directory of its host, written before the
// address and removed after it.
type record struct {
	Mark actuators.Mark `json:"mark"`
	Place
}

const (
	recordDir = "address"
	recordEnd = ".json"
)

func recordPath(h actuators.Host, id schema.ID) string {
	return filepath.Join(h.StateDir(), recordDir, id.Name()+recordEnd)
}

// readRecord gives nil when there is none.
func readRecord(h actuators.Host, id schema.ID) (*record, error) {
	path := recordPath(h, id)
	data, err := h.ReadFile(path)
	if errors.Is(err, actuators.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the record of %s: %w", id, err)
	}
	var r record
	if err := json.Unmarshal(data, &r); err != nil || r.Mark.ID != id {
		return nil, fmt.Errorf("cannot read the record of %s: %s does not hold it; remove it if the address is not ours", id, path)
	}
	return &r, nil
}

// writeRecord writes a record, or with nil removes it.
func writeRecord(h actuators.Host, id schema.ID, r *record) error {
	if r == nil {
		return h.Remove(recordPath(h, id))
	}
	data, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("internal error: record of %s: %w", id, err)
	}
	return h.WriteFile(recordPath(h, id), append(data, '\n'), 0o600)
}

// records reads all of them.
func records(h actuators.Host) (map[schema.ID]*record, error) {
	all := map[schema.ID]*record{}
	names, err := files.List(filepath.Join(h.StateDir(), recordDir))
	if errors.Is(err, os.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		base, ok := strings.CutSuffix(name, recordEnd)
		if !ok {
			continue
		}
		id := schema.MakeID("address", base)
		if all[id], err = readRecord(h, id); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// ours tells whether a record is of this object and installation.
func (r *record) ours(mark actuators.Mark) bool {
	return r != nil && r.Mark.Installation == mark.Installation && r.Mark.ID == mark.ID
}
