package schema

// report keeps problems whose position is known.
func (r *resolver) report(problems ...Problem) {
	for _, p := range problems {
		r.find(finding{Problem: p})
	}
}

// find keeps a finding, if it is among the first.
func (r *resolver) find(f finding) {
	f.at = f.Pos
	if f.at.IsZero() {
		f.at = r.position(f.Object)
	}
	r.findings.add(f)
}

// wrong keeps what is wrong with a field of an object.
func (r *resolver) wrong(id ID, path, text, remedy string, also ...Field) {
	r.find(finding{Problem: Problem{Object: id, Path: path, Text: text, Remedy: remedy}, also: also})
}

// wrongly is wrong with a remedy that takes long to find.
func (r *resolver) wrongly(id ID, path, text string, remedy func() string) {
	r.find(finding{Problem: Problem{Object: id, Path: path, Text: text}, finish: func(p *Problem) { p.Remedy = remedy() }})
}

// field completes an object's field with the directory of its package.
func (r *resolver) field(id ID, path string) Field {
	if it := r.item(id); it != nil {
		return Field{Dir: it.Dir, ID: id, Path: path}
	}
	return Field{ID: id, Path: path}
}

// problems is everything found, with positions, sorted.
func (r *resolver) problems(found map[Field]Pos) Problems {
	all := make(Problems, 0, len(r.findings.kept))
	for _, f := range r.findings.kept {
		p := f.Problem
		if f.finish != nil {
			f.finish(&p)
		}
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
	return r.position(id)
}

// position is where an object is declared; zero if it is not.
func (r *resolver) position(id ID) (pos Pos) {
	if it := r.item(id); it != nil {
		pos = it.Pos
	}
	return pos
}
