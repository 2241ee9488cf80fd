package need

import (
	"fmt"
	"testing"
)

// outcome stands in for a test and keeps what became of it.
type outcome struct{ verdict string }

func (o *outcome) Helper()           {}
func (o *outcome) Skip(args ...any)  { o.verdict = "skip " + fmt.Sprint(args...); panic(o) }
func (o *outcome) Fatal(args ...any) { o.verdict = "fail " + fmt.Sprint(args...); panic(o) }

func verdict(ask func(T)) (v string) {
	o := &outcome{verdict: "run"}
	defer func() {
		if r := recover(); r != nil && r != any(o) {
			panic(r)
		}
		v = o.verdict
	}()
	ask(o)
	return o.verdict
}

func TestMissingSkipsAndFailsWhenRequired(t *testing.T) {
	program := func(t T) { Program(t, "sh", "no-such-program-of-plumbline") }
	hardware := func(t T) { Hardware(t, "/dev/no-such-device") }
	for _, c := range []struct {
		env  string
		ask  func(T)
		want string
	}{
		{"", program, "skip need: program no-such-program-of-plumbline"},
		{"require", program, "fail need: program no-such-program-of-plumbline"},
		{"require", func(t T) { Package(t, "no-such-package") }, "fail need: package no-such-package"},
		{"require", hardware, "skip need: hardware /dev/no-such-device"},
		{"require", func(t T) { Program(t, "sh") }, "run"},
	} {
		t.Setenv("PLUMB_TEST", c.env)
		if got := verdict(c.ask); got != c.want {
			t.Errorf("PLUMB_TEST=%q: got %q, want %q", c.env, got, c.want)
		}
	}
}
