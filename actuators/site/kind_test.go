package site

import (
	"os"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/kindtest"
	"plumbline/schema"
)

func TestFixtureCoversTheSpec(t *testing.T) { kindtest.TwoWays[Spec](t, "testdata/full.json") }

func TestASiteIsThereByBeingDeclared(t *testing.T) {
	spec, err := os.ReadFile("testdata/full.json")
	if err != nil {
		t.Fatal(err)
	}
	seen, err := Kind.Observe(t.Context(), nil, actuators.Scope{All: true, Targets: []actuators.Target{{ID: "site/boston", Spec: spec}}})
	if err != nil || len(seen) != 1 || seen[0].ID != "site/boston" {
		t.Fatalf("got %v, %v", seen, err)
	}
	for _, want := range [][]byte{spec, nil} {
		if d, err := Kind.Diff(want, actuators.HaveJSON{Here: seen[0].State}); err != nil || d.Action != actuators.None {
			t.Errorf("got %v, %v; want nothing to do", d, err)
		}
	}
}

func TestPublicRangesAreAnsweredFor(t *testing.T) {
	f, err := Kind.Facts(schema.ID("site/boston").On(""), []byte(`{"public": ["203.0.113.0/24"]}`))
	if err != nil || len(f.Ranges) != 1 || f.Ranges[0].Type != "addr" || f.Ranges[0].Scope != "public" || f.Ranges[0].Prefix.String() != "203.0.113.0/24" {
		t.Errorf("got %+v, %v", f.Ranges, err)
	}
	_, _, problems := Kind.Resolve("site/boston", schema.Place{}, []byte(`{"public": ["203.0.113.5/24"]}`), nil)
	if len(problems) != 1 || problems[0].Path != "public.0" {
		t.Errorf("got %v, want a problem with public.0", problems)
	}
}
