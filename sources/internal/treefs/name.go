package treefs

import (
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"

	"plumbline/sources"
)

// checkNames refuses a sorted listing with a name that could be mistaken for
// another, shown as something else, or lead elsewhere.
func checkNames(dir string, list []Entry) error {
	for i, e := range list {
		if why := badName(e.Name); why != "" {
			return fmt.Errorf("%w: %q %s", sources.ErrName, below(dir, e.Name), why)
		}
		if i > 0 && list[i-1].Name == e.Name {
			return fmt.Errorf("%w: %q is there twice", sources.ErrName, below(dir, e.Name))
		}
	}
	return nil
}

// below joins without cleaning, so that odd names are shown as they are.
func below(dir, name string) string {
	if dir == "." {
		return name
	}
	return dir + "/" + name
}

// badName tells what is wrong with one name, or "". Bidirectional controls are
// refused as they make a path read as another one (trojansource.codes).
func badName(name string) string {
	switch {
	case name == "":
		return "is empty"
	case name == "." || name == "..":
		return "leads elsewhere"
	case strings.ContainsAny(name, `/\`):
		return "holds a path separator"
	case !utf8.ValidString(name):
		return "is not UTF-8"
	case strings.ContainsFunc(name, hidden):
		return "holds control characters"
	}
	return ""
}

func hidden(r rune) bool {
	return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || unicode.Is(unicode.Bidi_Control, r)
}

// irregular is the error of reading what is neither file nor directory.
func irregular(at string, mode fs.FileMode) error {
	switch {
	case mode&fs.ModeSymlink != 0:
		return fmt.Errorf("%w: %s is a symbolic link", sources.ErrIrregular, at)
	case mode&fs.ModeIrregular != 0:
		return fmt.Errorf("%w: %s is a submodule", sources.ErrIrregular, at)
	}
	return nil
}
