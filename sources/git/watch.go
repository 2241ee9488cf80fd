package git

import (
	"os"
	"path/filepath"
	"strings"
)

// watched lists the directories whose events can mean a new head. Refs change by
// a lock that is renamed, so directories are watched, not files:
//
//	PARENT              the repository is moved away or comes back
//	GITDIR              packed-refs, HEAD; refs removed and made anew
//	COMMON/refs/heads/… each directory on the way to the branch's own file
//
// Where one is missing, the nearest directory above it is in the list, which
// sees it come. Linked work trees keep their refs in the common directory.
func (s *Source) watched() []string {
	dir, common := gitDirs(s.local)
	leaf := filepath.Dir(filepath.Join(common, filepath.FromSlash(s.branch.String())))
	list := existing(s.local, filepath.Dir(s.local))
	list = append(list, existing(dir, dir)...)
	list = append(list, existing(leaf, common)...)
	return unique(list)
}

// existing lists the directories from end up to top that exist; if none does,
// the nearest one above.
func existing(end, top string) []string {
	var list []string
	for at, above := end, false; ; at = filepath.Dir(at) {
		if info, err := os.Stat(at); err == nil && info.IsDir() {
			list = append(list, at)
		}
		above = above || at == top
		if above && len(list) > 0 || at == filepath.Dir(at) {
			return list
		}
	}
}

// matters drops the events of locks, logs, objects and other files beside refs.
func (s *Source) matters(path string) bool {
	if strings.HasSuffix(path, ".lock") {
		return false
	}
	dir, common := gitDirs(s.local)
	refs := filepath.Join(common, "refs")
	switch path {
	case filepath.Join(common, "packed-refs"), filepath.Join(dir, "HEAD"), refs:
		return true
	}
	return inside(path, refs) || inside(s.local, path) || inside(dir, path) || inside(common, path)
}

// inside tells whether path is dir or below it.
func inside(path, dir string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator))
}

// gitDirs finds the git directory of a repository and the one that holds its
// refs; see gitrepository-layout(5), .git files and commondir. What cannot be
// read is taken for the plain case: polling still looks.
func gitDirs(repo string) (dir, common string) {
	dir = repo
	dotGit := filepath.Join(repo, ".git")
	if info, err := os.Stat(dotGit); err == nil {
		dir = dotGit
		if !info.IsDir() {
			dir = pointed(dotGit, "gitdir: ", repo)
		}
	}
	return dir, pointed(filepath.Join(dir, "commondir"), "", dir)
}

// pointed reads a file that holds one path, relative to base; without it, base.
func pointed(file, prefix, base string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return base
	}
	to := strings.TrimSpace(strings.TrimPrefix(string(data), prefix))
	if !filepath.IsAbs(to) {
		to = filepath.Join(base, to)
	}
	return filepath.Clean(to)
}

func unique(list []string) []string {
	seen := map[string]bool{}
	out := list[:0]
	for _, p := range list {
		if !seen[p] {
			seen[p] = true
			out = append(out, p)
		}
	}
	return out
}
