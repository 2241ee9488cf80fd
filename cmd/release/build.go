package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"plumbline/reconcile/prepare"
)

//go:embed files
var files embed.FS

// builds are settings that a person may have in the environment and that would change the bytes.
var builds = []string{"CGO_ENABLED=0", "GOOS=linux", "GOFLAGS=", "GOAMD64=v1", "GOARM64=v8.0", "GOEXPERIMENT="}

// build makes the static binaries.
func (r *release) build(ctx context.Context) error {
	for _, arch := range r.arches {
		env := append([]string{"GOARCH=" + arch}, builds...)
		err := do(ctx, env, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version="+r.version, "-o", r.binary(arch), "./cmd/plumb")
		if err != nil {
			return err
		}
	}
	return nil
}

// document prepares all that is the same on every architecture: what the binary says of itself, and our files.
func (r *release) document(ctx context.Context) error {
	plumb, err := r.runnable(ctx)
	if err != nil {
		return err
	}
	if err := r.manual(ctx, plumb); err != nil {
		return err
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		script, err := exec.CommandContext(ctx, plumb, "completion", shell).Output()
		if err != nil {
			return fmt.Errorf("completion for %s: %w", shell, err)
		}
		if err := r.put("completion."+shell, script); err != nil {
			return err
		}
	}
	entries, err := files.ReadDir("files")
	if err != nil {
		return err
	}
	for _, entry := range entries {
		data, err := files.ReadFile("files/" + entry.Name())
		if err != nil {
			return err
		}
		if err := r.put(entry.Name(), data); err != nil {
			return err
		}
	}
	if err := r.put(prepare.UnitName, []byte(prepare.Unit("/usr/bin/plumb"))); err != nil {
		return err
	}
	return r.papers()
}

// runnable is a binary of this release that runs here.
func (r *release) runnable(ctx context.Context) (string, error) {
	for _, arch := range r.arches {
		if arch == runtime.GOARCH {
			return filepath.Abs(r.binary(arch))
		}
	}
	path := filepath.Join(r.stage, "plumb")
	return path, do(ctx, append([]string{"GOARCH="}, builds...), "go", "build", "-ldflags", "-X main.version="+r.version, "-o", path, "./cmd/plumb")
}

// manual writes the pages, compressed as distributions have them.
func (r *release) manual(ctx context.Context, plumb string) error {
	dir := filepath.Join(r.stage, "pages")
	if err := do(ctx, nil, plumb, "man", dir); err != nil {
		return err
	}
	pages, err := filepath.Glob(filepath.Join(dir, "*.1"))
	if err != nil || len(pages) == 0 {
		return fmt.Errorf("cannot find the manual in %s (%v)", dir, err)
	}
	for _, page := range pages {
		data, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		if err := r.put("man/"+filepath.Base(page)+".gz", compress(data)); err != nil {
			return err
		}
	}
	return nil
}

// papers are the licence and the changes.
func (r *release) papers() error {
	license, err := os.ReadFile("LICENSE")
	if err != nil {
		return err
	}
	changes, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	if err := r.put("LICENSE", license); err != nil {
		return err
	}
	if err := r.put("changelog.gz", compress(changes)); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(r.out, "CHANGELOG.md"), changes, 0o644)
}

// put prepares one file for the packages.
func (r *release) put(name string, data []byte) error {
	path := filepath.Join(r.stage, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, data, 0o644); err != nil {
		return err
	}
	return os.Chtimes(path, r.time, r.time)
}

// compress is gzip -9n.
func compress(data []byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	z.Write(data)                                           // a buffer takes all
	z.Close()
	return out.Bytes()
}

// sum writes the checksums of all files, as sha256sum(1) checks them.
func (r *release) sum(context.Context) error {
	entries, err := os.ReadDir(r.out)
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(r.out, entry.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%x  %s\n", sha256.Sum256(data), entry.Name())
	}
	return os.WriteFile(filepath.Join(r.out, "SHA256SUMS"), []byte(text.String()), 0o644)
}
