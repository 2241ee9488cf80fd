package docs

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

var (
	pipelineCommand = regexp.MustCompile(`(?m)\bplumb ([a-z]+)((?:[^\n]*\\\n)*[^\n]*)`)
	pipelineFlag    = regexp.MustCompile(`\s(--[a-z-]+)`)
)

// A pipeline of a forge cannot run here; that its commands and their flags are there is tested.
func TestCommandsOfPipelinesAreThere(t *testing.T) {
	binary := build(t)
	found := 0
	for _, file := range pages(t) {
		for _, b := range blocks(t, file) {
			if !b.is("yaml") {
				continue
			}
			for _, command := range pipelineCommand.FindAllStringSubmatch(b.text, -1) {
				found++
				help, err := exec.Command(binary, command[1], "--help").CombinedOutput()
				if err != nil || !strings.Contains(string(help), "plumb "+command[1]) {
					t.Errorf("%s: there is no command %q (%v)", b, command[1], err)
				}
				for _, flag := range pipelineFlag.FindAllStringSubmatch(command[2], -1) {
					if !regexp.MustCompile(regexp.QuoteMeta(flag[1]) + `\b`).Match(help) {
						t.Errorf("%s: plumb %s has no flag %s", b, command[1], flag[1])
					}
				}
			}
		}
	}
	if found == 0 {
		t.Error("no page has a pipeline")
	}
}
