package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/load"
)

// LoadController evaluates a controller's own file against #Controller and decodes it. The error is Problems with positions
// in the file.
func LoadController(ctx context.Context, filename string, data []byte, into any) error {
	files, err := readAll(FS())
	if err != nil {
		return fmt.Errorf("cannot read the schema: %w", err)
	}
	composed, _ := compose(Source{Schema: files})
	instances := load.Instances([]string{importPath}, &load.Config{
		FS: composed, Dir: "/", ModuleRoot: "/", Env: []string{}, Registry: registry{newTree(files)},
	})
	if instances[0].Err != nil {
		return fmt.Errorf("internal error: the schema in this binary is broken: %w", instances[0].Err)
	}
	cuectx := cuecontext.New()
	definition := cuectx.BuildInstance(instances[0]).LookupPath(cue.ParsePath("#Controller"))
	user := cuectx.CompileBytes(data, cue.Filename(filename))
	if user.Err() != nil {
		return controllerProblems(user.Err(), definition, filename)
	}
	value := definition.Unify(user)
	if err := value.Validate(cue.Concrete(true)); err != nil {
		return controllerProblems(err, definition, filename)
	}
	text, err := value.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filename, err)
	}
	return ctx.Err()
}

// controllerProblems names the place of each mistake in the user's file, not in the schema.
func controllerProblems(err error, definition cue.Value, filename string) Problems {
	var problems Problems
	for _, e := range errors.Errors(err) {
		p := Problem{Pos: Pos{File: filename}}
		for _, at := range errors.Positions(e) {
			if at.Filename() == filename {
				p.Pos = Pos{File: filename, Line: at.Line(), Col: at.Column()}
				break
			}
		}
		path := e.Path()
		if len(path) > 0 && path[0] == "#Controller" {
			path = path[1:]
		}
		format, args := e.Msg()
		p.Path, p.Text = strings.Join(path, "."), clean(fmt.Sprintf(format, args...))
		if strings.Contains(format, "not allowed") && len(path) > 0 {
			p.Text = fmt.Sprintf("unknown field %q", p.Path)
			p.Remedy = didYouMean(path[len(path)-1], fieldNames(definition, path[:len(path)-1]), "")
		} else if p.Path != "" {
			p.Text = p.Path + ": " + p.Text
		}
		problems = append(problems, p)
	}
	return tellEachFieldOnce(problems).Sort()
}

// fieldNames lists what may stand in a field of a definition.
func fieldNames(definition cue.Value, path []string) []string {
	for _, element := range path {
		definition = definition.LookupPath(cue.MakePath(cue.Str(element).Optional()))
	}
	var names []string
	fields, err := definition.Fields(cue.Optional(true))
	if err != nil {
		return nil
	}
	for fields.Next() {
		names = append(names, fields.Selector().Unquoted())
	}
	return names
}

// tellEachFieldOnce keeps the most telling problem of each field: a default makes CUE report the same mistake as a
// disjunction, a conflict with the default, and what it really is.
func tellEachFieldOnce(problems Problems) Problems {
	vague := func(p Problem) bool {
		return strings.Contains(p.Text, "disjunction") || strings.Contains(p.Text, "conflicting values")
	}
	best := map[string]Problem{}
	var order []string
	for _, p := range problems {
		old, seen := best[p.Path]
		if !seen {
			order = append(order, p.Path)
		}
		if !seen || vague(old) && !vague(p) {
			best[p.Path] = p
		}
	}
	out := make(Problems, len(order))
	for i, path := range order {
		out[i] = best[path]
	}
	return out
}
