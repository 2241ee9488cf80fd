package who

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Run runs a program of the host and gives what it printed.
type Run func(ctx context.Context, argv ...string) ([]byte, error)

// readFor is how long reading may take, whatever is asked.
const readFor = time.Second

// Read gathers what the host's own records say of a time. A source that is absent, unreadable or unknown says nothing. It reads no
// more than a few MiB, and never waits longer than a second. Root is "/" but in tests.
func Read(ctx context.Context, root string, run Run, q Query) []Trace {
	ctx, cancel := context.WithTimeout(ctx, readFor)
	defer cancel()
	q.Names = q.Names[:min(len(q.Names), MostNames)]
	people := names(tail(filepath.Join(root, "etc/passwd"), 1<<20))
	var all []Trace
	for _, source := range []func() []Trace{
		func() []Trace {
			return audit(tail(filepath.Join(root, "var/log/audit/audit.log"), 2<<20), q, people, own(filepath.Join(root, "proc/self/sessionid")))
		},
		func() []Trace { return machines(root, q) },
		func() []Trace {
			return clients(tail(filepath.Join(root, "var/log/libvirt/libvirtd.log"), 1<<20), people)
		},
		func() []Trace { return sudoLog(tail(filepath.Join(root, "var/log/auth.log"), 1<<20), q) },
		func() []Trace { return journal(ctx, root, run, q) },
		func() []Trace {
			return sessions(tail(filepath.Join(root, "var/log/wtmp"), 1000*utmpSize), tail(filepath.Join(root, "run/utmp"), 1000*utmpSize))
		},
	} {
		if ctx.Err() != nil {
			break
		}
		for _, t := range source() {
			if t.fits(Change{Since: q.Since, Until: q.Until}) {
				all = append(all, t)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Trace) int { return a.At.Compare(b.At) })
	return all[max(0, len(all)-MostTraces):]
}

// tail is the end of a regular file; nil when there is none that may be read.
func tail(path string, most int64) []byte {
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0) // a pipe is not waited for
	if err != nil {
		return nil
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	if _, err := f.Seek(max(0, info.Size()-most), io.SeekStart); err != nil {
		return nil
	}
	data, _ := io.ReadAll(io.LimitReader(f, most))
	return data
}

// own is the session of this process, whose looks are nobody's doing; "" where it has none.
func own(path string) string {
	data, err := os.ReadFile(path)
	if id := strings.TrimSpace(string(data)); err == nil && id != nobody {
		return id
	}
	return ""
}

// names are those of users by number.
func names(passwd []byte) map[string]string {
	out := map[string]string{}
	for line := range strings.Lines(string(passwd)) {
		if f := strings.Split(line, ":"); len(f) > 2 {
			if _, twice := out[f[2]]; !twice {
				out[f[2]] = f[0]
			}
		}
	}
	return out
}

func person(people map[string]string, uid string) string {
	if name := people[uid]; name != "" {
		return name
	}
	return "uid " + uid
}

// said are the names of the query that a list of words holds: as they are, or as the name of a file.
func said(q Query, words []string) (out []string) {
	for _, name := range q.Names {
		if slices.ContainsFunc(words, func(word string) bool { return word == name || fileName(word) == name }) {
			out = append(out, name)
		}
	}
	return out
}

// fileName is the last part of a path without its ending; "" of what is no path.
func fileName(word string) string {
	if !strings.Contains(word, "/") {
		return ""
	}
	base := filepath.Base(word)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return 0
	}
	return n
}
