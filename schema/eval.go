package schema

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"slices"
	"sync"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/build"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/load"
)

// mostBatch is how many bytes of packages share a CUE context, but for a single larger package. A context never shrinks,
// so it must not live long; but each one evaluates the schema anew. Some 400 objects balance the two, measured.
const mostBatch = 64 << 10

// Source is what an evaluation reads: plain data, so that it can cross to another process.
type Source struct {
	Files  map[string][]byte `json:"files"`            // the CUE files of the topology by slash path, and its module file
	Schema map[string][]byte `json:"schema"`           // the files of the schema module
	Only   []string          `json:"only,omitempty"`   // directories whose packages are asked for; nil = all
	Plan   json.RawMessage   `json:"plan,omitempty"`   // to be held against the policies in Files; then nothing else is answered
	Locate []Field           `json:"locate,omitempty"` // fields whose position is asked for; then nothing else is answered
}

// Field is a field of an object in the package of a directory.
type Field struct {
	Dir  string `json:"dir"`
	ID   ID     `json:"id"`
	Path string `json:"path,omitempty"` // "disks.0.volume"; empty = the object
}

// Declaration is one object as a package declares it.
type Declaration struct {
	ID   ID              `json:"id"`
	Dir  string          `json:"dir"`
	Pos  Pos             `json:"pos"`
	Spec json.RawMessage `json:"spec,omitempty"` // empty if a problem tells why
}

// Evaluation is the answer to a Source.
type Evaluation struct {
	Objects  []Declaration `json:"objects,omitempty"`
	Problems []Problem     `json:"problems,omitempty"` // the first ones, sorted
	More     int           `json:"more,omitempty"`     // how many others there are
	Warnings []Problem     `json:"warnings,omitempty"`
	Partial  bool          `json:"partial,omitempty"`  // a whole package is missing, so unknown names prove nothing
	Sound    []string      `json:"sound,omitempty"`    // directories of packages without a mistake, sorted
	Verdicts []Verdict     `json:"verdicts,omitempty"` // of Source.Plan
	Found    []Pos         `json:"found,omitempty"`    // one for each of Source.Locate; zero where nothing was found
}

// Evaluate turns the CUE of a topology into objects. It is a function of its source: it reads no file, reaches no
// network and starts no process. CUE can neither be cancelled nor limited from within, so what comes from strangers is
// evaluated by a Worker.
//
// What it says of a package depends on nothing but the files in the closure of that package (stock.closure), which is
// what lets a Cache keep it.
func Evaluate(ctx context.Context, src Source) (Evaluation, error) {
	all := &gathering{}
	out, err := evaluate(ctx, src, all)
	out.setObjects(all.objects)
	return out, err
}

// watcher is told of every package as its evaluation begins, and as it ends with its objects. Packages overlap.
type watcher interface {
	began(dir string)
	ended(dir string, objects []Declaration)
}

// gathering is a watcher that keeps all objects.
type gathering struct {
	mu      sync.Mutex
	objects []Declaration
}

func (g *gathering) began(string) {}

func (g *gathering) ended(_ string, objects []Declaration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.objects = append(g.objects, objects...)
}

func (e *Evaluation) setObjects(objects []Declaration) {
	slices.SortFunc(objects, compareDeclarations)
	e.Objects = objects
}

// evaluate gives objects to watch and returns the rest.
func evaluate(ctx context.Context, src Source, watch watcher) (Evaluation, error) {
	if len(src.Plan) > 0 {
		watch.began("the policies")
		return judge(src), ctx.Err()
	}
	composed, problems := compose(src)
	e := &evaluator{src: src, fsys: composed, watch: watch}
	e.definitions = sync.OnceValue(func() []definition { return readDefinitions(src.Schema) })
	e.mistakes.add(problems...)
	if len(src.Locate) > 0 {
		e.out.Found = make([]Pos, len(src.Locate))
	}
	dirs := e.packages()
	group, slots := sync.WaitGroup{}, make(chan struct{}, runtime.GOMAXPROCS(0))
	for part := range portions(dirs, e.size, mostBatch) {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() == nil {
				e.evaluate(part)
			}
		})
	}
	group.Wait()
	slices.Sort(e.out.Sound)
	if len(problems) > 0 {
		e.out.Sound = nil // without a module that can be read, no package means what it says
	}
	e.out.Problems, e.out.More = e.mistakes.told()
	e.out.Warnings = Problems(e.out.Warnings).Sort()
	return e.out, ctx.Err()
}

type evaluator struct {
	src   Source
	fsys  *tree
	watch watcher

	definitions func() []definition

	mu       sync.Mutex
	out      Evaluation
	mistakes mistakes
}

// evaluate loads and evaluates a few packages in a context of their own. What cannot be loaded together is loaded one
// by one, so that no package is judged by the company it was in.
func (e *evaluator) evaluate(dirs []string) {
	instances, err := e.load(dirs)
	switch {
	case err == nil:
		e.build(dirs, instances)
	case len(dirs) > 1:
		for _, dir := range dirs {
			e.evaluate([]string{dir})
		}
	default:
		if _, broken := e.load(nil); broken != nil {
			e.problem(true, Problem{Text: "internal error: the schema in this binary is broken: " + broken.Error()})
			return
		}
		if p, ok := err.(panicked); ok {
			e.problem(true, unevaluable(dirs[0], p.value))
			return
		}
		e.problem(true, rewrite(err, e.src, dirs[0])...)
	}
}

// load reads and parses the schema and some packages: an instance for each, the schema first.
func (e *evaluator) load(dirs []string) (instances []*build.Instance, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = panicked{r}
		}
	}()
	config := &load.Config{
		FS: e.fsys, Dir: "/", ModuleRoot: "/", Env: []string{},
		Registry: registry{newTree(e.src.Schema)},
	}
	args := []string{importPath}
	for _, dir := range dirs {
		args = append(args, "./"+dir+"/") // without the slash CUE takes "zones/mycompany.com" for a file
	}
	instances = load.Instances(args, config)
	if err := instances[0].Err; err != nil {
		return nil, err
	}
	if len(instances) != len(args) {
		return nil, fmt.Errorf("%d packages of CUE in %d directories", len(instances)-1, len(dirs))
	}
	return instances, nil
}

func (e *evaluator) build(dirs []string, instances []*build.Instance) {
	cuectx := cuecontext.New()
	topology, err := schemaValue(cuectx, instances[0])
	if err != nil {
		e.problem(true, Problem{Text: "internal error: the schema in this binary is broken: " + err.Error()})
		return
	}
	for i, inst := range instances[1:] {
		e.watch.began(dirs[i])
		e.watch.ended(dirs[i], e.instance(cuectx, dirs[i], topology, inst))
	}
}

// size is that of the files of a directory.
func (e *evaluator) size(dir string) (bytes int) {
	for _, entry := range e.fsys.dirs[dir] {
		bytes += len(e.src.Files[path.Join(dir, entry.Name())])
	}
	return bytes
}

func schemaValue(cuectx *cue.Context, inst *build.Instance) (cue.Value, error) {
	topology := cuectx.BuildInstance(inst).LookupPath(cue.ParsePath("#Topology"))
	return topology, topology.Err()
}

// panicked is a panic of CUE as an error.
type panicked struct{ value any }

func (p panicked) Error() string { return fmt.Sprintf("CUE panics: %v", p.value) }

// guard reports a package on which CUE panics like any other mistake.
func (e *evaluator) guard(dir string) {
	if r := recover(); r != nil {
		e.problem(true, unevaluable(dir, r))
	}
}

func unevaluable(dir string, reason any) Problem {
	return Problem{
		Pos: Pos{File: dir}, Text: fmt.Sprintf("internal error: CUE cannot evaluate this package: %v", reason),
		Remedy: "report this, with the package",
	}
}

// instance evaluates one package.
func (e *evaluator) instance(cuectx *cue.Context, dir string, topology cue.Value, inst *build.Instance) []Declaration {
	defer e.guard(dir)
	if inst.Err != nil {
		e.problem(true, rewrite(inst.Err, e.src, dir)...)
		return nil
	}
	strip(inst.Files)
	index := indexFiles(inst.Files)
	if !e.count(dir, len(index.objects)) {
		return nil
	}
	value := topology.Unify(cuectx.BuildInstance(inst))
	p := &pack{dir: dir, value: value, files: inst.Files, index: index}
	p.words = &translator{src: e.src, pack: p, words: vocabulary{topology: topology, definitions: e.definitions}}
	if len(e.src.Locate) > 0 {
		e.locate(p)
		return nil
	}
	objects, problems := p.objects()
	_, err := p.value.Fields()
	e.problem(err != nil, problems...) // then objects that are computed, not written out, are missing
	sound := err == nil && len(problems) == 0 && !slices.ContainsFunc(objects, func(d Declaration) bool { return d.Spec == nil })
	if sound {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.out.Sound = append(e.out.Sound, dir)
	}
	return objects
}

// Bounds of one package, in objects.
const (
	manyObjects    = 1000
	tooManyObjects = 10_000
)

// count warns of a package so large that each push which touches it is slow, and refuses one that takes gigabytes.
func (e *evaluator) count(dir string, objects int) bool {
	p := Problem{
		Pos: Pos{File: dir}, Text: fmt.Sprintf("this package holds %d objects; up to %d are evaluated quickly", objects, manyObjects),
		Remedy: "move some to directories of their own, such as one for each rack or application; references stay as they are, for they go by name across packages",
	}
	switch {
	case objects > tooManyObjects:
		p.Text = fmt.Sprintf("this package holds %d objects, and more than %d are refused", objects, tooManyObjects)
		e.problem(true, p)
	case objects > manyObjects:
		e.mu.Lock()
		defer e.mu.Unlock()
		e.out.Warnings = append(e.out.Warnings, p)
	}
	return objects <= tooManyObjects
}

func (e *evaluator) problem(partial bool, problems ...Problem) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.mistakes.add(problems...)
	e.out.Partial = e.out.Partial || partial
}

// locate answers the fields of Source.Locate that lie in a package.
func (e *evaluator) locate(p *pack) {
	for i, field := range e.src.Locate {
		if field.Dir == p.dir {
			e.out.Found[i] = p.position(field.ID, field.Path)
		}
	}
}

// pack is one evaluated package.
type pack struct {
	dir   string
	value cue.Value
	files []*ast.File
	index *fileIndex
	words *translator
}

// objects takes the objects out of a package. The quick way asks for all JSON at once; if there is any mistake, each
// object is judged alone, because CUE hides the incomplete ones behind the first hard error.
func (p *pack) objects() ([]Declaration, []Problem) {
	err := p.value.Validate(cue.Concrete(true), cue.Final())
	if err != nil {
		return p.salvage(err)
	}
	data, err := p.value.MarshalJSON()
	if err != nil {
		return p.salvage(err)
	}
	var kinds map[string]map[string]json.RawMessage
	if err := json.Unmarshal(data, &kinds); err != nil {
		return nil, []Problem{{Pos: Pos{File: p.dir}, Text: fmt.Sprintf("internal error: cannot read evaluated objects: %v", err)}}
	}
	var objects []Declaration
	for kind, named := range kinds {
		for name, spec := range named {
			objects = append(objects, p.declarations(MakeID(kind, name), spec)...)
		}
	}
	return objects, nil
}
