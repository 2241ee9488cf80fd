package volume

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"

	"plumbline/actuators"
	"plumbline/actuators/internal/files"
	"plumbline/schema"
)

// Spec is a declared volume.
type Spec struct {
	Pool     string   `json:"pool"`
	Size     string   `json:"size"`
	From     string   `json:"from,omitempty"`
	Format   string   `json:"format"`
	File     string   `json:"file,omitempty"`
	Resolved Resolved `json:"resolved,omitzero"`
}

// Resolved is what comes from pool and image.
type Resolved struct {
	Dir   string `json:"dir,omitempty"`   // of the pool
	Path  string `json:"path,omitempty"`  // of the volume
	Image string `json:"image,omitempty"` // path of the image
}

// State is a disk file as it was found.
type State struct {
	Config Config `json:"config"`
	Status Status `json:"status"`
}

// Config is what operations decide.
type Config struct {
	Size   int64  `json:"size,omitempty"` // virtual, in bytes
	Format string `json:"format,omitempty"`
}

// Status is reported, never compared.
type Status struct {
	Path      string `json:"path"`
	Allocated int64  `json:"allocated"`         // bytes on disk
	Broken    string `json:"broken,omitempty"`  // why it cannot be read as a disk
	Backing   string `json:"backing,omitempty"` // what a foreign file is a difference to
	Used      bool   `json:"used,omitempty"`    // a domain has it as a disk; told only of what a search found
}

func home(s Spec) schema.ID { return schema.MakeID("pool", s.Pool) }

func edges(s Spec) []schema.Edge {
	edges := []schema.Edge{{Path: "pool", To: home(s)}}
	if s.From != "" {
		edges = append(edges, schema.Edge{Path: "from", To: schema.MakeID("image", s.From)})
	}
	return edges
}

// maxName leaves room in a file name (255 bytes) for what else ours carry.
const maxName = 200

// check tells what CUE lets through and no file can be.
func check(id schema.ID, s Spec) []schema.Problem {
	var problems []schema.Problem
	if _, err := schema.ParseSize(s.Size); err != nil {
		problems = append(problems, schema.Problem{Object: id, Path: "size", Text: err.Error(), Remedy: "choose a smaller one"})
	}
	if name := id.Name(); len(name) > maxName {
		problems = append(problems, schema.Problem{Object: id, Text: fmt.Sprintf("the name is longer than %d characters and does not fit the names of its files", maxName), Remedy: "choose a shorter one"})
	} else if _, _, retired := files.Split(cmp.Or(s.File, name+".raw")); !retired.IsZero() {
		problems = append(problems, schema.Problem{Object: id, Text: "a file of this name is one that was set aside by a removal", Remedy: "choose another name"})
	}
	return problems
}

// provides claims the file: the console of a guest must not be written to it.
func provides(i schema.Instance, s Spec) []schema.Use {
	return []schema.Use{{Fact: schema.Fact{Type: "file", Scope: i.Host, Value: s.Resolved.Path}, Exclusive: true}}
}

func resolve(id schema.ID, at schema.Place, s *Spec, look actuators.Lookup) []schema.Problem {
	problems := check(id, *s)
	if len(at.Hosts) > 1 {
		problems = append(problems, schema.Problem{Object: id, Path: "pool",
			Text: fmt.Sprintf("pool/%s is on %d hosts and a volume lives on one", s.Pool, len(at.Hosts)), Remedy: "say which with host"})
	}
	var pool struct{ Dir string }
	if _, ok := look.Into(home(*s), &pool); ok {
		s.Resolved.Dir = filepath.Clean(pool.Dir)
		s.Resolved.Path = Path(s.Resolved.Dir, id.Name(), s.Format)
		if s.File != "" {
			s.Resolved.Path = filepath.Join(s.Resolved.Dir, s.File)
		}
	}
	var image struct{ Dir string }
	if s.From == "" {
		return problems
	}
	hosts, ok := look.Into(schema.MakeID("image", s.From), &image)
	if ok && !slices.Contains(hosts, at.Host) {
		problems = append(problems, schema.Problem{Object: id, Path: "from",
			Text: fmt.Sprintf("image/%s is not on %s, where the volume lives", s.From, at.Host), Remedy: "add the host to the image"})
	}
	if ok {
		s.Resolved.Image = files.ImagePath(image.Dir, s.From)
	}
	return problems
}

// remarks: a disk that is there keeps what it holds.
func remarks(was, now Spec, here bool) []string {
	if !here || was.From == now.From {
		return nil
	}
	made := "was made empty"
	if was.From != "" {
		made = "was made from image/" + was.From
	}
	return []string{made + " and keeps its data: a changed \"from\" counts only when a volume is made"}
}

// Path is where the volume of a name lies in its pool, unless it names its file.
func Path(dir, name, format string) string { return filepath.Join(dir, name+"."+format) }

// bytes is the declared size; Resolve has seen to it that it can be read.
func (s Spec) bytes() int64 {
	n, _ := schema.ParseSize(s.Size)
	return n
}
