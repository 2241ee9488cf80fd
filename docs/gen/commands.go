package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// subcommand finds the commands that a help text lists.
var subcommand = regexp.MustCompile(`(?m)^  ([a-z-]+) {2,}[A-Z]`)

// commands makes the page of all commands from what they say themselves.
func commands() (string, error) {
	dir, err := os.MkdirTemp("", "plumb-docs-")
	if err != nil {
		return "", fmt.Errorf("cannot build plumb: %w", err)
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "plumb")
	if out, err := exec.Command("go", "build", "-o", binary, "../cmd/plumb").CombinedOutput(); err != nil {
		return "", fmt.Errorf("cannot build plumb: %w\n%s", err, out)
	}
	var page strings.Builder
	fmt.Fprintf(&page, notice, "the help of the commands in cmd/plumb")
	page.WriteString("# Commands\n\n" + commandsHead)
	if err := describe(&page, binary, nil); err != nil {
		return "", err
	}
	return strings.TrimRight(page.String(), "\n") + "\n", nil
}

const commandsHead = `Every command says the same with ` + "`--help`" + `. Plans and data go to standard output, progress and logs to standard error.

| exit code | meaning |
| --- | --- |
| 0 | done, or nothing to do |
| 1 | something failed |
| 2 | there are changes or drift (with ` + "`--detailed-exitcode`" + `) |
| 3 | authentication or permission |
| 4 | the topology or the controller's file has mistakes |
| 5 | a rule or limit refuses the change |
| 6 | the plan is stale, or another plumb is at work |
| 7 | the apply failed and was rolled back, verified |
| 8 | the apply failed and something remains changed |
| 9 | the commit is not signed by who may |
| 10 | not everything could be looked at: nobody can say that all is well |
| 130 | interrupted |

A flag that all commands have can be set in the environment too: ` + "`PLUMB_CONFIG`, `PLUMB_STATE`, `PLUMB_SOCKET` and so on" + `. A flag wins over
the environment, the environment over the controller's file.

`

// describe writes the help of a command, and of its commands in turn.
func describe(page *strings.Builder, binary string, path []string) error {
	cmd := exec.Command(binary, append(append([]string{}, path...), "--help")...)
	cmd.Env = append(os.Environ(), "NO_COLOR=1")
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("cannot get the help of %v: %w", path, err)
	}
	help := string(out)
	fmt.Fprintf(page, "## %s\n\n```text\n%s```\n\n", strings.Join(append([]string{"plumb"}, path...), " "), trim(help, len(path) > 0))
	list, _, _ := strings.Cut(help, "\nFlags:\n")
	for _, found := range subcommand.FindAllStringSubmatch(list, -1) {
		if name := found[1]; name != "help" && !(len(path) > 0 && path[0] == "completion") {
			if err := describe(page, binary, append(append([]string{}, path...), name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// trim takes out of a help text what is the same in every one.
func trim(help string, sub bool) string {
	if head, _, ok := strings.Cut(help, "\nGlobal Flags:\n"); ok && sub {
		help = head
	}
	head, _, _ := strings.Cut(help, "\nUse \"plumb ")
	return strings.TrimRight(head, "\n") + "\n"
}
