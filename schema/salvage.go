package schema

import (
	"encoding/json"
	"maps"
	"slices"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
)

// salvage judges each object of a package alone, once the whole was found to be wrong: the sound ones are still used,
// so that mistakes between objects are told in the same run.
func (p *pack) salvage(err error) ([]Declaration, []Problem) {
	problems := p.words.translate(err)
	known := p.words.words.fields(nil)
	var objects []Declaration
	for _, id := range p.names() {
		value := p.value.LookupPath(objectPath(id))
		declaration := Declaration{ID: id, Dir: p.dir, Pos: p.position(id, "")}
		if !slices.Contains(known, id.Kind()) {
			objects = append(objects, declaration)
			continue
		}
		problems = append(problems, p.strays(id)...)
		if !value.Exists() {
			objects = append(objects, declaration)
			continue
		}
		if err := value.Validate(cue.Concrete(true), cue.Final()); err != nil {
			problems = append(problems, p.words.translate(err)...)
		} else if data, err := value.MarshalJSON(); err == nil && json.Valid(data) {
			objects = append(objects, p.declarations(id, data)...)
			continue
		}
		objects = append(objects, declaration)
	}
	return objects, problems
}

// names lists all objects of the package, also those that cannot be evaluated.
func (p *pack) names() []ID {
	ids := map[ID]bool{}
	for id := range p.index.objects {
		ids[id] = true
	}
	for kinds, _ := p.value.Fields(); kinds != nil && kinds.Next(); {
		for names, _ := kinds.Value().Fields(); names != nil && names.Next(); {
			ids[MakeID(kinds.Selector().Unquoted(), names.Selector().Unquoted())] = true
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// strays finds unknown fields in what is written out for an object: CUE may hide them behind its other errors.
func (p *pack) strays(id ID) []Problem {
	var problems []Problem
	for _, place := range p.index.objects[id] {
		problems = append(problems, p.straysIn(place.value, []string{id.Kind(), id.Name()})...)
	}
	return problems
}

func (p *pack) straysIn(value ast.Expr, path []string) []Problem {
	var problems []Problem
	known := p.words.words.closed(path)
	fields([]ast.Expr{value}, func(name string, inner place) {
		at := append(slices.Clone(path), name)
		if inner.label != nil && known != nil && !slices.Contains(known, name) {
			problem := Problem{Object: MakeID(path[0], path[1]), Path: joinPath(at[2:]), Pos: userPos(inner.label.Pos())}
			p.words.unknownField(&problem, at)
			problems = append(problems, problem)
			return
		}
		problems = append(problems, p.straysIn(inner.value, at)...)
	})
	return problems
}
