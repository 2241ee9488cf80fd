package lab

import (
	"fmt"
	"os"
	"path/filepath"
)

// Hidden first arguments that make a binary play a part of a laboratory.
const (
	keeperArg = "plumb-lab-keeper"
	hostArg   = "plumb-lab-host"
	enterArg  = "plumb-lab-enter"
)

// switchName names the namespace of the lab's own bridges where a host name is expected.
const switchName = "switch"

var mainCalled bool

// Main must be the first call of main or TestMain of a program that uses labs: the
// lab's keeper, the first process of each host, and the entrance to a host are
// this same binary, started again with a hidden argument. In an ordinary start it
// returns at once; in a hidden one it never returns.
func Main() {
	mainCalled = true
	if filepath.Base(os.Args[0]) == "systemctl" {
		os.Exit(systemctl(os.Args[1:]))
	}
	if len(os.Args) < 2 {
		return
	}
	var err error
	switch os.Args[1] {
	case keeperArg:
		err = keep(os.Args[2])
	case hostArg:
		err = beHost()
	case enterArg:
		os.Exit(enter(os.Args[2:]))
	default:
		return
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
