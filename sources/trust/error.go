package trust

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"plumbline/sources"
)

// Reason is why a commit is not trusted.
type Reason string

// The reasons.
const (
	Unsigned   Reason = "unsigned"
	Unknown    Reason = "unknown signer"
	Expired    Reason = "expired"
	Revoked    Reason = "revoked"
	Weak       Reason = "weak key"
	Bad        Reason = "bad signature"
	OutOfScope Reason = "out of scope"
)

// ErrUntrusted is every error that says that a commit is not trusted.
var ErrUntrusted = errors.New("not trusted")

// ErrNoBeginning means that the list of signers lies in the repository and no commit of it is trusted yet.
var ErrNoBeginning = fmt.Errorf("%w: the signers are listed in the repository, and none of its commits is trusted yet; "+
	"name one that you vouch for as trust.since in the controller's file", ErrUntrusted)

// Error says which commit is not trusted, why, and what to do.
type Error struct {
	Commit sources.Commit
	Reason Reason
	Text   string // "is not signed"
}

// Error names the commit, the reason and the way out.
func (e *Error) Error() string {
	return fmt.Sprintf("commit %.10s (%s: %q) %s; %s, or accept it and what it builds on with \"plumb trust --once %.10s --reason TEXT\"",
		e.Commit.ID, e.Commit.Author, e.Commit.Subject, e.Text, e.Reason.remedy(), e.Commit.ID)
}

// Is makes errors.Is(err, ErrUntrusted) true.
func (e *Error) Is(target error) bool { return target == ErrUntrusted }

func (r Reason) remedy() string {
	switch r {
	case Unsigned:
		return "sign it (git commit --amend -S) and push again"
	case Unknown:
		return "have the key added to the list of signers, or the commit signed by somebody who is in it"
	case OutOfScope:
		return "have it signed by somebody who may change that"
	}
	return "sign it with a key that is valid, and push again"
}

// refusal is why a signature does not count.
type refusal struct {
	reason Reason
	text   string
}

func refuse(reason Reason, format string, args ...any) *refusal {
	return &refusal{reason, fmt.Sprintf(format, args...)}
}

// matches is a shell pattern, in which "/**" at the end is everything below.
func matches(pattern, name string) bool {
	if dir, ok := strings.CutSuffix(pattern, "/**"); ok {
		return strings.HasPrefix(name, dir+"/")
	}
	ok, _ := path.Match(pattern, name)
	return ok || pattern == "**"
}
