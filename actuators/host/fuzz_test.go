package host

import "testing"

// What the kernel tells of its processors.
func FuzzProcessors(f *testing.F) {
	f.Add([]byte("processor: 0\nmodel name\t: X\nphysical id: 0\ncore id: 0\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if threads, cores, _ := parseProcessors(data); threads < 0 || cores < 0 || threads > len(data) {
			t.Errorf("%d threads, %d cores", threads, cores)
		}
	})
}
