// Package sealed is the form of secrets in a repository: age files (age-encryption.org/v1) for X25519 keys. It encrypts for
// hosts, tells for whom a file is encrypted, and opens a file with a host's identity. It reads no files, and knows nothing of
// topologies and hosts: package actuators asks it when objects are resolved, reconcile/exec opens secrets on hosts, and
// cmd/plumb makes them.
//
// An age file does not tell for whom it is. Files made here hold one more stanza, "-> plumbline.internal/for TAG…", with a
// fingerprint of each recipient; age programs pass over stanzas that they do not know. So a file that was encrypted for the
// wrong host is found when the commit is validated. Files made by age itself have none, and are judged on the host.
package sealed

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// Bounds, in bytes. A secret is a password or a key, written by people and read at each use.
const (
	MostValue = 64 << 10
	MostFile  = 128 << 10
)

// ErrOther is the error of Open when a file is encrypted for other keys.
var ErrOther = errors.New("it is encrypted for other keys")

const forStanza = "plumbline.internal/for"

// File is an age file that can be read.
type File struct {
	data       []byte   // binary
	For        []string // fingerprints of recipients; none if the file was made by another program
	Recipients int      // how many keys open it
}

// Read reads an age file, binary or armored (RFC 7468, as age -a writes it). It checks its form, which needs no key.
func Read(data []byte) (*File, error) {
	if len(data) > MostFile {
		return nil, fmt.Errorf("it has more than %d bytes", MostFile)
	}
	if trimmed := bytes.TrimSpace(data); bytes.HasPrefix(trimmed, []byte(armor.Header)) {
		binary, err := io.ReadAll(armor.NewReader(bytes.NewReader(trimmed)))
		if err != nil {
			return nil, fmt.Errorf("its armor is damaged: %w", err)
		}
		data = binary
	}
	header, err := age.ExtractHeader(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("it is no age file: %w", err)
	}
	f := &File{data: data}
	for line := range strings.Lines(string(header)) {
		words := strings.Fields(line)
		switch {
		case len(words) < 2 || words[0] != "->":
		case words[1] == forStanza:
			f.For = append(f.For, words[2:]...)
		default:
			f.Recipients++
		}
	}
	return f, nil
}

// Text is the file in one line, for specs and params; Parse reads it.
func (f *File) Text() string { return base64.RawStdEncoding.EncodeToString(f.data) }

// Parse reads what Text gave.
func Parse(text string) (*File, error) {
	data, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("it is no age file: %w", err)
	}
	return Read(data)
}

// Opens tells whether the owner of a public key can open the file; known is false if the file does not tell.
func (f *File) Opens(recipient string) (opens, known bool) {
	return slices.Contains(f.For, fingerprint(recipient)), len(f.For) > 0
}

// Open gives the value, with an identity file as age-keygen and Identity make it. The error is ErrOther when the file is for others.
func (f *File) Open(identity []byte) ([]byte, error) {
	keys, err := age.ParseIdentities(bytes.NewReader(identity))
	if err != nil {
		return nil, errors.New("the identity is no file of age keys") // the cause shows a line of it
	}
	plain, err := age.Decrypt(bytes.NewReader(f.data), keys...)
	var other *age.NoIdentityMatchError
	if errors.As(err, &other) {
		return nil, ErrOther
	}
	if err != nil {
		return nil, fmt.Errorf("it is damaged: %w", err)
	}
	value, err := io.ReadAll(io.LimitReader(plain, MostValue+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("it is damaged: %w", err)
	case len(value) > MostValue:
		return nil, fmt.Errorf("its value has more than %d bytes", MostValue)
	}
	return value, nil
}

// Encrypt makes an armored file of a value for public keys ("age1…").
func Encrypt(value []byte, recipients []string) ([]byte, error) {
	switch {
	case len(value) == 0:
		return nil, errors.New("the value is empty")
	case len(value) > MostValue:
		return nil, fmt.Errorf("the value has more than %d bytes", MostValue)
	case len(recipients) == 0:
		return nil, errors.New("nobody is named who may read it")
	}
	keys := []age.Recipient{}
	for _, text := range slices.Compact(slices.Sorted(slices.Values(recipients))) {
		key, err := age.ParseX25519Recipient(text)
		if err != nil {
			return nil, fmt.Errorf("%q is no public key of age", text)
		}
		keys = append(keys, tagged{key})
	}
	var out bytes.Buffer
	armored := armor.NewWriter(&out)
	plain, err := age.Encrypt(armored, keys...)
	if err != nil {
		return nil, err
	}
	for _, step := range []func() error{func() error { _, err := plain.Write(value); return err }, plain.Close, armored.Close} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

// tagged is a recipient that leaves its fingerprint.
type tagged struct{ *age.X25519Recipient }

// Wrap implements age.Recipient.
func (t tagged) Wrap(fileKey []byte) ([]*age.Stanza, error) {
	stanzas, err := t.X25519Recipient.Wrap(fileKey)
	return append(stanzas, &age.Stanza{Type: forStanza, Args: []string{fingerprint(t.String())}}), err
}

// fingerprint is 72 bits of the hash of a public key.
func fingerprint(recipient string) string {
	sum := sha256.Sum256([]byte(recipient))
	return base64.RawURLEncoding.EncodeToString(sum[:9])
}

// NewIdentity makes an identity file.
func NewIdentity() ([]byte, error) {
	key, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return []byte("# public key: " + key.Recipient().String() + "\n" + key.String() + "\n"), nil
}

// Recipient is the public key of an identity file. It shows nothing of the secret one, also in errors.
func Recipient(identity []byte) (string, error) {
	keys, err := age.ParseIdentities(bytes.NewReader(identity))
	if err != nil {
		return "", errors.New("it is no file of age keys")
	}
	if key, ok := keys[0].(*age.X25519Identity); ok {
		return key.Recipient().String(), nil
	}
	return "", errors.New("its first key is not an X25519 key (AGE-SECRET-KEY-1…)")
}
