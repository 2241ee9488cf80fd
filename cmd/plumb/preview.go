package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"plumbline/reconcile/plan"
	"plumbline/reconcile/preview"
	"plumbline/sources/dir"
)

// mostComment is how long a comment may be, in bytes: GitHub takes 65,536.
const mostComment = 60_000

func newPreview(s *settings) *cobra.Command {
	var directory string
	var limit int
	var detailed bool
	var to post
	cmd := &cobra.Command{
		Use:   "preview [COMMIT]",
		Short: "Tell what a request would change, as a comment for it",
		Long: `Plan a commit, or the directory given with --dir, against the live state, and beside it the head of the branch that it
is for: what the request changes, and what applying would also touch, stand apart. Give it the merge result, which most CI
systems check out. The output is Markdown to post as a comment; its first line is a marker to find that comment again. No
lock is taken and nothing is changed. The exit codes are those of plan; mistakes of the topology make a comment, too.

With --post, the comment is put on a request of GitHub, GitLab, Gitea or Forgejo, in place of the one that this account made
there before, and its newest commit gets the status plumb/plan.`,
		Example: `  plumb preview --dir .
  plumb preview 3f2a9c1 > comment.md
  plumb preview --dir . --post https://git.mycompany.com/ops/boston/pulls/12 --token-file token
  plumb preview --dir . -o json | jq -r .verdict`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := to.open(cmd); err != nil {
				return err
			}
			p, err := s.preview(cmd, args, directory)
			if err != nil {
				return err
			}
			p.Version = version
			if to.address != "" {
				err = to.send(cmd, p, limit)
			} else {
				err = s.writePreview(cmd, p, limit)
			}
			if err != nil {
				return err
			}
			if len(p.Problems) > 0 {
				return exits(exitInvalid)
			}
			return exits(planCode(p.Plan, detailed))
		},
	}
	cmd.Flags().StringVar(&directory, "dir", "", "preview a plain directory instead of a commit")
	cmd.Flags().StringVar(&to.address, "post", "", "address of the request to comment on")
	cmd.Flags().StringVar(&to.tokenFile, "token-file", "", "file that holds the token for --post; - is standard input")
	cmd.Flags().StringVar(&to.account, "account", "", "name of the account that the token is of, where the forge does not tell it")
	cmd.Flags().IntVar(&limit, "limit", mostComment, "bytes that the comment may have; 0 = any")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	return cmd
}

func (s *settings) preview(cmd *cobra.Command, args []string, directory string) (preview.Preview, error) {
	if (directory == "") == (len(args) == 0) {
		return preview.Preview{}, fail(exitError, "name what to preview: a COMMIT, or a directory with --dir")
	}
	source, err := s.openSource()
	if err != nil {
		return preview.Preview{}, err
	}
	c, done, err := s.planner(cmd.Context(), source)
	if err != nil {
		return preview.Preview{}, err
	}
	defer done()
	base, err := source.Head(cmd.Context())
	if err != nil {
		return preview.Preview{}, fmt.Errorf("cannot tell what the request would change: %w", err)
	}
	from, commit := source, ""
	if directory != "" {
		if from, err = dir.Open(dir.Config{Path: directory, Log: s.log}); err != nil {
			return preview.Preview{}, err
		}
		args = nil
	}
	if commit, err = s.commit(cmd.Context(), from, args); err != nil {
		return preview.Preview{}, err
	}
	stop := waiting(cmd, "looking at the hosts")
	defer stop()
	p, err := c.Preview(cmd.Context(), base.ID, from, commit)
	return p, undisturbed(cmd, err)
}

// previewDocument is the JSON form of a preview.
type previewDocument struct {
	Verdict  preview.Verdict `json:"verdict"`
	Base     string          `json:"base_sha"`
	Head     string          `json:"head_sha"`
	Own      []string        `json:"own"`    // addresses that the request changes
	Anyway   []string        `json:"anyway"` // addresses that applying would also touch
	Risk     preview.Risk    `json:"risk"`
	Problems any             `json:"problems,omitempty"`
	Plan     *plan.Document  `json:"plan,omitempty"`
	Comment  string          `json:"comment"` // Markdown
}

func (s *settings) writePreview(cmd *cobra.Command, p preview.Preview, limit int) error {
	if s.output == "text" {
		_, err := fmt.Fprint(cmd.OutOrStdout(), p.Markdown(limit))
		return err
	}
	d := previewDocument{
		Verdict: p.Verdict(), Base: p.Base, Head: p.Head, Own: addresses(p.Own), Anyway: addresses(p.Anyway), Risk: p.Risk(), Comment: p.Markdown(limit),
	}
	if len(p.Problems) > 0 {
		d.Problems = p.Problems
	} else {
		document := p.Plan.Document()
		d.Plan = &document
	}
	return json.NewEncoder(cmd.OutOrStdout()).Encode(d)
}

func addresses(changes []*plan.Change) []string {
	all := make([]string, 0, len(changes))
	for _, c := range changes {
		all = append(all, c.Instance.String())
	}
	return all
}
