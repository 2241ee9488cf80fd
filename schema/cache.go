package schema

import (
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"cuelang.org/go/cue"
)

// Bounds of what a cache remembers of trees that are not loaded any more.
const (
	maxTurns  = 16        // loads since a result was last used
	maxMemory = 256 << 20 // bytes, beyond what the last load used
	maxHeader = 100_000   // files known by their hash
)

// Cache keeps what packages evaluate to, so that a load evaluates only packages that changed. A result lies under a hash
// of all that has a part in it: the schema, CUE and the code that evaluates, the module file, and the names and contents
// of the files in the closure of the package. So it is never out of date, only unused. What has a mistake is not kept.
//
// With a directory the results outlive the process. A file there that is missing, torn, damaged or of another version
// is no error; its package is evaluated. A cache may be used from several goroutines at once, and a directory by several
// processes.
type Cache struct {
	shelf   *shelf // nil: memory only
	memo    atomic.Pointer[memo]
	mostJob int  // bytes
	once    bool // nothing stays in memory after a load

	used map[string]bool // with once: keys of this load

	mu      sync.Mutex
	turn    int // counts loads
	results map[string]*result
	headers map[string]header   // by hash of the file
	learned []string            // hashes whose headers are not on the shelf yet
	trees   map[string]*subtree // directories of the last load by hash
}

// NewCache keeps results in memory and, if dir is not empty, in that directory, which it makes when it first writes.
func NewCache(dir string) *Cache {
	c := &Cache{mostJob: mostJob, results: map[string]*result{}, headers: map[string]header{}}
	if dir != "" {
		c.shelf = &shelf{dir: dir}
		c.headers = c.shelf.headers()
	}
	return c
}

// ForOneLoad makes it keep nothing in memory, for a process that loads once and ends: results lie on the shelf only.
func (c *Cache) ForOneLoad() *Cache {
	c.once, c.used = true, map[string]bool{}
	return c
}

// WithCache lets a load reuse what earlier ones evaluated. Without it everything is evaluated.
func WithCache(c *Cache) Option { return func(l *loader) { l.cache = c } }

// result is what one sound package evaluates to.
type result struct {
	objects  []Declaration
	warnings []Problem
	size     int
	used     int // turn
}

// measure estimates the memory of a result.
func (r *result) measure() {
	r.size = 1
	for _, d := range r.objects {
		r.size += len(d.Spec) + len(d.ID) + 128
	}
}

//go:embed eval.go module.go packed.go position.go problem.go shelf.go stock.go strip.go syntax.go
var code embed.FS

// origin identifies the programs that make a result: CUE, and our own code, by its text, as nobody would remember to
// count a number up.
var origin = sync.OnceValue(func() string {
	files, _ := readAll(code)
	d := digest{sha256.New()}
	d.add(cue.LanguageVersion(), cueVersion())
	d.files(files)
	return d.text()
})

func cueVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == "cuelang.org/go" {
			return m.Version + m.Sum
		}
	}
	return ""
}

// digest hashes texts so that no two lists of texts give the same bytes.
type digest struct{ hash.Hash }

func (d digest) add(texts ...string) {
	for _, text := range texts {
		d.Write(binary.AppendUvarint(nil, uint64(len(text))))
		d.Write([]byte(text))
	}
}

func (d digest) files(files map[string][]byte) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		d.add(name, string(files[name]))
	}
}

func (d digest) text() string { return hex.EncodeToString(d.Sum(nil)) }

// key names the result of a package.
func (s *stock) key(base, dir string) string {
	d := digest{sha256.New()}
	d.add(base, dir)
	for _, name := range s.closure(dir) {
		d.add(name, s.files[name].hash)
	}
	return d.text()
}

// evaluate answers for all packages of a tree and evaluates those that it does not know.
func (c *Cache) evaluate(ctx context.Context, evaluator Evaluator, s *stock, schema map[string][]byte) (Evaluation, error) {
	base := digest{sha256.New()}
	base.add(origin())
	base.files(schema)
	turn := c.begin()
	packages, keys := s.packages(), map[string]string{}
	var known []*result
	dirty := []string{}
	for _, dir := range packages {
		keys[dir] = s.key(base.text(), dir)
		if r := c.find(keys[dir], turn); r != nil && !s.odd(dir) {
			known = append(known, r)
		} else {
			dirty = append(dirty, dir)
		}
	}
	var out Evaluation
	if len(dirty) > 0 || len(packages) == 0 { // without packages the module file is still judged
		w := work{Cache: c, evaluator: evaluator, stock: s, schema: schema, keys: keys, turn: turn}
		fresh, err := w.evaluate(ctx, dirty)
		if err != nil {
			return Evaluation{}, err
		}
		out = fresh
	}
	objects := 0
	for _, r := range known {
		objects += len(r.objects)
	}
	out.Objects = slices.Grow(out.Objects, objects)
	for _, r := range known {
		out.add(r.objects, r.warnings)
	}
	out.add(nil, s.strays())
	slices.SortFunc(out.Objects, compareDeclarations)
	out.Warnings = Problems(out.Warnings).Sort()
	c.end(turn)
	return out, nil
}

func (e *Evaluation) add(objects []Declaration, warnings []Problem) {
	e.Objects = append(e.Objects, objects...)
	e.Warnings = append(e.Warnings, warnings...)
}

// keepAll keeps what was found sound.
func (c *Cache) keepAll(e Evaluation, keys map[string]string, turn int) {
	sound := map[string]*result{}
	for _, dir := range e.Sound {
		sound[dir] = &result{used: turn}
	}
	for _, d := range e.Objects {
		if r := sound[d.Dir]; r != nil {
			r.objects = append(r.objects, d)
		}
	}
	for _, w := range e.Warnings {
		if r := sound[w.Pos.File]; r != nil {
			r.warnings = append(r.warnings, w)
		}
	}
	for dir, r := range sound {
		if key := keys[dir]; key != "" {
			r.measure()
			c.keep(key, r)
		}
	}
}

func (c *Cache) keep(key string, r *result) {
	c.hold(key, r)
	if c.shelf != nil {
		c.shelf.put(key, r)
	}
}

// find looks in memory, then on the shelf.
func (c *Cache) find(key string, turn int) *result {
	c.mu.Lock()
	r := c.results[key]
	if r != nil {
		r.used = turn
	}
	c.mu.Unlock()
	if r != nil || c.shelf == nil {
		return r
	}
	if r = c.shelf.get(key); r != nil {
		r.used = turn
		c.hold(key, r)
	}
	return r
}

// hold keeps a result in memory, or notes that it was used.
func (c *Cache) hold(key string, r *result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.once {
		c.used[key] = true
		return
	}
	c.results[key] = r
}

func (c *Cache) begin() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn++
	return c.turn
}

// end forgets what was not used for long and, beyond a bound, what this load did not use; then it tidies the shelf.
func (c *Cache) end(turn int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old, size := []string{}, 0
	for key, r := range c.results {
		if r.used < turn {
			old = append(old, key)
			size += r.size
		}
	}
	slices.SortFunc(old, func(a, b string) int { return cmp.Compare(c.results[a].used, c.results[b].used) })
	for _, key := range old {
		if r := c.results[key]; size > maxMemory || r.used < turn-maxTurns {
			size -= r.size
			delete(c.results, key)
		}
	}
	if c.shelf == nil {
		return
	}
	c.shelf.learn(c.learned, c.headers)
	c.learned = nil
	c.shelf.tidy(func(key string) bool { return c.used[key] || c.results[key] != nil })
}

// header is that of a file met before.
func (c *Cache) header(hash string) (header, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h, ok := c.headers[hash]
	return h, ok
}

// learn reads and remembers the header of a file.
func (c *Cache) learn(hash string, data []byte) header {
	h := readHeader(data)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.headers) >= maxHeader {
		clear(c.headers)
	}
	if _, known := c.headers[hash]; !known {
		c.headers[hash] = h
		c.learned = append(c.learned, hash)
	}
	return h
}

// subtrees are the directories of the last load. The map does not change any more.
func (c *Cache) subtrees() map[string]*subtree {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.trees
}

func (c *Cache) setSubtrees(trees map[string]*subtree) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trees = trees
}

// odd tells whether a directory holds a file that cannot be judged from here.
func (s *stock) odd(dir string) bool {
	return slices.ContainsFunc(s.dirs[dir], func(name string) bool { return s.files[name].header.Odd })
}

// strays warns of files that belong to no package.
func (s *stock) strays() []Problem {
	var warnings []Problem
	for name, file := range s.files {
		if name != moduleFile && file.header.Package == "" && !file.header.Odd {
			warnings = append(warnings, strayFile(name))
		}
	}
	return warnings
}
