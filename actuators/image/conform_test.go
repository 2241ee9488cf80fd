package image

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"plumbline/testenv/conform"
)

func TestConforms(t *testing.T) {
	w := newWorld(t, "one")
	source := func(body string) Spec {
		path := filepath.Join(t.TempDir(), "source")
		put(t, path, body)
		s := w.spec
		s.Source, s.SHA256 = "file://"+path, digest(body)
		return s
	}
	try := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	conform.Run(t, conform.Case{
		Kind: Kind, ID: w.At.ID, Host: w.Host, Specs: []any{w.spec, source("two"), source("three")}, Patience: 2 * time.Second,
		Foreign: func() {
			try(os.MkdirAll(w.spec.Dir, 0o755))
			put(t, w.path, "one")
		},
		NotForeign: func() { try(os.RemoveAll(w.spec.Dir)) },
		Sabotage: []conform.Sabotage{
			{Name: "another content", Do: func() { put(t, w.path, "thre3") }, Path: "sha256"},
			{Name: "file deleted", Do: func() { try(os.Remove(w.path)) }},
		},
		Broken: []conform.Breakage{{Name: "no directory", Break: func() func() {
			aside := w.spec.Dir + ".aside"
			try(os.Rename(w.spec.Dir, aside))
			put(t, w.spec.Dir, "a file in its place")
			return func() {
				try(os.Remove(w.spec.Dir))
				try(os.Rename(aside, w.spec.Dir))
			}
		}}},
	})
}
