package sources

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
