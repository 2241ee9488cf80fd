package image

import (
	"path/filepath"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
)

// Spec is a declared image.
type Spec struct {
	Source string `json:"source"`
	SHA256 string `json:"sha256"`
	Dir    string `json:"dir"`
}

// State is an image file as it was found.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide.
type Config struct {
	SHA256 string `json:"sha256,omitempty"`
	Dir    string `json:"dir,omitempty"`
}

// Status is reported, never compared.
type Status struct {
	Path string `json:"path"`
	Size int64  `json:"size"` // bytes
}

// Path is where the image of a name lies.
func Path(dir, name string) string { return files.ImagePath(dir, name) }

// remarks: what is left in another directory.
func remarks(was, now Spec, here bool) []string {
	if here || filepath.Clean(was.Dir) == filepath.Clean(now.Dir) {
		return nil
	}
	return []string{"is fetched into " + now.Dir + "; the file in " + was.Dir + " is left there, and is no longer watched"}
}

// params serve every op of the kind; Retired only those that name a file set aside.
type params struct {
	Mark    actuators.Mark `json:"mark"`
	Path    string         `json:"path"`
	Source  string         `json:"source,omitempty"`
	SHA256  string         `json:"sha256,omitempty"`
	Retired string         `json:"retired,omitempty"`
}

func (p params) config() Config { return Config{SHA256: p.SHA256, Dir: filepath.Dir(p.Path)} }
