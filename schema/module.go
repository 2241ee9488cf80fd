package schema

import (
	"context"
	"fmt"
	"io/fs"
	"strings"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/mod/modfile"
	"cuelang.org/go/mod/module"
)

// mount is where the schema stands among the files of a topology while it is evaluated. The loader needs both in one
// file system.
const mount = "zz-plumbline-schema"

// defaultModule is the module of a topology that has no cue.mod: its packages import each other as "topology.local/dir".
const defaultModule = "topology.local@v0"

const languageVersion = "v0.17.0"

// registry knows one module, the schema in this binary. There is no other, so nothing is ever fetched.
type registry struct{ fsys fs.FS }

// ModFile implements modconfig.Registry.
func (r registry) ModFile(_ context.Context, m module.Version) (*modfile.File, error) {
	if m.Path() != ModulePath {
		return nil, fmt.Errorf("module %s: %w", m.Path(), fs.ErrNotExist)
	}
	data, err := fs.ReadFile(r.fsys, moduleFile)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(data, moduleFile)
}

// Fetch implements modconfig.Registry.
func (r registry) Fetch(_ context.Context, m module.Version) (module.SourceLoc, error) {
	if m.Path() != ModulePath {
		return module.SourceLoc{}, fmt.Errorf("module %s: %w", m.Path(), fs.ErrNotExist)
	}
	return module.SourceLoc{FS: rooted{r.fsys}, Dir: "."}, nil
}

// ModuleVersions implements modconfig.Registry.
func (r registry) ModuleVersions(_ context.Context, path string) ([]string, error) {
	if base, _, _ := strings.Cut(ModulePath, "@"); path != ModulePath && path != base {
		return nil, nil
	}
	return []string{ModuleVersion}, nil
}

// rooted tells the loader where the schema is mounted. Without it the loader cannot name the files of the schema.
type rooted struct{ fs.FS }

// OSRoot implements module.OSRootFS.
func (rooted) OSRoot() string { return "/" + mount }

// compose lays the schema beside the files of a topology and puts our own module file on top: it keeps the name and
// language version of the user's, and depends on the schema alone.
func compose(src Source) (*tree, []Problem) {
	files := make(map[string][]byte, len(src.Files)+len(src.Schema))
	for name, data := range src.Files {
		files[name] = data
	}
	for name, data := range src.Schema {
		files[mount+"/"+name] = data
	}
	name, version, problems := moduleIdentity(src)
	const form = "module: %q\nlanguage: version: %q\ndeps: %q: v: %q\n"
	files[moduleFile] = fmt.Appendf(nil, form, name, version, ModulePath, ModuleVersion)
	return newTree(files), problems
}

// moduleIdentity is the module path and language version that a topology declares, or the defaults.
func moduleIdentity(src Source) (name, version string, problems []Problem) {
	name, version = defaultModule, languageVersion
	data, ok := src.Files[moduleFile]
	if !ok {
		return name, version, nil
	}
	parsed, err := modfile.ParseNonStrict(data, moduleFile)
	if err != nil {
		return name, version, []Problem{moduleProblem(err)}
	}
	if base, _, _ := strings.Cut(ModulePath, "@"); parsed.QualifiedModule() == ModulePath || strings.HasPrefix(parsed.QualifiedModule(), base+"@") {
		return name, version, []Problem{{
			Pos: Pos{File: moduleFile, Line: 1, Col: 1}, Text: fmt.Sprintf("the module is called %q, which is the schema itself", parsed.QualifiedModule()),
			Remedy: fmt.Sprintf("give it a name of your own, such as module: %q", "NAME@v0"),
		}}
	}
	if parsed.Language != nil && parsed.Language.Version != "" {
		version = parsed.Language.Version
	}
	return parsed.QualifiedModule(), version, nil
}

func moduleProblem(err error) Problem {
	p := Problem{
		Pos: Pos{File: moduleFile, Line: 1, Col: 1}, Text: "the module file is not valid: " + clean(err.Error()),
		Remedy: fmt.Sprintf("it needs module: %q and language: version: %q, or leave it out", "NAME@v0", languageVersion),
	}
	for _, pos := range errors.Positions(err) {
		if user := userPos(pos); user.File == moduleFile {
			p.Pos = user
			break
		}
	}
	return p
}

// readAll reads all files of a small file system, such as the embedded schema.
func readAll(fsys fs.FS) (map[string][]byte, error) {
	files := map[string][]byte{}
	err := fs.WalkDir(fsys, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(fsys, name)
		return err
	})
	return files, err
}
