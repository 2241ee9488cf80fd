package schema

import (
	"embed"
	"io/fs"
)

//go:embed cue.mod/module.cue *.cue
var embedded embed.FS

// ModulePath is the CUE module that topologies import: `import "plumbline.internal/schema"`.
const ModulePath = "plumbline.internal/schema@v0"

// ModuleVersion is the only version of the module that this binary knows; there is nothing to choose.
const ModuleVersion = "v0.1.0"

// FS is the CUE module that describes topologies, as it is in this binary. `plumb init` writes it out for editors.
func FS() fs.FS { return embedded }
