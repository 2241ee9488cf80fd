package exec

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"plumbline/actuators"
	"plumbline/sealed"
)

// Secret opens what the repository holds encrypted, or reads the file of that name. The value is given without its last
// line end, and is never empty.
func (m *machine) Secret(ref actuators.Secret) ([]byte, error) {
	value, err := m.secret(ref)
	if err != nil {
		return nil, fmt.Errorf("cannot read secret %q: %w", ref.Name, err)
	}
	value, _ = bytes.CutSuffix(value, []byte("\n"))
	value, _ = bytes.CutSuffix(value, []byte("\r"))
	if len(value) == 0 {
		return nil, fmt.Errorf("cannot read secret %q: %w: it is empty", ref.Name, actuators.ErrRefused)
	}
	return value, nil
}

// LocalSecret reads a secret of the machine that the controller runs on. name is that of a file in the directory.
func LocalSecret(dir, name string) (string, error) {
	m := &machine{}
	m.dirs.Secrets = dir
	value, err := m.Secret(actuators.Secret{Name: name})
	if errors.Is(err, actuators.ErrNotFound) {
		err = fmt.Errorf("cannot read secret %q: put it into %s with mode 0600", name, filepath.Join(dir, name))
	}
	return string(value), err
}

func (m *machine) secret(ref actuators.Secret) ([]byte, error) {
	if ref.Name == "" || strings.ContainsAny(ref.Name, "/\x00") || strings.HasPrefix(ref.Name, ".") || strings.Contains(ref.Name, "..") {
		return nil, fmt.Errorf("%w: a secret's name holds no \"/\" and no \"..\"", actuators.ErrRefused)
	}
	if ref.Sealed != "" {
		return m.unseal(ref)
	}
	path := filepath.Join(m.dirs.Secrets, ref.Name)
	value, err := readPrivate(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: put it into %s with mode 0600, or encrypt it in the repository: plumb secret encrypt %s --host %s",
			actuators.ErrNotFound, path, ref.Name, m.name)
	}
	return value, err
}

// unseal decrypts with the host's own identity.
func (m *machine) unseal(ref actuators.Secret) ([]byte, error) {
	file, err := sealed.Parse(ref.Sealed)
	if err != nil {
		return nil, fmt.Errorf("%w: secrets/%s.age of the repository: %w", actuators.ErrRefused, ref.Name, err)
	}
	identity, err := readPrivate(m.dirs.Identity)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it is encrypted in the repository, and this host has no %s: run \"plumb secret identity\" here, "+
			"write what it prints as age: of the host, and encrypt it anew", actuators.ErrRefused, m.dirs.Identity)
	}
	if err != nil {
		return nil, err
	}
	value, err := file.Open(identity)
	if errors.Is(err, sealed.ErrOther) {
		return nil, fmt.Errorf("%w: secrets/%s.age of the repository is not encrypted for this host%s: plumb secret encrypt %s --host %s",
			actuators.ErrRefused, ref.Name, whose(identity), ref.Name, m.name)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: secrets/%s.age of the repository: %w", actuators.ErrRefused, ref.Name, err)
	}
	return value, nil
}

func whose(identity []byte) string {
	recipient, err := sealed.Recipient(identity)
	if err != nil {
		return ""
	}
	return ", whose key is " + recipient + " (is that what age: of the host says?)"
}

// readPrivate reads a regular file of at most 64 KiB that nobody but its owner may touch, and whose owner is root or this
// process. Nobody else may write into its directory either.
func readPrivate(path string) ([]byte, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if errors.Is(err, syscall.ELOOP) {
		return nil, fmt.Errorf("%w: %s is a symbolic link; put the file itself there", actuators.ErrRefused, path)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o177 != 0 {
		return nil, fmt.Errorf("%w: %s is %s; it must be a file of mode 0600 or less", actuators.ErrRefused, path, info.Mode())
	}
	if owner, known := stranger(info); known {
		return nil, fmt.Errorf("%w: %s belongs to user %d; it must belong to root", actuators.ErrRefused, path, owner)
	}
	dir, err := os.Stat(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	if _, strange := stranger(dir); strange || dir.Mode().Perm()&0o022 != 0 {
		return nil, fmt.Errorf("%w: others may write into %s (%s): it must belong to root, with mode 0700", actuators.ErrRefused, filepath.Dir(path), dir.Mode())
	}
	data, err := io.ReadAll(io.LimitReader(file, sealed.MostValue+1))
	if err == nil && len(data) > sealed.MostValue {
		return nil, fmt.Errorf("%w: %s has more than %d bytes", actuators.ErrRefused, path, sealed.MostValue)
	}
	return data, err
}

// stranger is the owner, if it is neither root nor this process.
func stranger(info fs.FileInfo) (uint32, bool) {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok || stat.Uid == 0 || int(stat.Uid) == os.Geteuid() {
		return 0, false
	}
	return stat.Uid, true
}
