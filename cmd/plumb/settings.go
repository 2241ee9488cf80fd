package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rs/zerolog"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"

	"plumbline/actuators/all"
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

	configMissing bool // there is none at the default place: the defaults are in force
	ordered       bool // what is planned, a person orders
	exact         bool // every byte of the answer counts

	begins string // the installation of the state that applying a plan makes; "" = it is there

	config reconcile.Config
	log    zerolog.Logger

	children *schema.Pool // that evaluate CUE; nil until one is needed
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
	f.StringVar(&s.logLevel, "log-level", "", "debug, info, warn or error (default warn, and info for run and serve)")
}

// standalone commands need no controller's file, so that a broken one keeps nobody from them.
var standalone = map[string]bool{
	"completion": true, cobra.ShellCompRequestCmd: true, cobra.ShellCompNoDescRequestCmd: true, "help": true, "version": true,
	"init": true, "lab": true, "exec": true, "man": true, "host": true, "identity": true,
}

// alone is also a command that is only there for those below it.
func alone(cmd *cobra.Command) bool {
	if cmd.HasSubCommands() {
		return true
	}
	for ; cmd != nil; cmd = cmd.Parent() {
		if standalone[cmd.Name()] {
			return true
		}
	}
	return false
}

// complete reads environment and controller's file. Precedence: flag, PLUMB_*, file, default.
func (s *settings) complete(cmd *cobra.Command) error {
	if err := s.environment(cmd); err != nil {
		return err
	}
	if s.output != "text" && s.output != "json" && s.output != "ndjson" {
		return fail(exitError, "cannot write output as %q: want text, json or ndjson", s.output)
	}
	if s.logLevel == "" {
		s.logLevel = "warn"
		if cmd.Name() == "run" || cmd.Name() == "serve" {
			s.logLevel = "info"
		}
	}
	level, err := zerolog.ParseLevel(s.logLevel)
	if err != nil {
		return fail(exitError, "cannot log at level %q: want debug, info, warn or error", s.logLevel)
	}
	s.log = logger(cmd, s.noColor).Level(level)
	if alone(cmd) {
		return nil
	}
	return s.loadConfig(cmd)
}

// environment sets every shared flag that was not given from PLUMB_*: --log-level from PLUMB_LOG_LEVEL.
func (s *settings) environment(cmd *cobra.Command) (err error) {
	cmd.Root().PersistentFlags().VisitAll(func(f *pflag.Flag) {
		name := "PLUMB_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		value, ok := os.LookupEnv(name)
		if !ok || f.Changed || err != nil {
			return
		}
		if bad := cmd.Root().PersistentFlags().Set(f.Name, value); bad != nil {
			err = fail(exitError, "cannot take %s=%q from the environment: %w", name, value, bad)
		}
	})
	return err
}

func logger(cmd *cobra.Command, plain bool) zerolog.Logger {
	if term.IsTerminal(int(os.Stderr.Fd())) {
		return zerolog.New(zerolog.ConsoleWriter{Out: cmd.ErrOrStderr(), TimeFormat: time.TimeOnly, NoColor: plain || os.Getenv("NO_COLOR") != ""}).With().Timestamp().Logger()
	}
	return zerolog.New(cmd.ErrOrStderr()).With().Timestamp().Logger()
}

func (s *settings) loadConfig(cmd *cobra.Command) error {
	data, err := os.ReadFile(s.configFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && !cmd.Root().PersistentFlags().Changed("config"):
		data, s.configMissing = []byte(`repository: ""`), true
	case err != nil:
		return fmt.Errorf("cannot read the controller's file: %w", err)
	}
	if err := schema.LoadController(cmd.Context(), s.configFile, data, &s.config); err != nil {
		return err
	}
	if err := s.config.Check(all.Registry()); err != nil {
		return fail(exitInvalid, "%s: %w", s.configFile, err)
	}
	for flag, field := range map[*string]*string{
		&s.repository: &s.config.Repository, &s.branch: &s.config.Branch, &s.path: &s.config.Path,
		&s.state: &s.config.State, &s.socket: &s.config.Socket,
	} {
		if *flag != "" {
			*field = *flag
		}
	}
	for _, place := range []*string{&s.config.State, &s.config.Socket} { // of flags and environment: the file takes no other
		if *place, err = filepath.Abs(*place); err != nil {
			return err
		}
	}
	return nil
}

// color tells whether standard output takes colour.
func (s *settings) color() bool {
	return !s.noColor && os.Getenv("NO_COLOR") == "" && term.IsTerminal(int(os.Stdout.Fd()))
}
