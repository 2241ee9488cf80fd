package schema

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// dictated is an evaluator that is told what it answers, since CUE would take long for so much. It remembers which fields
// it was asked to locate.
type dictated struct {
	objects []Declaration
	located []Field
}

func (d *dictated) Evaluate(_ context.Context, src Source) (Evaluation, error) {
	if len(src.Locate) == 0 {
		return Evaluation{Objects: d.objects}, nil
	}
	d.located = append(d.located, src.Locate...)
	return Evaluation{Found: make([]Pos, len(src.Locate))}, nil
}

func (d *dictated) declare(n int, id ID, form string, args ...any) {
	d.objects = append(d.objects, Declaration{
		ID: id, Dir: "a", Pos: Pos{File: "a/a.cue", Line: n, Col: 1}, Spec: json.RawMessage(fmt.Appendf(nil, form, args...)),
	})
}

// load resolves what the evaluator says and a store to stand on.
func (d *dictated) load(t *testing.T) error {
	t.Helper()
	d.declare(1, "site/boston", `{}`)
	d.declare(2, "host/h", `{"site":"boston"}`)
	d.declare(3, "store/s", `{"host":"h"}`)
	_, err := Load(t.Context(), newTree(map[string][]byte{"a/a.cue": []byte("package a\n")}), "", testKinds, WithEvaluator(d), WithSchema(testSchema(t)))
	return err
}

// TestAHundredThousandMistakes holds that the first mistakes are told and the others counted, and that nothing is looked up
// but for those that are told.
func TestAHundredThousandMistakes(t *testing.T) {
	for _, c := range []struct {
		name, kind, form string
		all              int
	}{
		{"references", "disk", `{"store":"s","size":"1Gi","behind":"%d"}`, 100_000},
		{"hosts", "store", `{"host":"h%d"}`, 20_000},
		{"addresses", "gate", `{"host":"h","net":"n","public":"203.0.113.3","to":"fd00::%x"}`, 20_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			d := &dictated{}
			d.declare(4, "net/n", `{"host":"h","cidr":"fd00::/64"}`)
			for n := range c.all {
				d.declare(10+c.all-n, MakeID(c.kind, fmt.Sprintf("x%06d", n)), c.form, n)
			}
			err := d.load(t)
			var many *TooMany
			if !errors.As(err, &many) || len(many.First) != maxProblems || many.More != c.all-maxProblems {
				t.Fatalf("got %.300s", fmt.Sprint(err))
			}
			if first, last := many.First[0].Pos.Line, many.First[maxProblems-1].Pos.Line; first != 11 || last != 10+maxProblems {
				t.Errorf("told the mistakes of lines %d to %d, wanted the first %d", first, last, maxProblems)
			}
			if len(d.located) > 2*maxProblems {
				t.Errorf("%d fields were located for %d mistakes", len(d.located), maxProblems)
			}
			if n := len(strings.Split(err.Error(), "\n")); n != maxProblems+1 {
				t.Errorf("the error has %d lines", n)
			}
		})
	}
}

// TestMistakesOfManyPackagesAreCounted goes through CUE, children's answers and all.
func TestMistakesOfManyPackagesAreCounted(t *testing.T) {
	const packages, each = 5, 40
	files := map[string][]byte{}
	for p := range packages {
		var b strings.Builder
		fmt.Fprintf(&b, "package p%d\n", p)
		for n := range each {
			fmt.Fprintf(&b, "box: b%d_%d: {host: \"h\", coress: 1}\n", p, n)
		}
		files[fmt.Sprintf("p%d/p.cue", p)] = []byte(b.String())
	}
	for _, opts := range [][]Option{nil, {WithCache(NewCache(""))}} {
		_, err := Load(t.Context(), newTree(files), "", testKinds, append(opts, WithSchema(testSchema(t)))...)
		var many *TooMany
		if !errors.As(err, &many) || len(many.First) != maxProblems || many.More != packages*each-maxProblems {
			t.Fatalf("got %.300s", fmt.Sprint(err))
		}
		if last := many.First[maxProblems-1]; last.Pos.File != "p1/p.cue" || last.Pos.Line != 2+maxProblems-each-1 {
			t.Errorf("the last one told is at %s, wanted the tenth of the second package", last.Pos)
		}
	}
}

// TestACircleOfTenThousandIsPrintedShort refers in a circle through ten thousand disks.
func TestACircleOfTenThousandIsPrintedShort(t *testing.T) {
	const all = 10_000
	d := &dictated{}
	for n := range all {
		d.declare(10+n, MakeID("disk", fmt.Sprintf("x%05d", n)), `{"store":"s","size":"1Gi","behind":"x%05d"}`, (n+1)%all)
	}
	err := d.load(t)
	const want = "disk/x00000: refers to itself: disk/x00000 → disk/x00001 → disk/x00002 → disk/x00003 → disk/x00004 → disk/x00005 → … (9994 more) → disk/x00000; "
	if err == nil || !strings.Contains(err.Error(), want) || len(err.Error()) > 2*len(want) {
		t.Errorf("got %.500s, wanted %s", fmt.Sprint(err), want)
	}
}

// TestAPackageBeyondItsLimitIsRefused tells how to divide it, and warns before that.
func TestAPackageBeyondItsLimitIsRefused(t *testing.T) {
	hosts := func(n int) *tree {
		var b strings.Builder
		b.WriteString("package big\nsite: s: {}\n")
		for i := range n - 1 {
			fmt.Fprintf(&b, "site: s%d: {}\n", i)
		}
		return newTree(map[string][]byte{"big/big.cue": []byte(b.String())})
	}
	load := func(n int) (*Graph, error) {
		return Load(t.Context(), hosts(n), "", testKinds, WithSchema(testSchema(t)))
	}
	_, err := load(tooManyObjects + 1)
	const want = "big: this package holds 10001 objects, and more than 10000 are refused; move some to directories of their own"
	if err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %.300s, wanted %s", fmt.Sprint(err), want)
	}
	g, err := load(manyObjects + 1)
	if err != nil || len(g.Warnings) != 1 || !strings.Contains(g.Warnings[0].String(), "holds 1001 objects") {
		t.Errorf("got %v, %v, wanted a warning", g, err)
	}
}
