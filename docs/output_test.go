package docs

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// home is the directory of a person, which stands in the pages for the directory of the test.
const home = "/home/ada/plumbline"

// volatile is what differs from run to run.
var volatile = []struct {
	match *regexp.Regexp
	with  string
}{
	{regexp.MustCompile(`(?m)^… .* \(\d+ s\)\n`), ""}, // progress, on a machine that is slow
	{regexp.MustCompile(`/\S*/plumb-lab/guest-[0-9a-f]+`), "/CACHE"},
	{regexp.MustCompile(`sha256:[0-9a-f]{8,64}`), "sha256:DIGEST"},
	{regexp.MustCompile(`dir:[0-9a-f]{6,64}`), "dir:HASH"},
	{regexp.MustCompile(`\b[0-9a-f]{64}\b|\b[0-9a-f]{40}\b|\b[0-9a-f]{10}\b|\b[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}\b`), "HASH"},
	{regexp.MustCompile(`plumb:[0-9a-f]{8}:(\S+):[0-9a-f]{16}`), "plumb:MARK:$1"},
	{regexp.MustCompile(`\d{8}T\d{6}[.0-9]*Z?`), "TIME"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[0-9.Z]*`), "TIME"},
	{regexp.MustCompile(`\b\d\d:\d\d:\d\d\b`), "TIME"},
	{regexp.MustCompile(` *\b(\d+ ?h ?)?(\d+ ?m(in)? ?)?\d+(\.\d+)? ?s\b`), " N s"},
	{regexp.MustCompile(`an address (came|went)`), "an address MOVED"}, // the event that was told last
	{regexp.MustCompile(`(Pid:|pid |memory=|uptime=)[0-9.]+`), "${1}N"},
	{regexp.MustCompile(`(?m)^(waiting|looking|planning|applying|loading|healing) +for `), "PHASE for "},
	{regexp.MustCompile(`(?m)[ \t]+$`), ""},
}

func normal(text string) string {
	for _, v := range volatile {
		text = v.match.ReplaceAllString(text, v.with)
	}
	return text
}

// matches compares, line by line; a line … of want stands for any number of lines.
func matches(want, got []string) bool {
	switch {
	case len(want) == 0:
		return len(got) == 0
	case strings.TrimSpace(want[0]) == "…":
		return matches(want[1:], got) || len(got) > 0 && matches(want, got[1:])
	}
	return len(got) > 0 && want[0] == got[0] && matches(want[1:], got[1:])
}

func lines(text string) []string { return strings.Split(strings.TrimRight(normal(text), "\n"), "\n") }

// compare holds the text right behind each run block to what was printed. UPDATE=1 writes it anew instead.
func compare(t *testing.T, s *shell, file string) {
	t.Helper()
	all := blocks(t, file)
	page := strings.Split(read(t, file), "\n")
	update := os.Getenv("UPDATE") != ""
	for i := len(all) - 1; i > 0; i-- {
		shown, run := all[i], all[i-1]
		got, ran := s.out[run.line]
		if !shown.is("text") || !ran {
			continue
		}
		got = s.plain(got)
		if matches(lines(shown.text), lines(got)) {
			continue
		}
		if !update || strings.Contains("\n"+shown.text, "\n…\n") {
			t.Errorf("%s shows another output than there is; UPDATE=1 rewrites what has no line …\n--- shown\n%s--- printed\n%s", shown, shown.text, got)
			continue
		}
		end := shown.line + strings.Count(shown.text, "\n")
		page = append(page[:shown.line:shown.line], append([]string{strings.TrimRight(got, "\n")}, page[end:]...)...)
	}
	if update {
		if err := os.WriteFile(file, []byte(strings.Join(page, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// plain puts a person's directories in the place of the test's.
func (s *shell) plain(text string) string {
	pairs := []string{s.dir, home}
	if cache, err := os.UserCacheDir(); err == nil {
		pairs = append(pairs, cache, "/home/ada/.cache")
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func TestComparisonCanFail(t *testing.T) {
	for _, c := range []struct {
		want, got string
		same      bool
	}{
		{"applied: 2a4baded64 (0.1 s)", "applied: 0123456789 (12.3 s)", true},
		{"a\n…\nd", "a\nb\nc\nd", true},
		{"a\n…\nd", "a\nb\nc\ne", false},
		{"a", "a\nb", false},
		{"…", "", true},
		{"mistake", "mistakes", false},
	} {
		if got := matches(lines(c.want), lines(c.got)); got != c.same {
			t.Errorf("%q is like %q: %v, want %v", c.want, c.got, got, c.same)
		}
	}
}
