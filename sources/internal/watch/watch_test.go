package watch_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"plumbline/sources/internal/watch"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run watches with the config and returns the hints and how to end.
func run(t *testing.T, c watch.Config) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	hints, done := make(chan struct{}, 1000), make(chan error)
	go func() { done <- watch.Run(ctx, c, func() { hints <- struct{}{} }) }()
	t.Cleanup(func() { cancel(); <-done })
	await(t, hints)
	return hints
}

func await(t *testing.T, hints <-chan struct{}) {
	t.Helper()
	select {
	case <-hints:
	case <-time.After(20 * time.Second):
		t.Fatal("no hint")
	}
}

// A directory that is removed and made anew may get the same inode: neither path
// nor inode tells, only the kernel dropping its watch does.
func TestDirectoryMadeAnewManyTimes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "d")
	state := func(context.Context) string {
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		return strings.Join(names, " ")
	}
	hints := run(t, watch.Config{
		State: state, Interval: time.Hour,
		Dirs:    func() []string { return []string{filepath.Dir(dir), dir} },
		Matters: func(string) bool { return true },
	})
	for i := range 20 {
		os.RemoveAll(dir)
		for j := range 2 { // the second in a directory that is there already
			if err := os.MkdirAll(filepath.Join(dir, fmt.Sprint(i, "-", j)), 0o755); err != nil {
				t.Fatal(err)
			}
			await(t, hints)
		}
	}
}

func TestEqualStateIsNoHint(t *testing.T) {
	looks, n := make(chan struct{}), 0
	hints := run(t, watch.Config{Interval: time.Millisecond, Jitter: time.Millisecond, State: func(ctx context.Context) string {
		if n++; n > 1 {
			select {
			case looks <- struct{}{}:
			case <-ctx.Done():
			}
		}
		return "same"
	}})
	for range 20 {
		<-looks
	}
	if len(hints) > 0 {
		t.Error("a hint without a change")
	}
}
