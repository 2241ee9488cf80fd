package schema

// finding is a problem whose positions may still have to be looked up.
type finding struct {
	Problem
	also []Field // the other ends, without Dir
}

// report keeps problems whose position is known.
func (r *resolver) report(problems ...Problem) {
	for _, p := range problems {
		r.find(finding{Problem: p})
	}
}

// find keeps a finding, up to the most that a load remembers.
func (r *resolver) find(f finding) {
	if len(r.findings) < maxProblems {
		r.findings = append(r.findings, f)
	}
}

// wrong keeps what is wrong with a field of an object.
func (r *resolver) wrong(id ID, path, text, remedy string, also ...Field) {
	r.find(finding{Problem: Problem{Object: id, Path: path, Text: text, Remedy: remedy}, also: also})
}

// field completes an object's field with the directory of its package.
func (r *resolver) field(id ID, path string) Field {
	if d, ok := r.declared[id]; ok {
		return Field{Dir: d.Dir, ID: id, Path: path}
	}
	return Field{ID: id, Path: path}
}

// problems is everything found, with positions, sorted.
func (r *resolver) problems(found map[Field]Pos) Problems {
	all := make(Problems, 0, len(r.findings))
	for _, f := range r.findings {
		p := f.Problem
		if p.Pos.IsZero() && p.Object != "" {
			p.Pos = r.locate(found, p.Object, p.Path)
		}
		for _, also := range f.also {
			p.Also = append(p.Also, r.locate(found, also.ID, also.Path))
		}
		all = append(all, p)
	}
	return all.Sort()
}

// locate is the position of a field, or of its object.
func (r *resolver) locate(found map[Field]Pos, id ID, path string) Pos {
	if pos := found[r.field(id, path)]; !pos.IsZero() {
		return pos
	}
	return r.declared[id].Pos
}
