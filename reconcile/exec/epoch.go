package exec

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"plumbline/actuators"
)

// admit refuses an epoch below the highest that this host saw, and keeps a higher one. It reads the file each time:
// another connection may have raised it.
func (l *local) admit(ctx context.Context, epoch uint64) error {
	lock, err := l.locks.take(ctx, lockName{"epoch", "epoch"})
	if err != nil {
		return err
	}
	defer lock.free()
	highest, err := readEpoch(l.host)
	if err != nil {
		return err
	}
	if epoch < highest {
		return fmt.Errorf("%w: epoch %d is over; this host obeys a controller with epoch %d", ErrFenced, epoch, highest)
	}
	if epoch == highest {
		return nil
	}
	return l.host.WriteFile(epochFile(l.host), []byte(strconv.FormatUint(epoch, 10)+"\n"), 0o600)
}

func epochFile(h actuators.Host) string { return filepath.Join(h.StateDir(), "epoch") }

// readEpoch gives the highest epoch seen; 0 if there was none. A file that cannot be read fences everybody.
func readEpoch(h actuators.Host) (uint64, error) {
	data, err := h.ReadFile(epochFile(h))
	if errors.Is(err, actuators.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("cannot read the epoch: %w", err)
	}
	epoch, err := strconv.ParseUint(strings.TrimSpace(string(data)), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("cannot read the epoch: %s: %w", epochFile(h), err)
	}
	return epoch, nil
}
