package exec

import (
	"os"
	"path/filepath"
	"testing"
)

// TestWhatIsBeingWrittenHasNoName: who is killed while a file is written leaves nothing beside it.
func TestWhatIsBeingWrittenHasNoName(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "file")
	for n, text := range []string{"one", "two"} {
		file, named, err := spare(dir)
		if err == nil {
			_, err = file.WriteString(text)
		}
		if entries, _ := os.ReadDir(dir); err != nil || named || len(entries) != n {
			t.Fatalf("while it is written %v are there (named %t, %v)", entries, named, err)
		}
		err = name(file, path)
		file.Close()
		if got, _ := os.ReadFile(path); err != nil || string(got) != text {
			t.Fatalf("it holds %q (%v)", got, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 1 {
			t.Errorf("then %v are there", entries)
		}
	}
}
