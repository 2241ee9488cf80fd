package prepare

import (
	_ "embed"
	"strings"
)

// UnitName is the boot hook's name under systemd.
const UnitName = "plumb-undo.service"

//go:embed plumb-undo.service
var unit string

// packaged is where packages put the binary.
const packaged = "/usr/bin/plumb"

// Unit is the boot hook, a systemd unit: it runs the binary at a path.
func Unit(binary string) string { return strings.ReplaceAll(unit, packaged, binary) }
