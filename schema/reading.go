package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// read asks a kind about one object, or remembers. It changes nothing but the item, so that many can be asked about at once.
func (r *resolver) read(i int) error {
	it := &r.items[i]
	switch {
	case it.Spec == nil || it.kind == nil || it.broken:
		return nil
	case it.unchanged:
		it.seen.home, it.seen.own, it.object = it.before.home, it.before.own, it.before.object
		return nil
	}
	object := &Object{ID: it.name(), Pos: it.Pos}
	if err := it.seen.read(object, it.Spec, it.kind); err != nil {
		return err
	}
	it.object = object
	return nil
}

// outline says what is wrong with an object that could not be read.
func (r *resolver) outline(it *item, err error) {
	if it.kind == nil && it.Spec != nil {
		r.wrong(it.name(), "", fmt.Sprintf("there is no kind %q in this binary", it.name().Kind()), "known kinds: "+list(r.kinds.Names(), "and"))
	}
	if err != nil {
		r.fail(it, "", err)
	}
	if it.object == nil {
		r.breaks(it)
	}
}

// read asks a kind what an object declares.
func (seen *remembered) read(object *Object, declared json.RawMessage, kind KindInfo) error {
	if err := seen.split(object, declared, kind.Where() == OnHost); err != nil {
		return err
	}
	outline, err := kind.Outline(object.ID, object.Spec)
	if err != nil {
		return err
	}
	if home := outline.Home; home != "" && !slices.ContainsFunc(outline.Edges, func(e Edge) bool { return e.To == home }) {
		outline.Edges = append(outline.Edges, Edge{To: home})
	}
	seen.home, object.Edges = outline.Home, outline.Edges
	return nil
}

// fail reports an error of a kind about one object, which is then broken.
func (r *resolver) fail(it *item, path string, err error) {
	r.breaks(it)
	var problems Problems
	if errors.As(err, &problems) {
		r.reportFor(it.name(), problems)
		return
	}
	r.wrong(it.name(), path, err.Error(), "")
}

// reportFor keeps problems that a kind found in an object of its own.
func (r *resolver) reportFor(id ID, problems []Problem) {
	for _, p := range problems {
		if p.Object == "" {
			p.Object = id
		}
		r.report(p)
	}
}
