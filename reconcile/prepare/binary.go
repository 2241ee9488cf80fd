package prepare

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"sync"
)

// Binary is a plumb that is copied to hosts.
type Binary struct {
	Path    string
	Version string // as people are told
	Sum     string // SHA-256, hex
	Bytes   int64
	Machine elf.Machine
}

// Self is the binary that runs. It is read once.
func Self(version string) (*Binary, error) { return self(version) }

var self = func() func(string) (*Binary, error) {
	var once sync.Once
	var binary *Binary
	var err error
	return func(version string) (*Binary, error) {
		once.Do(func() { binary, err = Open("/proc/self/exe", version) })
		return binary, err
	}
}()

// Open reads a binary.
func Open(path, version string) (*Binary, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the binary: %w", err)
	}
	defer file.Close()
	program, err := elf.NewFile(file)
	if err != nil {
		return nil, fmt.Errorf("cannot read %s as a program: %w", path, err)
	}
	sum := sha256.New()
	size, err := io.Copy(sum, io.NewSectionReader(file, 0, 1<<40))
	if err != nil {
		return nil, fmt.Errorf("cannot read the binary: %w", err)
	}
	return &Binary{Path: path, Version: version, Sum: hex.EncodeToString(sum.Sum(nil)), Bytes: size, Machine: program.Machine}, nil
}

func (b *Binary) size() string { return fmt.Sprintf("%.1f MB", float64(b.Bytes)/1e6) }

// machine is the architecture as uname -m says it.
func (b *Binary) machine() string {
	switch b.Machine {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_AARCH64:
		return "aarch64"
	}
	return b.Machine.String()
}
