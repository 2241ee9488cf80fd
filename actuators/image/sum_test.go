package image

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// rested makes a file whose print stands for it.
func rested(t *testing.T, path, text string) *os.File {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	for deadline := time.Now().Add(10 * time.Second); ; {
		if _, rests := files.PrintOf(f); rests {
			return f
		}
		if time.Now().After(deadline) {
			t.Fatal("the file never rests")
		}
	}
}

func TestAnImageThatTakesLongerThanALookIsKnownToALaterOne(t *testing.T) {
	path := filepath.Join(t.TempDir(), "big.img")
	f := rested(t, path, "big")
	reading.turn <- struct{}{} // another image is being read
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := sum(ctx, path); !errors.Is(err, actuators.ErrTransient) || !strings.Contains(err.Error(), "reading goes on") {
		t.Errorf("the first look: %v", err)
	}
	<-reading.turn
	if got, err := sum(t.Context(), path); got != digest("big") || err != nil {
		t.Errorf("the second look: %s, %v", got, err)
	}
	print, _ := files.PrintOf(f)
	if got, ok := known.Recall(print); !ok || got != digest("big") {
		t.Errorf("kept: %s, %v", got, ok)
	}
}

func TestAWrittenImageIsReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "some.img")
	for _, text := range []string{"one", "two", "one"} {
		info, statErr := os.Stat(path)
		rested(t, path, text)
		if statErr == nil {
			if err := os.Chtimes(path, info.ModTime(), info.ModTime()); err != nil { // the time of change cannot be set
				t.Fatal(err)
			}
		}
		if got, err := sum(t.Context(), path); got != digest(text) || err != nil {
			t.Errorf("of %q: %s, %v", text, got, err)
		}
	}
}
