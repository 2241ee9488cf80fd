package nft_test

import (
	"errors"
	"fmt"
	"testing"

	"plumbline/actuators"
	"plumbline/actuators/internal/nft"
	"plumbline/actuators/internal/nft/nfttest"
)

// verdicts are the errors of many by their class: "." = none.
func verdicts(errs []error) (out string) {
	for _, err := range errs {
		switch {
		case err == nil:
			out += "."
		case errors.Is(err, actuators.ErrForeign):
			out += "f"
		case errors.Is(err, actuators.ErrRefused):
			out += "r"
		case errors.Is(err, actuators.ErrStuck):
			out += "s"
		default:
			out += "e"
		}
	}
	return out
}

func TestManyClaimsAreOneCommit(t *testing.T) {
	nfttest.Edge(t)
	var all []nft.Claim
	for n := range 50 {
		all = append(all, claim(fmt.Sprint("c", n), 1000+10*n, 2))
	}
	before, errs := nft.CaptureAll(t.Context(), all)
	begun := nfttest.Generation(t)
	for _, err := range append(errs, nft.DoAll(t.Context(), all)...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if commits := nfttest.Generation(t) - begun; commits != 1 {
		t.Errorf("%d commits", commits)
	}
	if elements, broken := read(t); len(elements) != 100 || len(broken) > 0 {
		t.Errorf("%d elements, broken %v", len(elements), broken)
	}
	for _, err := range nft.UndoAll(t.Context(), all, before) {
		if err != nil {
			t.Error(err)
		}
	}
	if left := nfttest.Ruleset(t); left != "" {
		t.Error(left)
	}
}

func TestOnlyTheCulpritOfManyClaimsFails(t *testing.T) {
	nfttest.Edge(t)
	stranger := claim("stranger", 1020, 1)
	stranger.Mark.Installation = "elsewhere"
	if err := stranger.Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := []nft.Claim{claim("a", 1000, 1), claim("b", 1010, 1), claim("stood", 1020, 1), claim("twice", 1000, 1), claim("c", 1030, 1)}
	all[1].Want[0].Value = "no target" // the kernel cannot be told
	if _, errs := nft.CaptureAll(t.Context(), all); verdicts(errs) != "..f.." {
		t.Errorf("capture: %s", verdicts(errs))
	}
	errs := nft.DoAll(t.Context(), all)
	if verdicts(errs) != ".efr." {
		t.Errorf("%s: %v", verdicts(errs), errs)
	}
	if elements, _ := read(t); len(elements) != 3 {
		t.Errorf("there is %v", elements)
	}
}

func TestOneOfManyClaimsIsStuckAlone(t *testing.T) {
	nfttest.Edge(t)
	all := []nft.Claim{claim("a", 1000, 1), claim("b", 1010, 1), claim("c", 1020, 1)}
	before, _ := nft.CaptureAll(t.Context(), all)
	if errs := nft.DoAll(t.Context(), all); verdicts(errs) != "..." {
		t.Fatal(errs)
	}
	nfttest.Run(t, "nft", "delete element ip plumb forwards { 203.0.113.3 . tcp . 1010 }; add element ip plumb forwards { 203.0.113.3 . tcp . 1010 : 10.1.1.99 . 80 }")
	if errs := nft.UndoAll(t.Context(), all, before); verdicts(errs) != ".s." {
		t.Errorf("%s: %v", verdicts(errs), errs)
	}
	if elements, _ := read(t); len(elements) != 1 || elements[0].Value != "10.1.1.99:80" {
		t.Errorf("left: %v", elements)
	}
}
