package files

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"plumbline/actuators"
)

const sidecarSuffix = ".plumb.json"

// Sidecar stands beside a file and carries its mark.
type Sidecar struct {
	Mark   actuators.Mark `json:"mark"`
	Made   Stamp          `json:"made,omitzero"`    // of the file when it was made: as long as it is the same, nobody wrote
	SHA256 string         `json:"sha256,omitempty"` // of the file when it was made
}

// SidecarPath is where the sidecar of a file lies.
func SidecarPath(path string) string { return path + sidecarSuffix }

// ReadSidecar reads the sidecar of a file; nil when it has none. One that cannot be read is an error, never none.
func ReadSidecar(h actuators.Host, path string) (*Sidecar, error) {
	data, err := h.ReadFile(SidecarPath(path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read the mark of %s: %w", path, err)
	}
	var s Sidecar
	if err := json.Unmarshal(data, &s); err != nil {
		return nil, fmt.Errorf("cannot read the mark of %s: %s: %w", path, SidecarPath(path), err)
	}
	return &s, nil
}

// WriteSidecar writes the sidecar of a file, durably.
func WriteSidecar(h actuators.Host, path string, s Sidecar) error {
	data, err := json.Marshal(s)
	if err != nil {
		return err
	}
	if err := h.WriteFile(SidecarPath(path), append(data, '\n'), 0o644); err != nil {
		return fmt.Errorf("cannot write the mark of %s: %w", path, err)
	}
	return nil
}

// RemoveSidecar deletes the sidecar of a file; deleting the absent is no error.
func RemoveSidecar(h actuators.Host, path string) error { return h.Remove(SidecarPath(path)) }

// Of tells whether the sidecar belongs to the object of a mark, in the same installation.
func (s *Sidecar) Of(m actuators.Mark) bool {
	return s != nil && s.Mark.ID == m.ID && s.Mark.Installation == m.Installation
}

// Own tells whether a file is there, and fails with ErrForeign when it does not carry the mark.
func Own(h actuators.Host, path string, m actuators.Mark) (*Stamp, *Sidecar, error) {
	stamp, err := Stat(path)
	if stamp == nil || err != nil {
		return nil, nil, err
	}
	side, err := ReadSidecar(h, path)
	if err != nil {
		return nil, nil, err
	}
	if !side.Of(m) {
		return nil, nil, actuators.Foreign(path)
	}
	return stamp, side, nil
}

// Carry moves a file together with its sidecar, and finishes a move that was cut short. At every instant the file has a
// sidecar beside it. It is no error if the file is at its new place already. The mark goes with it as it is: what is set
// aside and put back tells of the spec that it was made for.
func Carry(h actuators.Host, from, to string, m actuators.Mark) error {
	side, err := ReadSidecar(h, from)
	if err != nil {
		return err
	}
	if side.Of(m) {
		m = side.Mark
	}
	return Rename(h, from, to, m, m)
}

// Rename moves a file as Carry does, and lets it be another object's: its sidecar gets another mark. From and to may be the
// same; then only the mark is written.
func Rename(h actuators.Host, from, to string, was, now actuators.Mark) error {
	if from == to {
		return remark(h, from, was, now)
	}
	stamp, side, err := Own(h, from, was)
	if err != nil {
		return err
	}
	if stamp == nil {
		return arrived(h, from, to, now)
	}
	taken, err := Stat(to)
	if err == nil && taken != nil {
		err = fmt.Errorf("cannot rename %s to %s: %w", from, to, fs.ErrExist)
	}
	if err != nil {
		return err
	}
	side.Mark = now
	if err := WriteSidecar(h, to, *side); err != nil {
		return err
	}
	if err := Move(from, to); err != nil {
		return err
	}
	return RemoveSidecar(h, from)
}

func remark(h actuators.Host, path string, was, now actuators.Mark) error {
	if side, err := ReadSidecar(h, path); err != nil || side.Of(now) {
		return err
	}
	stamp, side, err := Own(h, path, was)
	if err == nil && stamp == nil {
		err = fmt.Errorf("cannot find %s: %w", path, actuators.ErrNotFound)
	}
	if err != nil {
		return err
	}
	side.Mark = now
	return WriteSidecar(h, path, *side)
}

func arrived(h actuators.Host, from, to string, m actuators.Mark) error {
	stamp, _, err := Own(h, to, m)
	if err != nil {
		return err
	}
	if stamp == nil {
		return fmt.Errorf("cannot rename %s to %s: %w", from, to, actuators.ErrNotFound)
	}
	return RemoveSidecar(h, from)
}

// IsOurs tells whether a name is one that only this package's users make: a sidecar, or a dot file.
func IsOurs(name string) bool {
	return strings.HasSuffix(name, sidecarSuffix) || strings.HasPrefix(name, ".")
}
