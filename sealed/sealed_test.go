package sealed_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"filippo.io/age"

	"plumbline/sealed"
)

func identity(t *testing.T) (file []byte, recipient string) {
	t.Helper()
	file, err := sealed.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if recipient, err = sealed.Recipient(file); err != nil {
		t.Fatal(err)
	}
	return file, recipient
}

func TestOnlyNamedHostsOpenAFile(t *testing.T) {
	ns1, pub1 := identity(t)
	ns2, pub2 := identity(t)
	other, pub3 := identity(t)
	data, err := sealed.Encrypt([]byte("value\n"), []string{pub1, pub2, pub1})
	if err != nil {
		t.Fatal(err)
	}
	f, err := sealed.Read(append([]byte("\n"), data...))
	if err != nil || f.Recipients != 2 || len(f.For) != 2 {
		t.Fatalf("%+v, %v", f, err)
	}
	if f, err = sealed.Parse(f.Text()); err != nil {
		t.Fatal(err)
	}
	for _, key := range [][]byte{ns1, ns2} {
		if value, err := f.Open(key); err != nil || string(value) != "value\n" {
			t.Errorf("opened %q, %v", value, err)
		}
	}
	if _, err := f.Open(other); !errors.Is(err, sealed.ErrOther) {
		t.Errorf("another host: %v", err)
	}
	for pub, want := range map[string]bool{pub1: true, pub2: true, pub3: false} {
		if opens, known := f.Opens(pub); opens != want || !known {
			t.Errorf("%s opens: %t, %t", pub, opens, known)
		}
	}
}

// What age itself makes has no fingerprints, and what is made here is read by age itself.
func TestAgeReadsOursAndWeReadAges(t *testing.T) {
	file, pub := identity(t)
	keys, err := age.ParseIdentities(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var theirs bytes.Buffer
	w, err := age.Encrypt(&theirs, keys[0].(*age.X25519Identity).Recipient())
	if err != nil {
		t.Fatal(err)
	}
	w.Write([]byte("v"))
	w.Close()
	f, err := sealed.Read(theirs.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if _, known := f.Opens(pub); known || f.Recipients != 1 {
		t.Errorf("a file of age: %+v", f)
	}
	if value, err := f.Open(file); err != nil || string(value) != "v" {
		t.Errorf("opened %q, %v", value, err)
	}
}

// No error shows a value or a key.
func TestErrorsShowNoSecrets(t *testing.T) {
	file, pub := identity(t)
	secret := strings.Fields(string(file))[4]
	if !strings.HasPrefix(secret, "AGE-SECRET-KEY-1") {
		t.Fatalf("the test looks for %q", secret)
	}
	data, err := sealed.Encrypt([]byte("canary"), []string{pub})
	if err != nil {
		t.Fatal(err)
	}
	f, _ := sealed.Read(data)
	_, broken := f.Open([]byte(secret[:40] + "\n"))
	_, empty := sealed.Encrypt(nil, []string{pub})
	_, nobody := sealed.Encrypt([]byte("canary"), nil)
	_, large := sealed.Encrypt(bytes.Repeat([]byte("canary"), sealed.MostValue), []string{pub})
	_, key := sealed.Encrypt([]byte("canary"), []string{"age1x"})
	_, bad := sealed.Recipient([]byte(secret[:40]))
	for _, err := range []error{broken, empty, nobody, large, key, bad} {
		if err == nil || strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "SECRET-KEY") {
			t.Errorf("error %v", err)
		}
	}
}

// Whatever stands in secrets/NAME.age: no panic, and what can be read comes through the form that travels.
func FuzzRead(f *testing.F) {
	for _, value := range []string{"v", strings.Repeat("x", 5000)} {
		identity, _ := sealed.NewIdentity()
		pub, _ := sealed.Recipient(identity)
		data, err := sealed.Encrypt([]byte(value), []string{pub})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("age-encryption.org/v1\n-> X25519 x\n\n--- x\n"))
	key, err := sealed.NewIdentity()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := sealed.Read(data)
		if err != nil {
			return
		}
		again, err := sealed.Parse(file.Text())
		if err != nil || again.Text() != file.Text() || again.Recipients != file.Recipients {
			t.Errorf("read %+v, then %+v, %v", file, again, err)
		}
		file.Open(key)
		file.Opens("age1x")
	})
}
