// Package sources says where commits come from: the interface that the loop
// uses, the words of its errors and the limits on what a commit may hold.
//
// A source knows nothing of topologies, kinds, plans or hosts; it hands out
// commits and their content and says when to look again. It never writes to
// what it watches. Implementations: sources/git (a Git repository, local or
// remote) and sources/dir (a plain directory).
package sources

import (
	"context"
	"io/fs"
	"time"
)

// Source is where commits come from. All methods may be called at once from
// several goroutines.
type Source interface {
	// Head is the newest commit of the watched branch; a remote is asked
	// each time. Errors: ErrGone when branch or repository vanished,
	// ErrUnreachable with its cause when nobody can tell, ErrUnsupported;
	// any other means that the repository is damaged.
	Head(ctx context.Context) (Commit, error)

	// Tree is the content of a commit below the configured path: read-only,
	// lazy, without a checkout. Reading it can fail with ErrLimit, ErrName
	// and ErrIrregular, each naming the path. The file system may be used
	// after ctx ended. Errors: ErrNoCommit; fs.ErrNotExist when the commit
	// has no such path.
	Tree(ctx context.Context, id string) (fs.FS, error)

	// Watch calls changed once when it is watching, so that nothing is lost
	// between an earlier Head and now, and then whenever the head may have
	// moved, vanished, come back, or become unreachable. A call is a hint
	// and may stand for several changes: call Head. It always polls, too.
	// changed must return soon. Watch returns the cause of ctx's end.
	Watch(ctx context.Context, changed func()) error

	// Descends tells whether id is base or has base among its ancestors.
	// False means that history was rewritten in between; a base that the
	// repository no longer holds is no ancestor. Errors: ErrNoCommit for id.
	Descends(ctx context.Context, id, base string) (bool, error)

	// Log is id and its ancestors, newest first, at most n. Errors: ErrNoCommit.
	Log(ctx context.Context, id string, n int) ([]Commit, error)

	// Changed lists the files below the configured path that differ
	// between two commits, sorted, relative to that path, found by comparing
	// tree hashes. An empty from stands for a commit without any file.
	// Errors: ErrNoCommit, and those of reading a Tree.
	Changed(ctx context.Context, from, to string) ([]string, error)
}

// Commit is one state of a source and who made it. Author, Email and Subject
// are free of control characters and safe to print.
type Commit struct {
	// ID is 40 hex digits for Git, "dir:" and 64 hex digits for a directory.
	ID string
	// Author and Email name who wrote the change; empty for a directory.
	Author, Email string
	// Subject is the first line of the message.
	Subject string
	// Time is when the commit was made (Git: the committer's time).
	Time time.Time
	// Parents are the IDs of the commits it builds on.
	Parents []string
	// Tree identifies the content: equal trees have equal files.
	Tree string
}
