package sources

import (
	"cmp"
	"time"
)

// Limits bound what is read of one commit. A zero field means its default.
type Limits struct {
	// FileBytes is the size above which a file is refused. Default 4 MiB:
	// a topology file is text written by people.
	FileBytes int64
	// Entries is how many files and directories may be looked at. Default
	// 20,000; it also stops trees that repeat themselves without end.
	Entries int
	// Depth is how many directories may lie within each other. Default 32.
	Depth int
}

// OrDefault replaces zero fields by their defaults.
func (l Limits) OrDefault() Limits {
	if l.FileBytes == 0 {
		l.FileBytes = 4 << 20
	}
	if l.Entries == 0 {
		l.Entries = 20_000
	}
	if l.Depth == 0 {
		l.Depth = 32
	}
	return l
}

// Intake bounds what a remote may send, before anything is made of it. A zero field means its default.
type Intake struct {
	// Bytes is how much a copy of the remote may take on disk, what is sent now included. Default 1 GiB.
	Bytes int64
	// Objects is how many objects one fetch may bring. Default 1,000,000; each needs some 400 bytes of memory while it is taken in.
	Objects int64
	// Largest is the size of one object, unpacked, in bytes: taking one in needs a few times its size of memory. Default 64 MiB.
	Largest int64
	// Time is how long one conversation may last. Default 2 minutes.
	Time time.Duration
}

// OrDefault replaces zero fields by their defaults.
func (i Intake) OrDefault() Intake {
	return Intake{
		Bytes: cmp.Or(i.Bytes, 1<<30), Objects: cmp.Or(i.Objects, 1_000_000), Largest: cmp.Or(i.Largest, 64<<20), Time: cmp.Or(i.Time, 2*time.Minute),
	}
}
