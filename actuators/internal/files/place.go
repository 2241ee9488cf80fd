package files

import (
	"errors"
	"fmt"
	"io/fs"

	"plumbline/actuators"
)

// Place gives a prepared file its name and its mark. The sidecar is written first and tells which file it means, so that
// after a crash nobody else's file of that name can be taken for ours. On an error the prepared file is gone.
func Place(h actuators.Host, temp, path string, side Sidecar) (err error) {
	defer func() {
		if err != nil {
			err = errors.Join(err, h.Remove(temp))
		}
	}()
	stamp, err := Stat(temp)
	if err == nil && stamp == nil {
		err = fmt.Errorf("cannot find %s: %w", temp, actuators.ErrNotFound)
	}
	if err != nil {
		return err
	}
	taken, err := Stat(path)
	if err == nil && taken != nil {
		err = actuators.Foreign(path)
	}
	if err != nil {
		return err
	}
	side.Made = *stamp
	if err := WriteSidecar(h, path, side); err != nil {
		return err
	}
	err = Move(temp, path)
	if errors.Is(err, fs.ErrExist) {
		return errors.Join(actuators.Foreign(path), RemoveSidecar(h, path))
	}
	return err
}

// Displace undoes Place. A file that is still as it was placed is deleted; one that was written since is data, and is
// set aside under a name given before. Somebody else's file stays. No file is no error.
func Displace(h actuators.Host, path, aside string, m actuators.Mark) error {
	side, err := ReadSidecar(h, path)
	if err != nil || !side.Of(m) {
		return err
	}
	stamp, err := Stat(path)
	switch {
	case err != nil:
		return err
	case stamp == nil || stamp.Inode != side.Made.Inode:
		return RemoveSidecar(h, path)
	case *stamp != side.Made:
		return Carry(h, path, aside, m)
	}
	if err := h.Remove(path); err != nil {
		return err
	}
	return RemoveSidecar(h, path)
}

// Adopt marks a file that was there. A file that carries another mark is refused.
func Adopt(h actuators.Host, path string, side Sidecar) error {
	stamp, err := Stat(path)
	if err == nil && stamp == nil {
		err = fmt.Errorf("cannot adopt %s: %w", path, actuators.ErrNotFound)
	}
	if err != nil {
		return err
	}
	old, err := ReadSidecar(h, path)
	if err != nil || old.Of(side.Mark) {
		return err
	}
	if old != nil {
		return actuators.Foreign(path)
	}
	if side.SHA256 != "" {
		side.Made = *stamp
	}
	return WriteSidecar(h, path, side)
}

// Abandon undoes Adopt: the file stays, the mark that was not there before goes.
func Abandon(h actuators.Host, path string, m actuators.Mark, before *Sidecar) error {
	side, err := ReadSidecar(h, path)
	if err != nil || before != nil || !side.Of(m) {
		return err
	}
	return RemoveSidecar(h, path)
}
