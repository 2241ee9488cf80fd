package schema

import (
	"bytes"
	"maps"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"
)

// packages lists the directories that hold a package. It refuses files whose attributes would read other files or
// depend on more than the commit; their packages are not evaluated.
func (e *evaluator) packages() []string {
	if len(e.src.Locate) > 0 {
		return e.located()
	}
	dirs, refused := map[string]bool{}, map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(e.src.Files)) {
		switch {
		case name == moduleFile:
		case e.refuseBytes(name), e.refuseAttributes(name):
			refused[path.Dir(name)] = true
			e.out.Partial = true
		case e.clause(name):
			dirs[path.Dir(name)] = true
		}
	}
	maps.DeleteFunc(dirs, func(dir string, _ bool) bool {
		return refused[dir] || e.src.Only != nil && !slices.Contains(e.src.Only, dir)
	})
	return slices.Sorted(maps.Keys(dirs))
}

func (e *evaluator) located() []string {
	dirs := map[string]bool{}
	for _, field := range e.src.Locate {
		dirs[field.Dir] = true
	}
	return slices.Sorted(maps.Keys(dirs))
}

// clause tells whether a file belongs to a package. A file that does not parse is said to, so that its error is found.
func (e *evaluator) clause(name string) bool {
	file, err := parser.ParseFile(name, e.src.Files[name], parser.PackageClauseOnly)
	if err != nil || (file.PackageName() != "" && file.PackageName() != "_") {
		return true
	}
	e.out.Warnings = append(e.out.Warnings, strayFile(name))
	return false
}

func strayFile(name string) Problem {
	return Problem{
		Pos:    Pos{File: name, Line: 1, Col: 1},
		Text:   "this file has no package clause and is not part of the topology",
		Remedy: "begin it with `package NAME`, or put an underscore before its name",
	}
}

var refusedAttributes = []string{"if", "embed", "extern"}

// refuseBytes reports a file that is no text in UTF-8, and tells whether it was one.
func (e *evaluator) refuseBytes(name string) bool {
	data := e.src.Files[name]
	at := notText(data)
	if at < 0 {
		return false
	}
	line, col := 1+bytes.Count(data[:at], []byte("\n")), at-bytes.LastIndexByte(data[:at], '\n')
	e.mistakes.add(Problem{Pos: Pos{File: name, Line: line, Col: col}, Text: "this file is not text in UTF-8", Remedy: "write it anew as UTF-8, or take it out"})
	return true
}

// refuseAttributes reports such attributes, and tells whether there were any.
func (e *evaluator) refuseAttributes(name string) bool {
	data := e.src.Files[name]
	if !mayRefuse(data) {
		return false
	}
	file, err := parser.ParseFile(name, data)
	if err != nil {
		return false // the loader reports it
	}
	refused := false
	ast.Walk(file, func(n ast.Node) bool {
		attribute, ok := n.(*ast.Attribute)
		if !ok {
			return true
		}
		key, _ := attribute.Split()
		if slices.Contains(refusedAttributes, key) {
			e.mistakes.add(Problem{
				Pos: userPos(attribute.Pos()), Text: "the attribute @" + key + " is not allowed in a topology",
				Remedy: "a topology depends on nothing but the CUE of its commit; write the value here",
			})
			refused = true
		}
		return true
	}, nil)
	return refused
}

func compareDeclarations(a, b Declaration) int {
	if c := strings.Compare(string(a.ID), string(b.ID)); c != 0 {
		return c
	}
	return strings.Compare(a.Dir, b.Dir)
}
