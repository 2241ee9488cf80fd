package main

import (
	"os"

	"github.com/spf13/cobra"

	"plumbline/schema"
)

// newEval is the limited child that evaluates CUE; people have no use for it.
func newEval() *cobra.Command {
	return &cobra.Command{
		Use: "eval", Hidden: true, Args: cobra.ArbitraryArgs,
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE:              func(*cobra.Command, []string) error { return schema.ServeEval(os.Stdin, os.Stdout) },
	}
}
