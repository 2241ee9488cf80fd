package files

import (
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

const (
	// trusted is how long something may be taken for true because its file looks the same.
	trusted = 10 * time.Minute
	// mostKept bounds how many files' findings are kept; when there are more, all are forgotten.
	mostKept = 50_000
)

// Print tells one state of one file more strictly than Stamp, whose fields anybody may set.
type Print struct {
	dev, ino          uint64
	size              int64
	modified, changed int64 // nanoseconds since 1970
}

// PrintOf is the print of an open file. It is at rest unless another write could leave the same print.
func PrintOf(f *os.File) (p Print, rests bool) {
	var st unix.Stat_t
	if unix.Fstat(int(f.Fd()), &st) != nil {
		return Print{}, false
	}
	p = Print{dev: st.Dev, ino: st.Ino, size: st.Size, modified: st.Mtim.Nano(), changed: st.Ctim.Nano()}
	return p, time.Since(time.Unix(0, max(p.modified, p.changed))) >= actuators.StampRest
}

// Kept remembers what was found of files, by a key that tells one state of one file.
type Kept[K comparable, V any] struct {
	mu   sync.Mutex
	seen map[K]found[V]
}

type found[V any] struct {
	value V
	at    time.Time
}

// Recall gives what was found not long ago.
func (k *Kept[K, V]) Recall(key K) (V, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f, ok := k.seen[key]
	return f.value, ok && time.Since(f.at) < trusted
}

// Remember keeps a finding.
func (k *Kept[K, V]) Remember(key K, value V) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.seen) >= mostKept {
		clear(k.seen)
	}
	if k.seen == nil {
		k.seen = map[K]found[V]{}
	}
	k.seen[key] = found[V]{value, time.Now()}
}
