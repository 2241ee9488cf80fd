package vip

import (
	"os"
	"testing"

	"plumbline/testenv/lab"
)

func TestMain(m *testing.M) {
	lab.Main()
	os.Exit(m.Run())
}
