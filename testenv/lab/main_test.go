package lab_test

import (
	"context"
	"os"
	"testing"
	"time"

	"plumbline/testenv/lab"
)

func TestMain(m *testing.M) {
	lab.Main()
	starterMain()
	os.Exit(m.Run())
}

// eventually waits until the condition holds.
func eventually(t *testing.T, what string, limit time.Duration, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

// on runs a program on a host and returns its output; a failure ends the test.
func on(t *testing.T, l *lab.Lab, host string, argv ...string) string {
	t.Helper()
	out, err := try(l, host, argv...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func try(l *lab.Lab, host string, argv ...string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	return l.Exec(ctx, host, argv...)
}
