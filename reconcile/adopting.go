package reconcile

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"plumbline/actuators"
	"plumbline/reconcile/adopt"
	"plumbline/reconcile/diff"
	"plumbline/reconcile/inventory"
	"plumbline/schema"
)

// Rewriting is a change of the topology that was tried: the topology with it is valid, and says what was asked for.
type Rewriting struct {
	Commit string            `json:"commit"` // that it changes
	Files  map[string][]byte `json:"-"`      // whole new texts, by path in the topology
	Before map[string][]byte `json:"-"`
	Said   []Said            `json:"said"`
	Also   []string          `json:"also,omitempty"` // instances of other objects whose plan is another with it
}

// Said is one field that is declared otherwise now.
type Said struct {
	Instance schema.Instance `json:"instance"`
	Path     string          `json:"path"` // "" = its declaration is taken out
	Live     any             `json:"live"`
	Declared any             `json:"declared"`
	Pos      schema.Pos      `json:"pos"`
}

// ErrNothing means that there is nothing to write.
var ErrNothing = errors.New("nothing differs")

// Adopt writes what is live of objects into the topology of a commit, where their declarations say it: all that drifted, or the fields
// that are named. It is tried before it is given: the topology is valid with it, and what was named differs no more.
func (c *Controller) Adopt(ctx context.Context, commit string, names []string) (*Rewriting, error) {
	t, err := c.tryOn(ctx, commit)
	if err != nil {
		return nil, err
	}
	var wanted []adopt.Name
	for _, name := range names {
		n, err := adopt.Parse(t.graph, name)
		if err != nil {
			return nil, err
		}
		wanted = append(wanted, n)
	}
	var errs []error
	for _, way := range []adopt.Way{adopt.ByImport, adopt.ByChange} {
		out, err := t.adopt(ctx, way, wanted)
		if err == nil {
			return out, nil
		}
		if errs = append(errs, err); ctx.Err() != nil {
			break
		}
	}
	return nil, errs[0] // the import knows more words for why
}

// trial is a topology, and what is live, for changes that are tried on it.
type trial struct {
	c      *Controller
	commit string
	tree   fs.FS
	graph  *schema.Graph
	inv    inventory.Inventory
	world  *diff.World
}

func (c *Controller) tryOn(ctx context.Context, commit string) (*trial, error) {
	graph, err := c.Load(ctx, commit)
	if err != nil {
		return nil, err
	}
	t := &trial{c: c, commit: commit, graph: graph}
	if t.tree, err = treeOf(ctx, c.source, commit); err != nil {
		return nil, err
	}
	if t.inv, err = c.inventory(); err != nil {
		return nil, err
	}
	t.world = c.Observe(ctx, graph, t.inv)
	return t, nil
}

func (t *trial) adopt(ctx context.Context, way adopt.Way, wanted []adopt.Name) (*Rewriting, error) {
	out := &Rewriting{Commit: t.commit}
	var edits []schema.Edit
	var left []string
	for _, name := range wanted {
		subjects, err := t.subjects(name)
		if err != nil {
			return nil, err
		}
		for _, s := range subjects {
			more, cannot := s.Edits(way, func(path string) bool { return name.Covers(path) && (name.Path != "" || t.drifted(s, path)) })
			for _, path := range slices.Sorted(maps.Keys(cannot)) {
				left = append(left, fmt.Sprintf("%s: %s cannot be declared as it is: %s", s.Node.Instance, path, strings.ReplaceAll(cannot[path].Error(), "\n", ": ")))
			}
			edits = append(edits, more...)
			out.say(s, name, t)
		}
	}
	if len(left) > 0 {
		return nil, errors.New(strings.Join(left, "\n") + "\nheal it or ignore it; fields that can be declared are adopted by name: plumb adopt OBJECT.FIELD")
	}
	if len(edits) == 0 {
		return nil, fmt.Errorf("%w: what is live is what is declared; \"plumb drift\" says what differs from what was applied", ErrNothing)
	}
	return out, t.write(ctx, out, edits, func(now *trial) error { return now.adopted(t, wanted) })
}

// say takes down what an adoption changes of a subject.
func (r *Rewriting) say(s adopt.Subject, name adopt.Name, t *trial) {
	if s.Finding.Class == diff.Gone {
		r.Said = append(r.Said, Said{Instance: s.Node.Instance, Pos: s.Node.Object.Pos})
		return
	}
	for _, c := range s.Finding.Diff.Changes {
		if name.Covers(c.Path) && (name.Path != "" || t.drifted(s, c.Path)) {
			r.Said = append(r.Said, Said{s.Node.Instance, c.Path, c.From, c.To, s.Node.Object.Pos})
		}
	}
}

// subjects are the instances of a name that differ from their declarations.
func (t *trial) subjects(name adopt.Name) (out []adopt.Subject, err error) {
	for _, n := range t.nodes(name) {
		s, err := t.subject(n)
		switch {
		case err != nil:
			return nil, err
		case s.Finding.Class == diff.Unseen:
			return nil, fmt.Errorf("cannot adopt %s: it is unknown: %s", n.Instance, s.Finding.Why)
		case s.Finding.Class == diff.Gone && name.Path != "":
			return nil, fmt.Errorf("cannot adopt %s of %s: it is gone; \"plumb adopt %s\" takes its declaration out", name.Path, n.Instance, n.ID)
		case s.Live == nil && s.Finding.Class == diff.Changed:
			return nil, fmt.Errorf("cannot adopt %s: what is there is not ours; declare it with manage: \"adopt\"", n.Instance)
		case s.Finding.Class != diff.Clean:
			out = append(out, s)
		}
	}
	return out, nil
}

func (t *trial) nodes(name adopt.Name) (out []*schema.Node) {
	for _, n := range t.graph.Nodes {
		if n.ID == name.ID && (name.Host == "" || n.Host == name.Host) {
			out = append(out, n)
		}
	}
	return out
}

// subject compares one instance with its declaration.
func (t *trial) subject(n *schema.Node) (adopt.Subject, error) {
	kind, ok := t.c.kinds.Kind(n.ID.Kind())
	if !ok {
		return adopt.Subject{}, fmt.Errorf("internal error: no kind %q", n.ID.Kind())
	}
	entry := inventory.Of(n, t.commit)
	s := adopt.Subject{Kind: kind, Node: n, Graph: t.graph, Finding: diff.Drift(kind, &entry, t.world, t.c.installation())}
	if look := t.world.Look(n.Host, kind.Name); look != nil {
		for i := range look.Found {
			one := &look.Found[i]
			ours := one.Mark == nil || one.Mark.Installation == t.c.installation() || n.Object.Meta.Manage == schema.Observe
			if one.ID == n.ID && !one.Retired && one.Unknown == "" && ours {
				s.Live = one
			}
		}
	}
	return s, nil
}

// drifted tells whether a field differs from what was applied, too: what only waits to be applied is no drift. Of what was never
// applied everything counts.
func (t *trial) drifted(s adopt.Subject, path string) bool {
	entry := t.inv[s.Node.Instance]
	if entry == nil || entry.Retired != nil {
		return true
	}
	past := diff.Drift(s.Kind, entry, t.world, t.c.installation())
	return slices.ContainsFunc(past.Diff.Changes, func(c actuators.Change) bool { return c.Path == path })
}

// write tries edits: with them the topology is valid, and proof finds nothing wrong.
func (t *trial) write(ctx context.Context, out *Rewriting, edits []schema.Edit, proof func(now *trial) error) (err error) {
	if out.Files, err = schema.Rewrite(t.tree, edits); err != nil {
		return err
	}
	now := *t
	now.tree = overlay{t.tree, out.Files}
	now.graph, err = schema.Load(ctx, now.tree, t.commit, t.c.kinds, schema.WithEvaluator(t.c.eval), schema.WithFormer(formerProvider(t.inv)))
	if err == nil {
		err = proof(&now)
	}
	if err != nil {
		return t.byHand(ctx, edits, err)
	}
	out.Before = map[string][]byte{}
	for name := range out.Files {
		if out.Before[name], err = fs.ReadFile(t.tree, name); err != nil {
			return err
		}
	}
	out.Also = now.others(t, edits)
	return nil
}

// adopted tells what of the names differs still, or differs anew.
func (t *trial) adopted(was *trial, wanted []adopt.Name) error {
	for _, name := range wanted {
		for _, n := range t.nodes(adopt.Name{ID: name.ID}) {
			now, err := t.subject(n)
			if err != nil {
				return err
			}
			var before adopt.Subject
			if old := was.graph.Node(n.Instance); old != nil {
				before, err = was.subject(old)
			}
			if err != nil {
				return err
			}
			for _, c := range now.Finding.Diff.Changes {
				fresh := !slices.ContainsFunc(before.Finding.Diff.Changes, func(old actuators.Change) bool { return old.Path == c.Path })
				meant := (name.Host == "" || name.Host == n.Host) && name.Covers(c.Path) && (name.Path != "" || was.drifted(before, c.Path))
				switch {
				case fresh:
					return fmt.Errorf("%s would differ then: its %s is %s; the declaration is one for all its hosts", n.Instance, c.Path, plainly(c.From))
				case meant:
					return fmt.Errorf("%s would differ still: its %s is %s, and %s would be declared", n.Instance, c.Path, plainly(c.From), plainly(c.To))
				}
			}
		}
	}
	return nil
}

func plainly(v any) string {
	if v == nil {
		return "not there"
	}
	return fmt.Sprintf("%q", fmt.Sprint(v))
}

// others are the instances of other objects that compare otherwise now.
func (t *trial) others(was *trial, edits []schema.Edit) (out []string) {
	for _, n := range t.graph.Nodes {
		if slices.ContainsFunc(edits, func(e schema.Edit) bool { return e.ID == n.ID }) {
			continue
		}
		if old := was.graph.Node(n.Instance); old == nil || old.Hash != n.Hash {
			out = append(out, n.Instance.String())
		}
	}
	return out
}

// byHand names the places that say what could not be written.
func (t *trial) byHand(ctx context.Context, edits []schema.Edit, cause error) error {
	var fields []schema.Field
	for _, e := range edits {
		if t.graph.Object(e.ID) == nil {
			return cause // it was to be new
		}
		fields = append(fields, schema.Field{Dir: path.Dir(e.File), ID: e.ID, Path: e.Path})
	}
	found, err := schema.Locate(ctx, t.tree, fields, schema.WithEvaluator(t.c.eval))
	if err != nil {
		return errors.Join(cause, err)
	}
	var lines []string
	for i, f := range fields {
		what := string(edits[i].Value)
		if edits[i].Value == nil {
			what = "taken out"
		}
		lines = append(lines, fmt.Sprintf("%s: %s.%s: %s", found[f], f.ID, f.Path, what))
	}
	why := cause.Error()
	if problems, _, mistaken := schema.Told(cause); mistaken && len(problems) > 0 {
		why = problems[0].String()
	}
	return fmt.Errorf("%w: %s\nwrite it by hand, where it is said:\n  %s", ErrByHand, why, strings.Join(lines, "\n  "))
}

// ErrByHand means that a declaration cannot be changed in its own place: a pattern, a template or a condition says it.
var ErrByHand = errors.New("cannot write it into the declaration")

// overlay is a tree with other texts of some files.
type overlay struct {
	fs.FS
	files map[string][]byte
}

// ReadFile implements fs.ReadFileFS.
func (o overlay) ReadFile(name string) ([]byte, error) {
	if data, ok := o.files[name]; ok {
		return data, nil
	}
	return fs.ReadFile(o.FS, name)
}
