package sources

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a source. Test with errors.Is; the texts around them
// name the repository, branch, commit or path.
var (
	// ErrGone: the branch or the whole repository is not there. See GoneError.
	ErrGone = errors.New("gone")
	// ErrUnreachable: it could not be looked at; nothing is known about it.
	ErrUnreachable = errors.New("unreachable")
	// ErrUnsupported: this form of repository cannot be read.
	ErrUnsupported = errors.New("not supported")
	// ErrNoCommit: the source does not hold this commit (any more).
	ErrNoCommit = errors.New("no such commit")
	// ErrLimit: larger than Limits allow. See LimitError.
	ErrLimit = errors.New("over the limit")
	// ErrName: a file name that cannot be shown or used safely.
	ErrName = errors.New("unusable file name")
	// ErrIrregular: a symbolic link, submodule or other thing that is
	// neither file nor directory was read.
	ErrIrregular = errors.New("neither file nor directory")
	// ErrConflict: two commits change the same thing, and a person has to merge them.
	ErrConflict = errors.New("conflict")
)

// GoneError says what vanished and what is there instead.
type GoneError struct {
	// Repository is its path or URL.
	Repository string
	// Branch is empty if the whole repository is not there.
	Branch string
	// Branches are those that the repository has.
	Branches []string
}

// Error names branch, repository and the branches there are.
func (e *GoneError) Error() string {
	if e.Branch == "" {
		return fmt.Sprintf("repository %s is not there", e.Repository)
	}
	return fmt.Sprintf("branch %q is not in %s, which has %s", e.Branch, e.Repository, list(e.Branches))
}

// Is makes errors.Is(err, ErrGone) true.
func (e *GoneError) Is(target error) bool { return target == ErrGone }

func list(names []string) string {
	const most = 10
	if len(names) == 0 {
		return "no branches"
	}
	more := ""
	if len(names) > most {
		more = fmt.Sprintf(" and %d more", len(names)-most)
		names = names[:most]
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%.100q", n)
	}
	return strings.Join(quoted, ", ") + more
}

// LimitError says what is over which limit.
type LimitError struct {
	// Path is the file or directory, as fs.FS knows it; empty of what is neither, such as a commit.
	Path string
	// What is counted: "bytes", "entries" or "levels".
	What string
	// Have and Most are the value found and the limit. Have can be a lower bound.
	Have, Most int64
}

// Error names path, value and limit.
func (e *LimitError) Error() string {
	text := fmt.Sprintf("%d %s, at most %d are allowed", e.Have, e.What, e.Most)
	if e.Path != "" {
		text = e.Path + ": " + text
	}
	return text
}

// Is makes errors.Is(err, ErrLimit) true.
func (e *LimitError) Is(target error) bool { return target == ErrLimit }

// IntakeError says which limit of Intake a remote went over.
type IntakeError struct {
	// What is counted, with the limit: "more than 1Gi".
	What string
	// Setting is the limit's name in the controller's file; empty if it is none of people's.
	Setting string
}

// Error names the limit and who may raise it.
func (e *IntakeError) Error() string {
	if e.Setting == "" {
		return "it sends " + e.What
	}
	return fmt.Sprintf("it sends %s; if it is that large by right, raise %s in the controller's file", e.What, e.Setting)
}

// Is makes errors.Is(err, ErrLimit) true.
func (e *IntakeError) Is(target error) bool { return target == ErrLimit }
