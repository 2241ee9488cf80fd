package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/preview"
	"plumbline/sources/forge"
	"plumbline/sources/git"
)

// rewrite is where a change of the topology goes: a patch on standard output, the working tree, or a request.
type rewrite struct {
	dir     string
	write   bool
	request bool
}

func (to *rewrite) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&to.dir, "dir", "", "change a plain directory, instead of the head (with --write: the current one)")
	cmd.Flags().BoolVar(&to.write, "write", false, "write the files of the directory")
	cmd.Flags().BoolVar(&to.request, "request", false, "make a branch and a request at the forge that the controller's file names")
}

// proposed is a change of the topology, and what it is called.
type proposed struct {
	verb  string
	names []string
	make  func(ctx context.Context, c *reconcile.Controller, commit string) (*reconcile.Rewriting, error)
}

// requestPatience bounds opening a request as a whole.
const requestPatience = 2 * time.Minute

func (to *rewrite) run(cmd *cobra.Command, s *settings, p proposed) error {
	switch {
	case to.write && to.request, to.request && to.dir != "":
		return fail(exitError, "--request changes the head at the forge; it goes with neither --write nor --dir")
	case to.request && s.config.Forge == nil:
		return fail(exitInvalid, "%s names no forge; write one: forge: {kind: \"gitea\", project: \"https://HOST/OWNER/REPOSITORY\", token: secret: \"forge\"}", s.configFile)
	case to.write && to.dir == "":
		to.dir = "."
	}
	within := s.config.Path
	if to.dir != "" {
		s.config.Repository, s.config.Path, within = "dir:"+to.dir, ".", "."
	}
	r, err := s.rewriting(cmd, p)
	if err != nil {
		return err
	}
	if s.output != "text" && !to.write && !to.request {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(struct {
			*reconcile.Rewriting
			Patch string `json:"patch"`
		}{r, patch(r, within)})
	}
	tellSaid(cmd, r)
	s.exact = !to.write && !to.request
	switch {
	case to.write:
		return to.save(cmd, r)
	case to.request:
		return s.propose(cmd, r, p, within)
	}
	fmt.Fprint(cmd.OutOrStdout(), patch(r, within))
	return nil
}

func (s *settings) rewriting(cmd *cobra.Command, p proposed) (*reconcile.Rewriting, error) {
	source, err := s.openSource()
	if err != nil {
		return nil, err
	}
	c, done, err := s.planner(cmd.Context(), source)
	if err != nil {
		return nil, err
	}
	defer done()
	commit, err := s.commit(cmd.Context(), source, nil)
	if err != nil {
		return nil, err
	}
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	return p.make(cmd.Context(), c, commit)
}

func patch(r *reconcile.Rewriting, within string) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		out.WriteString(git.Patch(path.Join(within, name), string(r.Before[name]), string(r.Files[name])))
	}
	return out.String()
}

// save writes the files of a directory, each in one step, and none that changed since it was read.
func (to *rewrite) save(cmd *cobra.Command, r *reconcile.Rewriting) error {
	names := slices.Sorted(maps.Keys(r.Files))
	for _, name := range names {
		now, err := os.ReadFile(filepath.Join(to.dir, name))
		if err != nil {
			return err
		}
		if !bytes.Equal(now, r.Before[name]) {
			return fail(exitStale, "%s changed meanwhile; nothing is written: say it again", filepath.Join(to.dir, name))
		}
	}
	for _, name := range names {
		file := filepath.Join(to.dir, name)
		if err := replaceFile(file, r.Files[name]); err != nil {
			return err
		}
		fmt.Fprintln(cmd.OutOrStdout(), file)
	}
	return nil
}

// propose opens the request. The branch is named by what it changes: the same change is asked for once.
func (s *settings) propose(cmd *cobra.Command, r *reconcile.Rewriting, p proposed, within string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), requestPatience)
	defer cancel()
	f := s.config.Forge
	project, err := forge.ParseProject(f.Kind, f.Project)
	if err != nil {
		return err
	}
	token, err := exec.LocalSecret(s.config.Secrets, f.Token.Name)
	if err != nil {
		return err
	}
	client, err := project.Open(token)
	if err != nil {
		return err
	}
	sum := sha256.New()
	files := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(r.Files)) {
		files[path.Join(within, name)] = r.Files[name]
		fmt.Fprintf(sum, "%s\x00%d\x00%s", name, len(r.Files[name]), r.Files[name])
	}
	got, err := client.Propose(ctx, forge.Proposal{
		Base: s.config.Branch, From: r.Commit, Branch: "plumb/" + p.verb + "-" + hex.EncodeToString(sum.Sum(nil))[:12],
		Title: p.verb + " " + strings.Join(p.names, ", "), Body: preview.Fenced(append(saidLines(r), "", "by "+owner())), Files: files,
	})
	if err != nil {
		return err
	}
	word := "opened"
	switch {
	case !got.Open:
		word = "was asked for before, and is closed:"
	case !got.Made:
		word = "is open already:"
	}
	fmt.Fprintln(cmd.OutOrStdout(), word, got.URL)
	return nil
}

// replaceFile gives a file another text in one step, so that it is never seen half written.
func replaceFile(file string, data []byte) error {
	info, err := os.Stat(file)
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", file, err)
	}
	next := file + ".new"
	if err = os.WriteFile(next, data, info.Mode().Perm()); err == nil {
		err = os.Rename(next, file)
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w", file, errors.Join(err, os.Remove(next)))
	}
	return nil
}
