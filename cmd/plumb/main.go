// Command plumb keeps a private datacenter true to a Git repository. One file is one command; wire.go puts the parts
// together from flags, environment and the controller's file.
package main

import (
	"os"

	"plumbline/actuators/all"
	"plumbline/reconcile/exec"
	"plumbline/testenv/lab"
)

func main() {
	lab.Main()
	exec.Hook(all.Registry())
	os.Exit(execute(os.Args[1:]))
}
