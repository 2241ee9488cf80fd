package exec_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/sealed"
)

// sealedHost is a host with an age key, and the text of a value that is encrypted for it.
func sealedHost(w *world, value string) (h actuators.Host, key, text string) {
	key = filepath.Join(w.TempDir(), "age.key")
	identity, err := sealed.NewIdentity()
	w.must(err)
	w.must(os.Chmod(filepath.Dir(key), 0o700))
	w.must(os.WriteFile(key, identity, 0o600))
	recipient, err := sealed.Recipient(identity)
	w.must(err)
	data, err := sealed.Encrypt([]byte(value), []string{recipient})
	w.must(err)
	file, err := sealed.Read(data)
	w.must(err)
	w.self.Dirs.Identity = key
	return exec.NewMachine("ns1", w.self.Dirs), key, file.Text()
}

func TestSecretsOfTheRepositoryAreOpenedWithTheHostsKey(t *testing.T) {
	w := newWorld(t)
	h, _, text := sealedHost(w, "s3cret\r\n")
	value, err := h.Secret(actuators.Secret{Name: "tsig", Sealed: text})
	if w.must(err); string(value) != "s3cret" {
		t.Errorf("value %q", value)
	}
}

func TestSecretsThatCannotBeOpenedSayWhatToDo(t *testing.T) {
	w := newWorld(t)
	h, key, text := sealedHost(w, "s3cret")
	_, _, others := sealedHost(w, "s3cret")
	_, _, empty := sealedHost(w, "\n")
	read := func(text string) string {
		value, err := h.Secret(actuators.Secret{Name: "tsig", Sealed: text})
		if err == nil || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "SECRET-KEY") {
			t.Fatalf("got %q, %v", value, err)
		}
		return err.Error()
	}
	want := func(what, got string, parts ...string) {
		t.Helper()
		for _, part := range append(parts, `cannot read secret "tsig": `) {
			if !strings.Contains(got, part) {
				t.Errorf("%s: %q lacks %q", what, got, part)
			}
		}
	}
	want("another host's", read(others), "secrets/tsig.age of the repository is not encrypted for this host, whose key is age1", "plumb secret encrypt tsig --host ns1")
	want("cut off", read(text[:len(text)-8]), "is damaged")
	want("no file of age", read("eHh4"), "it is no age file")
	w.must(os.Chmod(key, 0o644))
	want("open to all", read(text), "it must be a file of mode 0600 or less")
	w.must(os.Chmod(key, 0o600))
	w.must(os.Chmod(filepath.Dir(key), 0o777))
	want("in an open directory", read(text), "others may write into")
	w.must(os.Chmod(filepath.Dir(key), 0o700))
	w.must(os.WriteFile(key, []byte("AGE-SECRET-KEY-1NOKEY"), 0o600))
	want("no key", read(text), "the identity is no file of age keys")
	w.must(os.Remove(key))
	want("no identity", read(text), `run "plumb secret identity" here`)
	w.must(os.Symlink("/dev/zero", key))
	want("a link", read(text), "symbolic link")
	h, _, _ = sealedHost(w, "x")
	if _, err := h.Secret(actuators.Secret{Name: "tsig", Sealed: empty}); err == nil {
		t.Error("another host's secret was opened")
	}
}

func TestFilesOfSecretsHaveBounds(t *testing.T) {
	w := newWorld(t)
	h, dir := w.host(), w.self.Dirs.Secrets
	w.must(os.MkdirAll(dir, 0o700))
	for name, value := range map[string]string{"empty": "\n", "large": strings.Repeat("x", sealed.MostValue+1)} {
		w.must(os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600))
		if _, err := h.Secret(actuators.Secret{Name: name}); err == nil || len(err.Error()) > 300 {
			t.Errorf("%s: %v", name, err)
		}
	}
	w.must(os.WriteFile(filepath.Join(dir, "kept"), []byte(" a b \n\n"), 0o600))
	if value, err := h.Secret(actuators.Secret{Name: "kept"}); err != nil || string(value) != " a b \n" {
		t.Errorf("only the last line end is taken off: %q, %v", value, err)
	}
}
