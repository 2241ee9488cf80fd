package schema

import (
	"context"
	"fmt"
	"io/fs"
)

// maxProblems bounds what one load keeps of a topology that is wrong everywhere.
const maxProblems = 1000

// Evaluator turns the CUE of a topology into objects, in this process or in one that can be killed.
type Evaluator interface {
	Evaluate(ctx context.Context, src Source) (Evaluation, error)
}

// InProcess evaluates without limits, for topologies that are trusted.
func InProcess() Evaluator { return inProcess{} }

type inProcess struct{}

func (inProcess) Evaluate(ctx context.Context, src Source) (Evaluation, error) {
	return Evaluate(ctx, src, nil)
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
// is then Problems, sorted by position. Any other error means that the topology could not be read.
//
// Evaluation and resolution both go on beyond mistakes; what depends on a broken object is left out, so that one
// mistake is told once.
func Load(ctx context.Context, fsys fs.FS, commit string, kinds Kinds, opts ...Option) (*Graph, error) {
	l := &loader{kinds: kinds, evaluator: InProcess(), schema: FS(), former: func(Fact) ID { return "" }}
	for _, opt := range opts {
		opt(l)
	}
	src, problems, err := readSource(fsys)
	if err != nil {
		return nil, err
	}
	if src.Schema, err = readAll(l.schema); err != nil {
		return nil, fmt.Errorf("cannot read the schema: %w", err)
	}
	evaluation, err := l.evaluator.Evaluate(ctx, src)
	if err != nil {
		return nil, err
	}
	r := newResolver(kinds, evaluation)
	r.former = l.former
	r.report(problems...)
	r.resolve()
	if len(r.findings) > 0 {
		return nil, l.locate(ctx, src, r)
	}
	g := NewGraph(commit, r.sound(), r.nodes())
	g.External, g.Warnings = r.external, evaluation.Warnings
	return g, nil
}

type loader struct {
	kinds     Kinds
	evaluator Evaluator
	schema    fs.FS
	former    func(Fact) ID
}

// locate gives every finding its position. Positions of fields are not kept for sound topologies; the packages
// concerned are evaluated once more for them.
func (l *loader) locate(ctx context.Context, src Source, r *resolver) error {
	for _, f := range r.findings {
		if f.Pos.IsZero() && f.Object != "" {
			src.Locate = append(src.Locate, r.field(f.Object, f.Path))
		}
		for _, also := range f.also {
			src.Locate = append(src.Locate, r.field(also.ID, also.Path))
		}
	}
	found := map[Field]Pos{}
	if len(src.Locate) > 0 {
		evaluation, err := l.evaluator.Evaluate(ctx, src)
		if err != nil {
			return err
		}
		for i, field := range src.Locate {
			found[field] = evaluation.Found[i]
		}
	}
	return r.problems(found)
}
