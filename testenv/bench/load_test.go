package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"path"
	"testing"
	"testing/fstest"

	"plumbline/actuators/all"
	"plumbline/schema"
	"plumbline/testenv/bench/fleet"
)

// commit is a fleet that knows its files and directories by hash, as a commit does.
type commit struct {
	fstest.MapFS
	hashes map[string]string
}

func newCommit(f *fleet.Fleet) *commit { return &commit{f.FS(), map[string]string{}} }

// push changes a file.
func (c *commit) push(name string, data []byte) {
	c.MapFS[name] = &fstest.MapFile{Data: data}
	for ; name != "."; name = path.Dir(name) {
		delete(c.hashes, name)
	}
	delete(c.hashes, ".")
}

func (c *commit) Hash(name string) (string, error) {
	if hash, known := c.hashes[name]; known {
		return hash, nil
	}
	info, err := fs.Stat(c, name)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	if !info.IsDir() {
		sum.Write(c.MapFS[name].Data)
	} else if err := c.sum(sum, name); err != nil {
		return "", err
	}
	hash := fmt.Sprintf("%t%x", info.IsDir(), sum.Sum(nil))
	c.hashes[name] = hash
	return hash, nil
}

// sum writes what a directory holds.
func (c *commit) sum(into interface{ Write([]byte) (int, error) }, dir string) error {
	entries, err := fs.ReadDir(c, dir)
	for _, entry := range entries {
		below, wrong := c.Hash(path.Join(dir, entry.Name()))
		if wrong != nil {
			return wrong
		}
		fmt.Fprintf(into, "%q %s\n", entry.Name(), below)
	}
	return err
}

// BenchmarkLoad loads a fleet of real kinds: a push of one file into a resident cache, and a restart over a warm shelf.
func BenchmarkLoad(b *testing.B) {
	kinds := all.Registry()
	for _, n := range []int{1000, 10_000, 100_000} {
		f := fleet.New(n)
		tree, dir := newCommit(f), b.TempDir()
		cache := schema.NewCache(dir)
		load := func(b *testing.B, cache *schema.Cache) {
			if _, err := schema.Load(b.Context(), tree, "", kinds, schema.WithCache(cache)); err != nil {
				b.Fatal(err)
			}
		}
		load(b, cache)
		turn := 0
		b.Run(fmt.Sprintf("push/%d", n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				turn++
				tree.push(f.Push(turn))
				b.StartTimer()
				load(b, cache)
			}
		})
		b.Run(fmt.Sprintf("again/%d", n), func(b *testing.B) {
			for b.Loop() {
				load(b, cache)
			}
		})
		b.Run(fmt.Sprintf("restart/%d", n), func(b *testing.B) {
			for b.Loop() {
				load(b, schema.NewCache(dir))
			}
		})
	}
}
