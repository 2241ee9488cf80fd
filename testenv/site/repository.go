package site

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"plumbline/examples"
)

// makeRepository makes the bare repository and a work tree from the example, with nothing committed yet.
func (s *Site) makeRepository(ctx context.Context) error {
	payroll, err := fs.Sub(examples.FS, "payroll")
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.Path("work"), payroll); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q", "--bare", "--initial-branch=main", s.Path("boston.git")},
		{"-C", s.Path("work"), "init", "-q", "--initial-branch=main"},
		{"-C", s.Path("work"), "config", "user.name", "Operator"},
		{"-C", s.Path("work"), "config", "user.email", "operator@mycompany.com"},
		{"-C", s.Path("work"), "remote", "add", "origin", s.Path("boston.git")},
	} {
		if _, err := s.Command(ctx, "git", args...); err != nil {
			return err
		}
	}
	return s.Edit("image.cue", "file:///var/lib/plumb-lab/tiny.qcow2", "file://"+s.Image.Path,
		strings.Repeat("0", 64), s.Image.SHA256)
}

// Edit replaces pairs of texts in a file of the work tree; each must be there.
func (s *Site) Edit(name string, pairs ...string) error {
	path := s.Path("work", name)
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	text := string(data)
	for i := 0; i < len(pairs); i += 2 {
		if !strings.Contains(text, pairs[i]) {
			return fmt.Errorf("%s holds no %q", name, pairs[i])
		}
		text = strings.ReplaceAll(text, pairs[i], pairs[i+1])
	}
	return os.WriteFile(path, []byte(text), 0o644)
}

// Write makes a file of the work tree.
func (s *Site) Write(name, text string) error {
	return os.WriteFile(s.Path("work", name), []byte(text), 0o644)
}

// Push commits the whole work tree, pushes it, and gives the commit.
func (s *Site) Push(ctx context.Context, message string) (string, error) {
	work := s.Path("work")
	if _, err := s.Command(ctx, "git", "-C", work, "add", "-A"); err != nil {
		return "", err
	}
	if _, err := s.Command(ctx, "git", "-C", work, "commit", "-q", "--allow-empty", "-m", message); err != nil {
		return "", err
	}
	if _, err := s.Command(ctx, "git", "-C", work, "push", "-q", "origin", "main"); err != nil {
		return "", err
	}
	id, err := s.Command(ctx, "git", "-C", work, "rev-parse", "HEAD")
	s.Say("   git push: %q", message)
	return strings.TrimSpace(id), err
}

// Revert brings the work tree back to the commit before the last and pushes that as a new commit.
func (s *Site) Revert(ctx context.Context) (string, error) {
	if _, err := s.Command(ctx, "git", "-C", s.Path("work"), "revert", "--no-edit", "HEAD"); err != nil {
		return "", err
	}
	if _, err := s.Command(ctx, "git", "-C", s.Path("work"), "push", "-q", "origin", "main"); err != nil {
		return "", err
	}
	id, err := s.Command(ctx, "git", "-C", s.Path("work"), "rev-parse", "HEAD")
	s.Say("   git revert && git push")
	return strings.TrimSpace(id), err
}

// Command runs a program of the machine.
func (s *Site) Command(ctx context.Context, name string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}
