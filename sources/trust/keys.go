package trust

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/ProtonMail/go-crypto/openpgp"
	"golang.org/x/crypto/ssh"

	"plumbline/sources"
)

// keys are all that count for a commit.
type keys struct {
	signers []signer
	ring    openpgp.EntityList
	revoked map[string]bool // marshaled SSH public keys
}

// mostList bounds a list of keys, in bytes.
const mostList = 1 << 20

type reader func(path string) ([]byte, error)

// readMachine reads a file of the controller's machine. Who else could write it could sign as anybody.
func readMachine(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%s can be written by others than its owner; chmod go-w it", path)
	}
	return os.ReadFile(path)
}

// readTree reads from a commit; one that is not there holds no keys.
func readTree(tree fs.FS, commit string) reader {
	return func(path string) ([]byte, error) {
		data, err := fs.ReadFile(tree, path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is not in commit %.10s: %w", path, commit, err)
		}
		return data, err
	}
}

func (k *keys) read(files Files, read reader) error {
	for _, list := range []struct {
		path string
		take func([]byte) error
	}{{files.Signers, k.addSigners}, {files.Keyring, k.addRing}, {files.Revoked, k.addRevoked}} {
		if list.path == "" {
			continue
		}
		data, err := read(list.path)
		if err == nil && len(data) > mostList {
			err = fmt.Errorf("it has %d bytes; at most %d are read", len(data), mostList)
		}
		if err == nil {
			err = list.take(data)
		}
		if err != nil {
			return fmt.Errorf("cannot read the keys in %s: %w", list.path, err)
		}
	}
	return nil
}

func (k *keys) addSigners(data []byte) error {
	signers, err := parseSigners(string(data))
	k.signers = append(k.signers, signers...)
	return err
}

func (k *keys) addRing(data []byte) error {
	ring, err := openpgp.ReadArmoredKeyRing(bytes.NewReader(data))
	k.ring = append(k.ring, ring...)
	return err
}

func (k *keys) addRevoked(data []byte) error {
	if k.revoked == nil {
		k.revoked = map[string]bool{}
	}
	for n, line := range strings.Split(string(data), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return fmt.Errorf("line %d is no SSH public key: %w", n+1, err)
		}
		k.revoked[string(key.Marshal())] = true
	}
	return nil
}

// verify tells who signed a commit, or why that does not count.
func (k *keys) verify(c *sources.Signed, now time.Time) (Signer, *refusal) {
	switch {
	case c.Signature == "":
		return Signer{}, refuse(Unsigned, "is not signed")
	case strings.HasPrefix(c.Signature, "-----BEGIN SSH SIGNATURE-----"):
		return k.verifySSH(c, now)
	case strings.HasPrefix(c.Signature, "-----BEGIN PGP SIGNATURE-----"):
		return k.verifyPGP(c, now)
	}
	return Signer{}, refuse(Bad, "has a signature that is neither of SSH nor of OpenPGP")
}
