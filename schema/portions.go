package schema

import "iter"

// portions cuts directories into runs of at most so many bytes, but for a single larger one. A directory counts at least a
// kilobyte, so that a run of many small ones is bounded, too.
func portions(dirs []string, size func(dir string) int, most int) iter.Seq[[]string] {
	return func(yield func([]string) bool) {
		from, bytes := 0, 0
		for i, dir := range dirs {
			n := max(size(dir), 1<<10)
			if i > from && bytes+n > most {
				if !yield(dirs[from:i]) {
					return
				}
				from, bytes = i, 0
			}
			bytes += n
		}
		if from < len(dirs) {
			yield(dirs[from:])
		}
	}
}
