package notify

import (
	"encoding/json"
	"fmt"
)

// Past is a teller that knows what was told and tells nothing: for who looks beside the one who tells. Nil knows nothing.
type Past struct{ of Teller }

// PastOf knows what a teller told.
func PastOf(t Teller) *Past { return &Past{of: t} }

// ReadPast reads what an outbox's file says, and leaves the file as it is. Without a file nothing was told.
func ReadPast(path string) (*Past, error) {
	o := NewOutbox()
	if err := readLog(path, o.line); err != nil {
		return nil, fmt.Errorf("cannot read what was told: %w", err)
	}
	return &Past{of: stateOf{o}}, nil
}

// Commit does nothing.
func (*Past) Commit(map[string]json.RawMessage, ...Notice) {}

// State is what was committed under keys with this beginning.
func (p *Past) State(prefix string) map[string]json.RawMessage {
	if p == nil || p.of == nil {
		return nil
	}
	return p.of.State(prefix)
}

// stateOf is an outbox that takes nothing.
type stateOf struct{ *Outbox }

func (stateOf) Commit(map[string]json.RawMessage, ...Notice) {}
