package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain makes the test binary the plumb that scripts run.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"plumb": main})
}

// TestScripts runs the stories of testdata/script: the real command over real repositories and real directories. Each has
// a state, a bare repository repo.git, and a working tree work of its own; $WORK in *.cue files is replaced.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script", Setup: setup, RequireUniqueNames: true,
		UpdateScripts: os.Getenv("UPDATE") != "",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"code": cmdCode, "until": cmdUntil, "push": cmdPush, "git": cmdGit, "like": cmdLike, "nobody": cmdNobody, "need": cmdNeed, "edit": cmdEdit, "agree": cmdAgree,
		},
	})
}
