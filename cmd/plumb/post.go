package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"plumbline/reconcile/preview"
	"plumbline/sources/forge"
)

// post is where a preview goes.
type post struct {
	address   string
	tokenFile string
	account   string

	request forge.Request
	client  forge.Client
}

// statusContext is the name of the status beside a commit.
const statusContext = "plumb/plan"

// postPatience bounds posting as a whole.
const postPatience = 2 * time.Minute

// open finds out what is wrong with flags and token before any host is looked at.
func (p *post) open(cmd *cobra.Command) (err error) {
	switch {
	case p.address == "" && p.tokenFile == "" && p.account == "":
		return nil
	case p.address == "":
		return fail(exitError, "--token-file and --account go with --post")
	case p.tokenFile == "":
		return fail(exitError, "cannot post without a token; give --token-file FILE (- for standard input)")
	}
	if p.request, err = forge.Parse(p.address); err != nil {
		return err
	}
	var token []byte
	if p.tokenFile == "-" {
		token, err = io.ReadAll(io.LimitReader(cmd.InOrStdin(), 64<<10))
	} else {
		token, err = os.ReadFile(p.tokenFile)
	}
	if err == nil {
		p.client, err = p.request.Open(strings.TrimSpace(string(token)))
	}
	if err != nil {
		return fmt.Errorf("cannot post to %s: %w", p.address, err)
	}
	return nil
}

// send puts the comment there and sets the status.
func (p *post) send(cmd *cobra.Command, what preview.Preview, limit int) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), postPatience)
	defer cancel()
	stop := waiting(cmd, "posting")
	defer stop()
	if p.account == "" {
		name, err := p.client.Account(ctx)
		if err != nil {
			return fmt.Errorf("%w; name the account with --account", err)
		}
		p.account = name
	}
	made, err := forge.Upsert(ctx, p.client, p.request.Number, p.account, preview.Marker, what.Markdown(limit))
	err = errors.Join(err, p.status(ctx, what))
	if err != nil {
		return err
	}
	word := "updated the comment"
	if made {
		word = "commented"
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s on %s: %s\n", word, p.address, what.Verdict())
	return nil
}

func (p *post) status(ctx context.Context, what preview.Preview) error {
	pull, err := p.client.Pull(ctx, p.request.Number)
	if err != nil {
		return err
	}
	state := forge.Success
	switch what.Verdict() {
	case preview.Invalid, preview.Refused:
		state = forge.Failure
	case preview.Unknown:
		state = forge.Error
	}
	return p.client.Report(ctx, pull.Head, forge.Status{Context: statusContext, State: state, Description: what.Summary()})
}
