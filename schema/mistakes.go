package schema

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxProblems is how many mistakes of a topology are told; the others are counted.
const maxProblems = 50

// TooMany is Problems of which only the first are told.
type TooMany struct {
	First Problems
	More  int // how many others there are
}

// Error is one line per problem that is told, and one for the others.
func (t *TooMany) Error() string { return fmt.Sprintf("%s\n… and %d more", t.First, t.More) }

// Unwrap makes it the Problems that are told.
func (t *TooMany) Unwrap() error { return t.First }

// Told takes mistakes of a topology out of an error: the first, and how many others there are.
func Told(err error) (first Problems, more int, ok bool) {
	if many := (*TooMany)(nil); errors.As(err, &many) {
		more = many.More
	}
	return first, more, errors.As(err, &first)
}

func tooMany(first Problems, more int) error {
	if more == 0 {
		return first
	}
	return &TooMany{First: first, More: more}
}

// mistakes keeps the first of many problems, and a count, in bounded memory.
type mistakes struct {
	kept Problems
	more int
}

func (m *mistakes) add(problems ...Problem) {
	m.kept = append(m.kept, problems...)
	if len(m.kept) >= 4*maxProblems {
		m.cut()
	}
}

func (m *mistakes) cut() {
	m.kept = m.kept.Sort()
	if extra := len(m.kept) - maxProblems; extra > 0 {
		m.kept, m.more = slices.Clone(m.kept[:maxProblems]), m.more+extra
	}
}

// told is the first ones, sorted, and how many others there are.
func (m *mistakes) told() ([]Problem, int) {
	m.cut()
	return m.kept, m.more
}

// finding is a problem whose positions may still have to be looked up.
type finding struct {
	Problem
	also   []Field        // the other ends, without Dir
	finish func(*Problem) // nil, or what takes long to say
	at     Pos            // of the problem, or else of its object: what decides which ones are told
}

// findings keeps the first of many findings, and a count, in bounded memory.
type findings struct {
	kept []finding
	more int
}

func (f *findings) any() bool { return len(f.kept) > 0 }

func (f *findings) add(one finding) {
	f.kept = append(f.kept, one)
	if len(f.kept) >= 4*maxProblems {
		f.first()
	}
}

// first drops repetitions and all but the first ones.
func (f *findings) first() []finding {
	slices.SortStableFunc(f.kept, compareFindings)
	f.kept = slices.CompactFunc(f.kept, func(a, b finding) bool { return compareFindings(a, b) == 0 })
	if extra := len(f.kept) - maxProblems; extra > 0 {
		f.kept, f.more = slices.Clone(f.kept[:maxProblems]), f.more+extra
	}
	return f.kept
}

func compareFindings(a, b finding) int {
	return cmp.Or(a.at.Compare(b.at), strings.Compare(string(a.Object), string(b.Object)), strings.Compare(a.Path, b.Path), strings.Compare(a.Text, b.Text))
}
