package virt

import (
	"bytes"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"plumbline/actuators"
)

// libvirtd of QEMU writes a domain's definition into the first directory and, as long as it runs, what it is now into the
// second, at each change and before it tells anybody of it; both as NAME.xml, by renaming a new file to that name.
const (
	definitions = "/etc/libvirt/qemu"
	running     = "/run/libvirt/qemu"
)

const (
	// trusted is how long a text may be taken from what was read before, whatever its file says.
	trusted = 10 * time.Minute
	// mostKept bounds the texts that are kept, in bytes.
	mostKept = 128 << 20
)

// print tells one state of one file. The zero print tells nothing.
type print struct {
	dev, ino          uint64
	size              int64
	modified, changed int64 // nanoseconds since 1970
}

// printOf is the print of a file that will not get the same print by another change; otherwise the zero print.
func printOf(path string) print {
	var st unix.Stat_t
	if unix.Lstat(path, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return print{}
	}
	p := print{dev: st.Dev, ino: st.Ino, size: st.Size, modified: st.Mtim.Nano(), changed: st.Ctim.Nano()}
	if time.Since(time.Unix(0, max(p.modified, p.changed))) < actuators.StampRest {
		return print{}
	}
	return p
}

// text is a text of libvirt with the print that its file had before it was read.
type text struct {
	print print
	read  time.Time
	body  string
}

// entry is what is kept of one domain.
type entry struct {
	defined, live text

	mu         sync.Mutex
	xml, other string // that was taken apart
	parts      any
}

// texts keeps the texts of domains by UUID, so that a look asks libvirtd only for what changed: one text takes it as long as a
// list of all domains.
type texts struct {
	mu      sync.Mutex
	entries map[string]*entry
}

var kept = texts{entries: map[string]*entry{}}

func (t *texts) entry(uuid string) *entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.entries[uuid] == nil {
		t.entries[uuid] = &entry{}
	}
	return t.entries[uuid]
}

// recall gives the text that was read when its file was as it is.
func (t *texts) recall(one *text, now print) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return one.body, now != print{} && one.print == now && time.Since(one.read) < trusted
}

// remember keeps a text. It is kept for its file only if that file is this domain's: another daemon may be asked than the one
// that writes there.
func (t *texts) remember(one *text, before print, path, uuid, body string) {
	if before != (print{}) {
		if data, err := os.ReadFile(path); err != nil || !bytes.Contains(data, []byte(uuid)) {
			before = print{}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if one.body == body {
		body = one.body
	}
	*one = text{print: before, read: time.Now(), body: body}
}

// prune forgets the domains that are gone, and everything when it is too much.
func (t *texts) prune(domains []stub) {
	t.mu.Lock()
	defer t.mu.Unlock()
	there := make(map[string]bool, len(domains))
	for _, d := range domains {
		there[d.uuid] = true
	}
	total := 0
	for uuid, e := range t.entries {
		if !there[uuid] {
			delete(t.entries, uuid)
		}
		total += len(e.defined.body) + len(e.live.body)
	}
	if total > mostKept {
		clear(t.entries)
	}
}

// Parts gives what read makes of a domain's texts, read anew only when they are others than before. Nobody may change it.
func Parts[T any](d Domain, read func() (T, error)) (T, error) {
	if d.entry == nil {
		return read()
	}
	e := d.entry
	e.mu.Lock()
	defer e.mu.Unlock()
	if parts, ok := e.parts.(T); ok && e.xml == d.XML && e.other == d.Live {
		return parts, nil
	}
	parts, err := read()
	if err == nil {
		e.xml, e.other, e.parts = d.XML, d.Live, parts
	}
	return parts, err
}
