package notify

import "encoding/json"

// Teller takes what was decided: notices, and the state of who decided them, in one commit. Bus is one.
type Teller interface {
	Commit(state map[string]json.RawMessage, notices ...Notice)
	State(prefix string) map[string]json.RawMessage
}

// To is a teller that calls a function and remembers nothing.
type To func(Notice)

// Commit calls the function for each notice.
func (f To) Commit(_ map[string]json.RawMessage, notices ...Notice) {
	for _, n := range notices {
		f(n)
	}
}

// State is none.
func (f To) State(string) map[string]json.RawMessage { return nil }
