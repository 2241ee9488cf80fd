package git

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	gogit "github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"

	"plumbline/sources"
)

// open opens the local repository or the mirror. It is opened anew for each
// call: cheap, and nothing outdated or held open remains.
func (s *Source) open() (*store, error) {
	st := &store{path: s.local, name: s.config.URL}
	if err := st.open(); err != nil {
		return nil, err
	}
	return st, nil
}

// tip is the commit that the branch names now.
func (s *Source) tip() (plumbing.Hash, *store, error) {
	st, err := s.open()
	if err != nil {
		return plumbing.ZeroHash, nil, err
	}
	ref, err := st.repo.Reference(s.branch, true)
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		// git moves refs between files and packed-refs; look once more.
		ref, err = st.repo.Reference(s.branch, true)
	}
	switch {
	case errors.Is(err, plumbing.ErrReferenceNotFound):
		return plumbing.ZeroHash, nil, &sources.GoneError{Repository: s.config.URL, Branch: s.config.Branch, Branches: branches(st.repo)}
	case err != nil:
		return plumbing.ZeroHash, nil, fmt.Errorf("repository %s: %w: %w", s.config.URL, sources.ErrUnreachable, err)
	}
	return ref.Hash(), st, nil
}

func branches(repo *gogit.Repository) []string {
	var names []string
	if refs, err := repo.Branches(); err == nil {
		refs.ForEach(func(r *plumbing.Reference) error {
			names = append(names, r.Name().Short())
			return nil
		})
	}
	slices.Sort(names)
	return names
}

// openError sorts the errors of opening a repository.
func openError(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, gogit.ErrRepositoryNotExists):
		return &sources.GoneError{Repository: name}
	case errors.Is(err, gogit.ErrUnknownExtension), errors.Is(err, gogit.ErrUnsupportedExtensionRepositoryFormatVersion),
		errors.Is(err, gogit.ErrUnsupportedRepositoryFormatVersion):
		return fmt.Errorf("repository %s: %w: %w; only SHA-1 objects and plain refs can be read (git init --object-format=sha1)",
			name, sources.ErrUnsupported, err)
	}
	return fmt.Errorf("repository %s: %w: %w", name, sources.ErrUnreachable, err)
}
