// Package shown remembers what people were shown of each request before it was merged: plumb serve writes it, and the controller holds
// what it is about to apply against it. It is one file of the state directory, with one writer.
package shown

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// Request is what is remembered of one.
type Request struct {
	Number  int64     `json:"number"`
	Head    string    `json:"head"`             // newest commit of the request that was shown
	Base    string    `json:"base"`             // commit of the branch that it was merged into, for the plan
	Root    string    `json:"root"`             // tree of all files of that merge
	Effect  string    `json:"effect,omitempty"` // digest of what was shown; "" = nothing that may be applied
	Live    string    `json:"live,omitempty"`   // digest of what the branch alone would do, which stands for the live state
	Rules   string    `json:"rules"`            // digest of version and settings that it was planned by
	At      time.Time `json:"at"`
	Merged  string    `json:"merged,omitempty"`  // commit that it became
	Allowed string    `json:"allowed,omitempty"` // commit of a fork that a maintainer let us plan
	Retired string    `json:"retired,omitempty"` // who discarded what was shown of Head
	Read    int64     `json:"read,omitempty"`    // newest comment that was looked at for orders
	Status  string    `json:"status,omitempty"`  // the last one that was set, in a line
	Policy  string    `json:"policy,omitempty"`  // the same for what the rules say
	Failed  bool      `json:"failed,omitempty"`  // it could not be planned for a reason that may pass
	Offered string    `json:"offered,omitempty"` // after the merge: what would be done instead of what was shown
	Agreed  *Agreed   `json:"agreed,omitempty"`
}

// Agreed is the word of somebody who may push.
type Agreed struct {
	By     string    `json:"by"`
	Effect string    `json:"effect"`
	At     time.Time `json:"at"`
}

// Ordered is what somebody who may push asked for in a comment.
type Ordered struct {
	Key     string    `json:"key"` // of comment and line
	Request int64     `json:"request"`
	By      string    `json:"by"`
	What    string    `json:"what"`
	Commit  string    `json:"commit"`           // newest of the request
	Effect  string    `json:"effect,omitempty"` // that was agreed to
	Result  string    `json:"result,omitempty"` // "refused"; "" = it was to be done
	At      time.Time `json:"at"`
}

// Revert is a request that we opened to take back what failed.
type Revert struct {
	Effect string    `json:"effect"` // that is parked
	Commit string    `json:"commit"` // it failed with
	Number int64     `json:"number"` // of the request; 0 = it could not be made
	Head   string    `json:"head"`   // its commit
	At     time.Time `json:"at"`
	Closed bool      `json:"closed,omitempty"` // nothing more is to be done with it
}

// Book is all that is remembered.
type Book struct {
	Requests []*Request        `json:"requests"`
	Queue    []*Request        `json:"queue,omitempty"` // commits of the merge queue that were planned, without numbers
	Since    time.Time         `json:"since"`           // outcomes of before are nobody's
	Reverts  []*Revert         `json:"reverts,omitempty"`
	Told     map[string]string `json:"told"`              // what was told last of a commit's outcome
	Ordered  []Ordered         `json:"ordered,omitempty"` // in comments, and not in the audit trail yet
}

// path in a state directory.
func path(state string) string { return filepath.Join(state, "requests.json") }

// Load reads the book of a state directory; one that is not there is empty.
func Load(state string) (*Book, error) {
	b := &Book{Told: map[string]string{}}
	data, err := os.ReadFile(path(state))
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil {
		err = json.Unmarshal(data, b)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot read what was shown of requests: %s: %w", path(state), err)
	}
	if b.Told == nil {
		b.Told = map[string]string{}
	}
	return b, nil
}

// Request is that of a number, made if there is none.
func (b *Book) Request(number int64) *Request {
	i := slices.IndexFunc(b.Requests, func(r *Request) bool { return r.Number == number })
	if i < 0 {
		b.Requests = append(b.Requests, &Request{Number: number})
		i = len(b.Requests) - 1
	}
	return b.Requests[i]
}

// Commit is one that may have come of a request.
type Commit struct {
	ID      string
	Parents []string
	Tree    string
}

// merges tells whether it merges another into the branch; its first parent is the branch.
func (c Commit) merges(id string) bool {
	return len(c.Parents) > 1 && slices.Contains(c.Parents[1:], id)
}

// Of finds the request that became a commit: as its forge said, as what it merges, or by its content, where the forge did not say yet. nil = none is known.
func (b *Book) Of(c Commit) *Request {
	for _, fits := range []func(*Request) bool{
		func(r *Request) bool { return r.Merged != "" && r.Merged == c.ID },
		func(r *Request) bool { return r.Head != "" && (r.Head == c.ID || c.merges(r.Head)) },
		func(r *Request) bool { return r.Root != "" && r.Root == c.Tree && r.Merged == "" },
	} {
		if i := slices.IndexFunc(b.Requests, fits); i >= 0 {
			return b.Requests[i]
		}
	}
	return nil
}

// Saw tells whether an effect is what was shown of a request, or what somebody agreed to afterwards.
func (r *Request) Saw(effect string) bool {
	return r.Retired == "" && r.Effect == effect || r.Agreed != nil && r.Agreed.Effect == effect
}

// Save writes the book, whole and synced.
func (b *Book) Save(state string) error {
	data, err := json.MarshalIndent(b, "", "\t")
	if err == nil {
		err = write(path(state), append(data, '\n'))
	}
	if err != nil {
		return fmt.Errorf("cannot remember what was shown of requests: %w", err)
	}
	return nil
}

func write(path string, data []byte) error {
	file, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
