package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"plumbline/reconcile"
	"plumbline/reconcile/exec"
	"plumbline/reconcile/requests"
	"plumbline/sources/forge"
	"plumbline/sources/forge/hook"
	"plumbline/sources/git"
)

func newServe(s *settings) *cobra.Command {
	return &cobra.Command{
		Use:   "serve",
		Short: "Tell of each request of the forge what it would do, and answer its webhooks",
		Long: `Plan each open request of the forge as it would be merged, tell it in one comment and one status, and anew whenever the
branch, the live state or the rules move; take orders from comments; tell what came of a merged commit. It runs beside
"plumb run", as the same user on the same machine, changes nothing, and takes no lock. The forge is asked every minute;
webhooks make that faster, and nothing in them is believed but that something happened.`,
		Example: "  plumb serve --config /etc/plumb/plumb.cue",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return s.serve(cmd) },
	}
}

func (s *settings) serve(cmd *cobra.Command) error {
	f := s.config.Forge
	if f == nil {
		return fail(exitInvalid, "%s names no forge; write one: forge: {kind: \"gitea\", project: \"https://HOST/OWNER/REPOSITORY\", token: secret: \"forge\"}", s.configFile)
	}
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
	if err := os.MkdirAll(s.config.State, 0o700); err != nil {
		return fmt.Errorf("cannot make the state directory: %w", err)
	}
	if err := s.ours(); err != nil {
		return err
	}
	desk, err := s.desk()
	if err != nil {
		return err
	}
	defer desk.close()
	service, err := requests.New(requests.Options{
		Client: client, Account: f.Account, World: desk, State: s.config.State, Branch: s.config.Branch, Interval: time.Duration(f.Interval), Settle: time.Duration(f.Settle),
		Rules: s.rules(), Version: version, Limit: mostComment, Public: f.Public, Revert: f.AfterFailure == "revertRequest", Log: s.log,
	})
	if err != nil {
		return err
	}
	return s.serveAll(cmd, project, service)
}

// serveAll runs the service, and what listens for it.
func (s *settings) serveAll(cmd *cobra.Command, project forge.Project, service *requests.Service) error {
	f := s.config.Forge
	group, ctx := errgroup.WithContext(cmd.Context())
	meters := newHookMeters(string(f.Kind))
	if f.Metrics != "" {
		page, err := reconcile.ListenMeters(f.Metrics)
		if err != nil {
			return err
		}
		group.Go(func() error { return meters.serve(ctx, page) })
	}
	if f.Listen != "" {
		receiver, listener, done, err := s.receiver(meters, service)
		if err != nil {
			return err
		}
		defer done()
		group.Go(func() error { return receiver.Serve(ctx, listener) })
	}
	cmd.PrintErrf("plumb %s previews requests of %s/%s for %s\n", version, project.Base, project.Path, s.config.Branch)
	group.Go(func() error { return service.Run(ctx) })
	err := group.Wait()
	if errors.Is(err, context.Canceled) && cmd.Context().Err() != nil {
		return nil
	}
	return err
}

// receiver opens the address of webhooks and says where they come to.
func (s *settings) receiver(meters *hookMeters, service *requests.Service) (*hook.Receiver, net.Listener, func(), error) {
	f := s.config.Forge
	secrets := func() (all [][]byte, err error) {
		for _, ref := range f.Hooks {
			value, err := exec.LocalSecret(s.config.Secrets, ref.Name)
			if err != nil {
				return nil, err
			}
			all = append(all, []byte(value))
		}
		return all, nil
	}
	now, err := secrets()
	if err != nil {
		return nil, nil, nil, err
	}
	seen, err := hook.OpenSeen(filepath.Join(s.config.State, "deliveries"), time.Now())
	if err != nil {
		return nil, nil, nil, err
	}
	address := f.Listen
	if address[0] == ':' {
		address = "127.0.0.1" + address
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		seen.Close()
		return nil, nil, nil, fmt.Errorf("cannot listen for webhooks: %w", err)
	}
	s.log.Info().Str("address", listener.Addr().String()).Str("path", hook.Path(now[0])).Msg("webhooks come here")
	accept := func(h hook.Hint) {
		if h.Branch != s.config.Branch {
			h.Branch = ""
		}
		if h.Queue != s.config.Branch {
			h.Queue = ""
		}
		service.Hint(h)
	}
	return &hook.Receiver{Kind: f.Kind, Secrets: secrets, Seen: seen, Accept: accept, Count: meters.count, Log: s.log}, listener, func() { seen.Close() }, nil
}

// rules is the digest of what a plan depends on beside commits and the live state.
func (s *settings) rules() string {
	config := s.config
	config.Forge = nil
	text, _ := json.Marshal(config) // plain data
	return fmt.Sprintf("%x", sha256.Sum256(append(text, version...)))[:32]
}

// gitSource is the source that requests are merged in.
func (s *settings) gitSource() (*git.Source, error) {
	source, err := s.openSource()
	if err != nil {
		return nil, err
	}
	g, ok := source.(*git.Source)
	if !ok {
		return nil, fail(exitInvalid, "%s: requests are merged in a Git repository; repository is a plain directory", s.configFile)
	}
	return g, nil
}
