package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"plumbline/schema"
)

// explainUsage makes mistakes in commands, flags and arguments say what was meant, and where the right ones are told.
func explainUsage(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(wrongFlag)
	switch check := cmd.Args; {
	case cmd.Name() == "help" && cmd.HasParent():
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if found, rest, err := cmd.Root().Find(args); err != nil || len(rest) > 0 {
				return noCommand(found, rest)
			}
			return nil
		}
	case cmd.HasSubCommands():
		cmd.Args = func(cmd *cobra.Command, args []string) error { return noCommand(cmd, args) }
		cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
		cmd.DisableFlagsInUseLine = true
	case check != nil:
		cmd.Args = func(cmd *cobra.Command, args []string) error {
			if check(cmd, args) == nil {
				return nil
			}
			given := "nothing"
			if len(args) > 0 {
				given = fmt.Sprintf("%q", strings.Join(args, " "))
			}
			return hint(cmd, fmt.Errorf("want %q, have %s behind the command", strings.TrimSuffix(cmd.UseLine(), " [flags]"), given))
		}
	}
	for _, child := range cmd.Commands() {
		explainUsage(child)
	}
}

// hint says where the right usage is told.
func hint(cmd *cobra.Command, err error) error {
	return fail(exitError, "%w; see \"%s --help\"", err, cmd.CommandPath())
}

// noCommand refuses the first of words that name no command below another.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	meant := ""
	cmd.SuggestionsMinimumDistance = 2
	if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
		meant = fmt.Sprintf("; did you mean \"%s %s\"?", cmd.CommandPath(), near[0])
	}
	return hint(cmd, fmt.Errorf("unknown command %q for %q%s", args[0], cmd.CommandPath(), meant))
}

// wrongFlag names the flag that was meant by one that is not there.
func wrongFlag(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if errors.As(err, &unknown) {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if !f.Hidden {
				names = append(names, f.Name)
			}
		})
		if near := schema.Nearest(unknown.GetSpecifiedName(), names); near != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, near)
		}
	}
	return hint(cmd, err)
}

// wanting refuses a command without the flags that it cannot do without.
func wanting(cmd *cobra.Command) error {
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if required := f.Annotations[cobra.BashCompOneRequiredFlag]; len(required) > 0 && required[0] == "true" && !f.Changed {
			names = append(names, fmt.Sprintf("--%s (%s)", f.Name, f.Usage))
		}
	})
	if len(names) == 0 {
		return nil
	}
	return hint(cmd, fmt.Errorf("%q also wants %s", cmd.CommandPath(), strings.Join(names, " and ")))
}
