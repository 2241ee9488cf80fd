// Package need says what a test needs of the machine it runs on. It is the only
// place of the project that skips a test: what is missing skips with one
// uniform line, and fails instead under PLUMB_TEST=require, which CI sets.
// Tests and testenv may import it, nothing else.
package need

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// T is the part of testing.TB that this package uses.
type T interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
}

// Root asks for the right to make namespaces and mounts.
func Root(t T) {
	t.Helper()
	if os.Geteuid() != 0 {
		missing(t, "root")
	}
}

// Program asks for programs in PATH (or in the sbin directories, which the PATH
// of an ordinary user lacks).
func Program(t T, names ...string) {
	t.Helper()
	for _, name := range names {
		if !program(name) {
			missing(t, "program "+name)
		}
	}
}

// Package asks for installed Debian packages.
func Package(t T, names ...string) {
	t.Helper()
	for _, name := range names {
		if !Installed(name) {
			missing(t, "package "+name)
		}
	}
}

// Hardware asks for something that no installation brings, such as /dev/kvm. It is the only
// need that may skip under PLUMB_TEST=require too.
func Hardware(t T, path string) {
	t.Helper()
	if _, err := os.Stat(path); err != nil {
		t.Skip("need: hardware " + path)
	}
}

// Installed reports whether dpkg calls the package fully installed.
func Installed(name string) bool {
	out, err := exec.Command("dpkg-query", "-W", "-f", "${Status}", name).Output()
	return err == nil && strings.TrimSpace(string(out)) == "install ok installed"
}

func program(name string) bool {
	if _, err := exec.LookPath(name); err == nil {
		return true
	}
	for _, dir := range []string{"/usr/local/sbin", "/usr/sbin", "/sbin"} {
		if info, err := os.Stat(dir + "/" + name); err == nil && info.Mode()&0o111 != 0 {
			return true
		}
	}
	return false
}

func missing(t T, what string) {
	t.Helper()
	line := fmt.Sprintf("need: %s", what)
	if os.Getenv("PLUMB_TEST") == "require" {
		t.Fatal(line)
	}
	t.Skip(line)
}
