package schema

import (
	"fmt"
	"slices"
)

// Nearest is the candidate with the smallest edit distance to a word, or "" if none is near enough to be a slip: a
// third of the word, at least one letter, or all its letters in another order.
func Nearest(word string, candidates []string) string {
	best, limit := "", max(1, len(word)/3)+1
	for _, candidate := range candidates {
		if word == candidate+"s" || word == candidate+"es" {
			return candidate // a plural
		}
		if candidate == word || abs(len(candidate)-len(word)) >= limit {
			continue
		}
		d := distance(word, candidate)
		if len(word) > 2 && d > 1 && sameLetters(word, candidate) {
			d = 1
		}
		if d < limit {
			best, limit = candidate, d
		}
	}
	return best
}

func sameLetters(a, b string) bool {
	return slices.Equal(slices.Sorted(slices.Values([]byte(a))), slices.Sorted(slices.Values([]byte(b))))
}

// didYouMean is a remedy: the nearest candidate, or another piece of advice.
func didYouMean(word string, candidates []string, otherwise string) string {
	if near := Nearest(word, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	return otherwise
}

// distance counts the letters to insert, delete, replace or swap with their neighbour (optimal string alignment).
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

func abs(n int) int { return max(n, -n) }
