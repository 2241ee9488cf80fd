package git

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"

	"plumbline/sources"
)

// signed takes the signature out of a commit's own bytes. go-git would write the rest anew from what it understood of it,
// which need not be what was signed.
func (s *store) signed(c *object.Commit) (sources.Signed, error) {
	o, err := s.object(plumbing.CommitObject, c.Hash, mostCommit)
	if err != nil {
		return sources.Signed{}, err
	}
	raw, err := content(o)
	if err != nil {
		return sources.Signed{}, err
	}
	payload, signature, err := unsign(raw)
	if err == nil && signature != "" {
		err = same(c, payload)
	}
	if err != nil {
		return sources.Signed{}, fmt.Errorf("commit %s: %w", c.Hash, err)
	}
	return sources.Signed{Commit: convert(c), Payload: payload, Signature: signature}, nil
}

var signatureHeader = []byte("gpgsig ")

// unsign parts a commit into what was signed and the signature, a header whose further lines begin with a space.
func unsign(raw []byte) (payload []byte, signature string, err error) {
	payload = make([]byte, 0, len(raw))
	within := false
	for rest := raw; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n') + 1
		if end == 0 {
			end = len(rest)
		}
		line := rest[:end]
		switch {
		case len(bytes.TrimRight(line, "\n")) == 0: // the message follows
			return append(payload, rest...), signature, nil
		case bytes.HasPrefix(line, signatureHeader) && signature != "":
			return nil, "", fmt.Errorf("it carries two signatures: %w", sources.ErrUnsupported)
		case bytes.HasPrefix(line, signatureHeader):
			within, signature = true, string(line[len(signatureHeader):])
		case within && line[0] == ' ':
			signature += string(line[1:])
		default:
			within = false
			payload = append(payload, line...)
		}
		rest = rest[end:]
	}
	return payload, signature, nil
}

// same tells that what was signed is the commit that is read.
func same(c *object.Commit, payload []byte) error {
	o := &plumbing.MemoryObject{}
	o.SetType(plumbing.CommitObject)
	if _, err := o.Write(payload); err != nil {
		return err
	}
	covered, err := object.DecodeCommit(nil, o)
	if err != nil {
		return err
	}
	if covered.TreeHash != c.TreeHash || !slices.Equal(covered.ParentHashes, c.ParentHashes) || !covered.Committer.When.Equal(c.Committer.When) {
		return fmt.Errorf("its signature covers another commit than it is: %w", sources.ErrUnsupported)
	}
	return nil
}
