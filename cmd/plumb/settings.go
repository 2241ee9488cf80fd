package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"plumbline/reconcile"
	"plumbline/schema"
)

const defaultConfig = "/etc/plumb/plumb.cue"

// settings are the flags that all commands share, over the environment, over the controller's file.
type settings struct {
	configFile string
	repository string
	branch     string
	path       string
	state      string
	socket     string
	output     string
	noColor    bool
	logLevel   string

	config reconcile.Config
	log    zerolog.Logger
}

func (s *settings) flags(f *pflag.FlagSet) {
	f.StringVar(&s.configFile, "config", defaultConfig, "the controller's file")
	f.StringVar(&s.repository, "repo", "", "repository: a path, URL, or dir:PATH for a plain directory")
	f.StringVar(&s.branch, "branch", "", "branch that is followed")
	f.StringVar(&s.path, "path", "", "directory of the repository that holds the topology")
	f.StringVar(&s.state, "state", "", "directory of journal and inventory")
	f.StringVar(&s.socket, "socket", "", "socket of a running controller")
	f.StringVarP(&s.output, "output", "o", "text", "text, json or ndjson")
	f.BoolVar(&s.noColor, "no-color", false, "no colour, also on a terminal")
	f.StringVar(&s.logLevel, "log-level", "warn", "debug, info, warn or error")
}

// complete reads environment and controller's file. Precedence: flag, PLUMB_*, file, default.
func (s *settings) complete(cmd *cobra.Command) error {
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		name := "PLUMB_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := os.LookupEnv(name); ok && !f.Changed && cmd.Root().PersistentFlags().Lookup(f.Name) != nil {
			f.Value.Set(value)
		}
	})
	if s.output != "text" && s.output != "json" && s.output != "ndjson" {
		return fail(exitError, "cannot write output as %q: want text, json or ndjson", s.output)
	}
	level, err := zerolog.ParseLevel(s.logLevel)
	if err != nil {
		return fail(exitError, "cannot log at level %q: want debug, info, warn or error", s.logLevel)
	}
	s.log = logger(cmd).Level(level)
	return s.loadConfig(cmd)
}

func logger(cmd *cobra.Command) zerolog.Logger {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return zerolog.New(zerolog.ConsoleWriter{Out: cmd.ErrOrStderr(), TimeFormat: time.TimeOnly, NoColor: os.Getenv("NO_COLOR") != ""}).With().Timestamp().Logger()
	}
	return zerolog.New(cmd.ErrOrStderr()).With().Timestamp().Logger()
}

func (s *settings) loadConfig(cmd *cobra.Command) error {
	data, err := os.ReadFile(s.configFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !cmd.Flags().Changed("config"):
		data = []byte(`repository: ""`)
	case err != nil:
		return fmt.Errorf("cannot read the controller's file: %w", err)
	}
	if err := schema.LoadController(cmd.Context(), s.configFile, data, &s.config); err != nil {
		return err
	}
	for flag, field := range map[*string]*string{
		&s.repository: &s.config.Repository, &s.branch: &s.config.Branch, &s.path: &s.config.Path,
		&s.state: &s.config.State, &s.socket: &s.config.Socket,
	} {
		if *flag != "" {
			*field = *flag
		}
	}
	return nil
}

// color tells whether standard output takes colour.
func (s *settings) color() bool {
	return !s.noColor && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(os.Stdout.Fd()))
}
