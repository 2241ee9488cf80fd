package story

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
func (s *Story) makeRepository(ctx context.Context) error {
	payroll, err := fs.Sub(examples.FS, "payroll")
	if err != nil {
		return err
	}
	if err := os.CopyFS(s.path("work"), payroll); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q", "--bare", "--initial-branch=main", s.path("boston.git")},
		{"-C", s.path("work"), "init", "-q", "--initial-branch=main"},
		{"-C", s.path("work"), "config", "user.name", "Operator"},
		{"-C", s.path("work"), "config", "user.email", "operator@mycompany.com"},
		{"-C", s.path("work"), "remote", "add", "origin", s.path("boston.git")},
	} {
		if _, err := s.command(ctx, "git", args...); err != nil {
			return err
		}
	}
	return s.edit("image.cue", "file:///var/lib/plumb-lab/tiny.qcow2", "file://"+s.image.Path,
		strings.Repeat("0", 64), s.image.SHA256)
}

// edit replaces pairs of texts in a file of the work tree; each must be there.
func (s *Story) edit(name string, pairs ...string) error {
	path := s.path("work", name)
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

// write makes a file of the work tree.
func (s *Story) write(name, text string) error {
	return os.WriteFile(s.path("work", name), []byte(text), 0o644)
}

// push commits the whole work tree, pushes it, and gives the commit.
func (s *Story) push(ctx context.Context, message string) (string, error) {
	work := s.path("work")
	if _, err := s.command(ctx, "git", "-C", work, "add", "-A"); err != nil {
		return "", err
	}
	if _, err := s.command(ctx, "git", "-C", work, "commit", "-q", "-m", message); err != nil {
		return "", err
	}
	if _, err := s.command(ctx, "git", "-C", work, "push", "-q", "origin", "main"); err != nil {
		return "", err
	}
	id, err := s.command(ctx, "git", "-C", work, "rev-parse", "HEAD")
	s.say("   git push: %q", message)
	return strings.TrimSpace(id), err
}

// undoCommit brings the work tree back to the commit before the last and pushes that as a new commit.
func (s *Story) undoCommit(ctx context.Context) (string, error) {
	if _, err := s.command(ctx, "git", "-C", s.path("work"), "revert", "--no-edit", "HEAD"); err != nil {
		return "", err
	}
	if _, err := s.command(ctx, "git", "-C", s.path("work"), "push", "-q", "origin", "main"); err != nil {
		return "", err
	}
	id, err := s.command(ctx, "git", "-C", s.path("work"), "rev-parse", "HEAD")
	s.say("   git revert && git push")
	return strings.TrimSpace(id), err
}

// command runs a program of the machine.
func (s *Story) command(ctx context.Context, name string, args ...string) (string, error) {
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}
