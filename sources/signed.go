package sources

import "context"

// Signed is a commit with its signature and what that covers.
type Signed struct {
	Commit
	// Payload is the commit as it was signed: the object without the signature.
	Payload []byte
	// Signature is armored text, of SSH or OpenPGP; empty for an unsigned commit.
	Signature string
}

// Signable is a source whose commits can be signed. A directory has none.
type Signable interface {
	Source

	// Since is what id brings beyond base: id and those of its ancestors that base does not have, parents before
	// children. With first, only those on the way of first parents are followed. Without a base it is the whole history.
	// Errors: ErrNoCommit for either; ErrUnsupported when a shallow clone ends before base; *LimitError for more than
	// MostSince commits.
	Since(ctx context.Context, id, base string, first bool) ([]Signed, error)
}

// MostSince is how many commits Since gives at most.
const MostSince = 100_000
