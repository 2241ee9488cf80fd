package schema

import (
	"context"
	"encoding/json"
	"fmt"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
)

// controllerFile is the name of the controller's file while it is evaluated; the user's may lie anywhere.
const controllerFile = "plumb.cue"

// Located is what a controller's file is decoded into when it wants to know where fields stand: Locate is given a function
// that tells it by the field's path, "windows", "0"; zero when the file does not have it.
type Located interface {
	Locate(at func(path ...string) Pos)
}

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
	controller := cuectx.BuildInstance(instances[0]).LookupPath(cue.ParsePath("#Controller"))
	user := cuectx.CompileBytes(data, cue.Filename(controllerFile))
	if user.Err() != nil {
		return controllerProblems(user.Err(), controller, user, files, filename, data)
	}
	value := controller.Unify(user)
	if err := value.Validate(cue.Concrete(true)); err != nil {
		return controllerProblems(err, controller, user, files, filename, data)
	}
	text, err := value.MarshalJSON()
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", filename, err)
	}
	if located, ok := into.(Located); ok {
		located.Locate(func(path ...string) Pos {
			pos := userPos(user.LookupPath(fieldPath(path)).Pos())
			if !pos.IsZero() {
				pos.File = filename
			}
			return pos
		})
	}
	return ctx.Err()
}

// controllerProblems tells mistakes as those of a topology are told.
func controllerProblems(err error, controller, user cue.Value, schema map[string][]byte, filename string, data []byte) Problems {
	t := &translator{
		src:   Source{Files: map[string][]byte{controllerFile: data}},
		words: vocabulary{topology: controller, definitions: func() []definition { return readDefinitions(schema) }},
		flat:  true,
	}
	problems := Problems(t.translate(err))
	for i := range problems {
		p := &problems[i]
		if p.Pos.IsZero() && p.Path != "" {
			p.Pos = userPos(user.LookupPath(fieldPath(splitPath(p.Path))).Pos())
		}
		p.Pos.File = filename
		for j := range p.Also {
			p.Also[j].File = filename
		}
	}
	return problems.Sort()
}
