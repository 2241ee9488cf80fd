package actuators

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// StampFunc gives a cheap word (a generation number, a zone's serial, the times of directories) about what Observe of the
// same scope would find. Two equal words that are not empty promise that configs, marks and what is set aside did not change
// between them; status may have. An empty word promises nothing and is no error.
//
// A time of modification proves nothing as long as a next change could carry the same: the kernel stamps files with the
// time of its last tick, up to 10 ms old. A stamp of times is empty while the newest of them is younger than StampRest.
type StampFunc func(ctx context.Context, h Host, sc Scope) (string, error)

// StampRest is how old a modification time must be before a stamp may be made of it.
const StampRest = 50 * time.Millisecond

// StampOfLook is the stamp of a kind for which nothing on the host vouches, and whose look is cheap there: a hash of what the
// look finds, as far as a stamp speaks of it. It can miss nothing that Observe shows, and saves the way of the states to the
// controller and all that is done with them there. Look may leave out status, and is empty where a target is unknown.
func StampOfLook[L any](look func(ctx context.Context, h Host, sc Scope) ([]Live[L], error)) StampFunc {
	config := configField(reflect.TypeFor[L]())
	return func(ctx context.Context, h Host, sc Scope) (string, error) {
		lives, err := look(ctx, h, sc)
		if err != nil {
			return "", err
		}
		lines := make([]string, 0, len(lives))
		for _, l := range lives {
			if l.Unknown != "" {
				return "", nil
			}
			state, err := json.Marshal(reflect.ValueOf(l.State).Field(config).Interface())
			if err != nil {
				return "", fmt.Errorf("internal error: cannot write the state of %s: %w", l.ID, err)
			}
			mark := ""
			if l.Mark != nil {
				mark = l.Mark.String()
			}
			lines = append(lines, fmt.Sprintf("%q %q %t %q %d %s\n", l.ID, mark, l.Retired, l.Aside.Name, l.Aside.Since.UnixNano(), state))
		}
		slices.Sort(lines) // what is found in any order is the same
		sum := sha256.Sum256([]byte(strings.Join(lines, "")))
		return hex.EncodeToString(sum[:16]), nil
	}
}

// configField finds the half of a live state that operations decide.
func configField(state reflect.Type) int {
	for i := range state.NumField() {
		if tag, _, _ := strings.Cut(state.Field(i).Tag.Get("json"), ","); tag == "config" {
			return i
		}
	}
	panic("internal error: " + state.String() + " has no config")
}
