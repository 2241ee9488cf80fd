package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// clock is a time that tests set.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func open(t *testing.T, state string, c *clock) *Log {
	t.Helper()
	l, err := Open(state, c.now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func write(t *testing.T, l *Log, tag string, texts ...string) {
	t.Helper()
	var all []Record
	for _, text := range texts {
		all = append(all, Record{Type: Order, Text: text, Before: json.RawMessage(`{"a":"` + strings.Repeat("x", 20) + `"}`)})
	}
	if err := l.Append(tag, all...); err != nil {
		t.Fatal(err)
	}
}

// told is the trail as words, and its faults.
func told(t *testing.T, state string) (texts string, trail *Trail) {
	t.Helper()
	var all []string
	trail, err := Read(state, func(r Record) error {
		all = append(all, fmt.Sprintf("%d:%s", r.Seq, r.Text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " "), trail
}

func nov() *clock { return &clock{time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)} }

func TestTheTrailOutlivesRestartsAndMonths(t *testing.T) {
	state, c := t.TempDir(), nov()
	l := open(t, state, c)
	if !l.Begun() {
		t.Error("a new trail is not new")
	}
	write(t, l, "p1", "a", "b")
	l.Close()
	if err := l.Append("", Record{}); err == nil {
		t.Error("a closed trail is written")
	}
	l = open(t, state, c)
	if l.Begun() || !l.Knows("p1") || l.Knows("p2") {
		t.Error("the trail does not know what is in it")
	}
	c.at = c.at.AddDate(0, 1, 0)
	write(t, l, "p2", "c")
	write(t, l, "", "d")
	texts, trail := told(t, state)
	if want := "1:a 2:b 3:c 4:d"; texts != want || len(trail.Faults) > 0 || trail.Segments != 2 {
		t.Errorf("%s %+v", texts, trail)
	}
	names, _ := segments(state)
	if got := strings.Join(names, " "); got != "2026-11.log.gz 2026-12.log" {
		t.Errorf("segments %s", got)
	}
	l.Close()
	if l = open(t, state, c); !l.Knows("p1") {
		t.Error("a plan of the month before is unknown, and would be written again")
	}
}

// However much of the last line is there: it is cut off, said, and the rest stands.
func TestATornEndIsCutOffAndSaid(t *testing.T) {
	state, c := t.TempDir(), nov()
	l := open(t, state, c)
	write(t, l, "p1", "a")
	path := l.file.Name()
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, l, "p2", "b", "c")
	l.Close()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for n := len(before) + 1; n < len(whole); n += 7 {
		if err := errors.Join(os.WriteFile(path, whole[:n], 0o600), os.WriteFile(filepath.Join(state, "audit.json"), []byte(`{"seq":1}`), 0o600)); err != nil {
			t.Fatal(err)
		}
		l := open(t, state, c)
		texts, trail := told(t, state)
		if !strings.HasPrefix(texts, "1:a 2:") || !strings.Contains(texts, "cut off") || len(trail.Faults) > 0 || l.Knows("p2") {
			t.Errorf("%d bytes: %s %q", n, texts, trail.Faults)
		}
		l.Close()
	}
}

func TestTamperingIsSeen(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(lines []string) []string
		want  string
	}{
		"a word":         {func(l []string) []string { l[2] = strings.Replace(l[2], `"b"`, `"x"`, 1); return l }, "2026-11.log:3: it is not chained"},
		"a line is gone": {func(l []string) []string { return append(l[:2], l[3:]...) }, "2026-11.log:3: it is not chained"},
		"two are turned": {func(l []string) []string { l[1], l[2] = l[2], l[1]; return l }, "it is not chained"},
		"the end":        {func(l []string) []string { return append(l[:3], "") }, "the trail ends with record 2 and had 4: its end is lost"},
		"all":            {func([]string) []string { return nil }, "the trail ends with record 0 and had 4"},
	} {
		t.Run(name, func(t *testing.T) {
			state, at := t.TempDir(), nov()
			l := open(t, state, at)
			for _, text := range []string{"a", "b", "c", "d"} {
				write(t, l, "", text)
			}
			path := l.file.Name()
			l.Close()
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(strings.Join(c.spoil(strings.Split(string(data), "\n")), "\n")), 0o600); err != nil {
				t.Fatal(err)
			}
			_, trail := told(t, state)
			if !strings.Contains(strings.Join(trail.Faults, "\n"), c.want) {
				t.Errorf("faults %q, want %q", trail.Faults, c.want)
			}
			l = open(t, state, at) // it does not stop anybody, and is noted once
			write(t, l, "", "e")
			l.Close()
			once, _ := told(t, state)
			open(t, state, at).Close()
			if texts, _ := told(t, state); !strings.Contains(texts, c.want) || !strings.HasSuffix(texts, ":e") || texts != once {
				t.Errorf("the trail says %s\nand said %s", texts, once)
			}
		})
	}
}

func TestALostMonthIsSaid(t *testing.T) {
	state, c := t.TempDir(), nov()
	l := open(t, state, c)
	for range 3 {
		write(t, l, "", "a")
		c.at = c.at.AddDate(0, 1, 0)
	}
	l.Close()
	if err := os.Remove(filepath.Join(folder(state), "2026-12.log.gz")); err != nil {
		t.Fatal(err)
	}
	texts, trail := told(t, state)
	if want := "2027-01.log: it follows 2026-12 up to record 2, and the trail before it ends with record 1"; texts != "1:a 3:a" || len(trail.Faults) != 1 || !strings.Contains(strings.Replace(trail.Faults[0], ":1:", ":", 1), want) {
		t.Errorf("%s %q", texts, trail.Faults)
	}
}

// A segment of this format, as the first plumb that wrote one did.
func TestAnOldSegmentIsRead(t *testing.T) {
	const file = "testdata/audit/2026-11.log"
	if os.Getenv("UPDATE") != "" {
		state := t.TempDir()
		l := open(t, state, nov())
		write(t, l, "", "one")
		write(t, l, "20261123T070000.000000000Z-c1", "two", "three")
		data, err := os.ReadFile(l.file.Name())
		if err == nil {
			err = errors.Join(os.MkdirAll(filepath.Dir(file), 0o755), os.WriteFile(file, data, 0o644))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	texts, trail := told(t, "testdata")
	if texts != "1:one 2:two 3:three" || len(trail.Faults) > 0 {
		t.Errorf("%s %q", texts, trail.Faults)
	}
	newer := filepath.Join(t.TempDir(), "audit")
	data, err := os.ReadFile(file)
	if err == nil {
		err = errors.Join(os.Mkdir(newer, 0o755), os.WriteFile(filepath.Join(newer, "2026-11.log"), bytes.Replace(data, []byte(`"1.0"`), []byte(`"2.0"`), 1), 0o644))
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Read(filepath.Dir(newer), nil); err == nil || !strings.Contains(err.Error(), "it has the format 2.0") {
		t.Errorf("a newer format: %v", err)
	}
}
