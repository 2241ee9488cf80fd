package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// runAll measures at all sizes and prints the table.
func runAll(ctx context.Context, sizes []int) error {
	dir, err := os.MkdirTemp("", "plumb-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{dir: dir, plumb: filepath.Join(dir, "plumb"), report: func(m measure) {
		fmt.Fprintf(os.Stderr, "%7d %-10s %v cpu %v peak %d MiB p99 %v %s\n", m.Size, m.Row, m.Wall, m.CPU, m.Peak>>20, m.P99, m.Note)
	}}
	if out, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", b.plumb, "plumbline/cmd/plumb").CombinedOutput(); err != nil {
		return fmt.Errorf("cannot build plumb: %w\n%s", err, out)
	}
	for _, n := range sizes {
		if _, err := b.size(ctx, n); err != nil {
			return err
		}
	}
	return nil
}
