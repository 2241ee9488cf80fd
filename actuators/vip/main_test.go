package vip

import (
	"flag"
	"os"
	"testing"

	"plumbline/testenv/lab"
)

func TestMain(m *testing.M) {
	lab.Main()
	flag.Set("test.parallel", "2") // labs with daemons; the command line may say otherwise
	os.Exit(m.Run())
}
