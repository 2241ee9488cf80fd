package schema

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"time"
)

// Evaluator turns the CUE of a topology into objects, in this process or in one that can be killed.
type Evaluator interface {
	Evaluate(ctx context.Context, src Source) (Evaluation, error)
}

// InProcess evaluates without limits, for topologies that are trusted.
func InProcess() Evaluator { return inProcess{} }

type inProcess struct{}

func (inProcess) Evaluate(ctx context.Context, src Source) (Evaluation, error) {
	return Evaluate(ctx, src)
}

// Option changes how a topology is loaded.
type Option func(*loader)

// WithEvaluator chooses who evaluates the CUE. The default is InProcess.
func WithEvaluator(e Evaluator) Option { return func(l *loader) { l.evaluator = e } }

// WithSchema replaces the embedded schema module, such as for tests with kinds of their own.
func WithSchema(module fs.FS) Option { return func(l *loader) { l.schema = module } }

// WithFormer tells who provided a fact in what was applied last, "" for nobody, so that the loss of a provider names it.
func WithFormer(former func(Fact) ID) Option { return func(l *loader) { l.former = former } }

// Load reads the topology of one commit and resolves it into a Graph. All mistakes are reported in one run: the error
// is then Problems, sorted by position, in TooMany if there are more than anybody would read. Any other error means that the
// topology could not be read.
//
// Evaluation and resolution both go on beyond mistakes; what depends on a broken object is left out, so that one
// mistake is told once.
func Load(ctx context.Context, fsys fs.FS, commit string, kinds Kinds, opts ...Option) (*Graph, error) {
	l := &loader{kinds: kinds, evaluator: InProcess(), schema: FS(), former: func(Fact) ID { return "" }}
	for _, opt := range opts {
		opt(l)
	}
	g, err := l.load(ctx, fsys, commit)
	if g != nil {
		Problems(g.Warnings).harmless()
	}
	var problems Problems
	if errors.As(err, &problems) {
		problems.harmless()
	}
	return g, err
}

func (l *loader) load(ctx context.Context, fsys fs.FS, commit string) (_ *Graph, err error) {
	if l.stock, err = readStock(fsys, l.cache); err != nil {
		return nil, err
	}
	if l.module, err = readAll(l.schema); err != nil {
		return nil, fmt.Errorf("cannot read the schema: %w", err)
	}
	evaluation, err := l.evaluate(ctx)
	if err != nil {
		return nil, err
	}
	past := newMemo(l.kinds)
	if l.cache != nil {
		past = l.cache.memo.Load().of(l.kinds)
	}
	r := newResolver(l.kinds, evaluation, past)
	r.former, r.secrets.fsys = l.former, fsys
	r.once = l.cache != nil && l.cache.once
	r.report(l.stock.problems...)
	r.resolve()
	if l.cache != nil && !r.once {
		l.cache.memo.Store(r.present)
	}
	if r.findings.any() {
		return nil, l.locate(ctx, r)
	}
	g := r.graph(commit)
	g.Approvals, g.Ignores = r.approvals, r.ignores
	g.Warnings = append(slices.Clone(evaluation.Warnings), ignoreWarnings(g, time.Now())...)
	return g, nil
}

type loader struct {
	kinds     Kinds
	evaluator Evaluator
	schema    fs.FS
	former    func(Fact) ID
	cache     *Cache // nil: everything is evaluated

	stock  *stock
	module map[string][]byte // the files of the schema
}

// evaluate answers for all packages: from the cache where it can, else by evaluating what those packages need.
func (l *loader) evaluate(ctx context.Context) (Evaluation, error) {
	if l.cache == nil {
		src, err := l.stock.all()
		if err != nil {
			return Evaluation{}, err
		}
		src.Schema = l.module
		return l.evaluator.Evaluate(ctx, src)
	}
	return l.cache.evaluate(ctx, l.evaluator, l.stock, l.module)
}

// locate gives every finding its position. Positions of fields are not kept for sound topologies; the packages
// concerned are evaluated once more for them.
func (l *loader) locate(ctx context.Context, r *resolver) error {
	var fields []Field
	for _, f := range r.findings.first() {
		if f.Pos.IsZero() && f.Object != "" {
			fields = append(fields, r.field(f.Object, f.Path))
		}
		for _, also := range f.also {
			fields = append(fields, r.field(also.ID, also.Path))
		}
	}
	found, err := l.positions(ctx, fields)
	if err != nil {
		return err
	}
	return tooMany(r.problems(found), r.findings.more)
}

// positions looks fields up in their packages.
func (l *loader) positions(ctx context.Context, fields []Field) (map[Field]Pos, error) {
	found := map[Field]Pos{}
	if len(fields) == 0 {
		return found, nil
	}
	src, err := l.located(fields)
	if err != nil {
		return nil, err
	}
	evaluation, err := l.evaluator.Evaluate(ctx, src)
	if err != nil {
		return nil, err
	}
	for i, field := range fields {
		found[field] = evaluation.Found[i]
	}
	return found, nil
}

// Locate finds where fields of objects are said, or the nearest thing around them that has a place, also by a template or a default.
// Field.Dir is the directory of the package.
func Locate(ctx context.Context, fsys fs.FS, fields []Field, opts ...Option) (_ map[Field]Pos, err error) {
	l := &loader{evaluator: InProcess(), schema: FS()}
	for _, opt := range opts {
		opt(l)
	}
	if l.stock, err = readStock(fsys, l.cache); err != nil {
		return nil, err
	}
	if l.module, err = readAll(l.schema); err != nil {
		return nil, fmt.Errorf("cannot read the schema: %w", err)
	}
	return l.positions(ctx, fields)
}

// located is the source that answers where fields are.
func (l *loader) located(fields []Field) (src Source, err error) {
	if l.cache == nil {
		src, err = l.stock.all()
	} else {
		dirs := map[string]bool{}
		for _, field := range fields {
			dirs[field.Dir] = true
		}
		src, err = l.stock.part(slices.Collect(maps.Keys(dirs)))
	}
	src.Schema, src.Locate = l.module, fields
	return src, err
}
