package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// newMan writes the manual, for packagers.
func newMan() *cobra.Command {
	return &cobra.Command{
		Use: "man DIRECTORY", Hidden: true, Args: cobra.ExactArgs(1),
		Short:   "Write the manual pages",
		Example: "  plumb man /usr/share/man/man1",
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("cannot write the manual: %w", err)
			}
			return writePages(args[0], cmd.Root())
		},
	}
}

// writePages writes the page of a command and those below it: plumb-lab-up.1 is "plumb lab up".
func writePages(dir string, cmd *cobra.Command) error {
	if cmd.Hidden || cmd.Name() == "help" {
		return nil
	}
	var page strings.Builder
	writePage(&page, cmd)
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-") + ".1"
	if err := os.WriteFile(filepath.Join(dir, name), []byte(page.String()), 0o644); err != nil {
		return fmt.Errorf("cannot write the manual: %w", err)
	}
	for _, child := range cmd.Commands() {
		if err := writePages(dir, child); err != nil {
			return err
		}
	}
	return nil
}

// writePage writes one page in the man macros, groff_man(7).
func writePage(w io.Writer, cmd *cobra.Command) {
	name := strings.ReplaceAll(cmd.CommandPath(), " ", "-")
	fmt.Fprintf(w, ".TH %s 1 \"\" \"plumb %s\"\n.SH NAME\n%s \\- %s\n", quoted(strings.ToUpper(name)), version, roff(name), roff(cmd.Short))
	fmt.Fprintf(w, ".SH SYNOPSIS\n.B %s\n", roff(cmd.UseLine()))
	if cmd.Long != "" {
		fmt.Fprintf(w, ".SH DESCRIPTION\n%s\n", roff(cmd.Long))
	}
	writeChildren(w, cmd)
	writeFlags(w, "OPTIONS", cmd.NonInheritedFlags())
	writeFlags(w, "SHARED OPTIONS", cmd.InheritedFlags())
	if cmd.Example != "" {
		fmt.Fprintf(w, ".SH EXAMPLES\n.nf\n%s\n.fi\n", roff(cmd.Example))
	}
	fmt.Fprint(w, ".SH EXIT STATUS\n")
	for _, c := range exitMeanings {
		fmt.Fprintf(w, ".TP\n.B %d\n%s\n", c.code, roff(c.text))
	}
}

func writeChildren(w io.Writer, cmd *cobra.Command) {
	if !cmd.HasAvailableSubCommands() {
		return
	}
	fmt.Fprint(w, ".SH COMMANDS\n")
	for _, child := range cmd.Commands() {
		if child.IsAvailableCommand() {
			fmt.Fprintf(w, ".TP\n.BR %s (1)\n%s\n", roff(strings.ReplaceAll(child.CommandPath(), " ", "-")), roff(child.Short))
		}
	}
}

func writeFlags(w io.Writer, title string, flags *pflag.FlagSet) {
	if !flags.HasAvailableFlags() {
		return
	}
	fmt.Fprintf(w, ".SH %s\n", title)
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, usage := pflag.UnquoteUsage(f)
		text := "--" + f.Name
		if f.Shorthand != "" {
			text = "-" + f.Shorthand + ", " + text
		}
		if kind != "" {
			text += " " + strings.ToUpper(kind)
		}
		fmt.Fprintf(w, ".TP\n.B %s\n%s\n", roff(text), roff(usage))
	})
}

// roff keeps text from being taken for requests: backslashes, dashes that are to be typed, and lines that begin with a dot
// or an apostrophe.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}

func quoted(text string) string { return `"` + text + `"` }
