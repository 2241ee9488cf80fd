package exec

import (
	"slices"
	"testing"

	"plumbline/actuators"
)

func scopeOf(names ...string) actuators.Scope {
	s := actuators.Scope{All: true}
	for _, name := range names {
		s.Targets = append(s.Targets, actuators.Target{ID: "pair/p", Spec: []byte(name)})
	}
	return s
}

// exchange asks once over a connection, and gives how many scopes went whole, and what the far end took to be meant.
func exchange(near, far *scopes, all map[string]actuators.Scope) (whole int, meant map[string]actuators.Scope, missing []string) {
	in := near.question(all)
	meant, missing = far.resolve(in)
	near.learn(in, missing)
	return len(in.Scopes), meant, missing
}

func TestAScopeCrossesOnce(t *testing.T) {
	var near, far scopes
	ask := map[string]actuators.Scope{"a": scopeOf("1", "2"), "b": scopeOf("3"), "none": {All: true}}
	for n, want := range []int{3, 0, 0} {
		whole, meant, missing := exchange(&near, &far, ask)
		if whole != want || len(missing) > 0 || len(meant) != 3 || !sameList(meant["a"], ask["a"]) || !sameList(meant["b"], ask["b"]) || !meant["none"].All {
			t.Fatalf("question %d: %d whole, missing %q, meant %v", n, whole, missing, meant)
		}
	}
	ask["a"] = scopeOf("1", "2") // another list of the same content
	if whole, _, _ := exchange(&near, &far, ask); whole != 0 {
		t.Errorf("%d whole of the same content", whole)
	}
	ask["a"] = scopeOf("12")
	if whole, meant, _ := exchange(&near, &far, ask); whole != 1 || !sameList(meant["a"], ask["a"]) {
		t.Errorf("%d whole of another content; meant %v", whole, meant)
	}
}

func TestAFarEndThatKnowsAnotherScopeSaysSoAndIsToldWhole(t *testing.T) {
	var near, far scopes
	ask := map[string]actuators.Scope{"a": scopeOf("1"), "b": scopeOf("2")}
	exchange(&near, &far, ask)
	far.resolve(&request{Scopes: map[string]actuators.Scope{"a": scopeOf("9")}, Hashes: map[string]string{"a": "of 9"}}) // asked meanwhile
	if _, meant, missing := exchange(&near, &far, ask); !slices.Equal(missing, []string{"a"}) || len(meant) != 1 {
		t.Errorf("missing %q, meant %v", missing, meant)
	}
	if whole, meant, missing := exchange(&near, &far, ask); whole != 1 || len(missing) > 0 || !sameList(meant["a"], ask["a"]) {
		t.Errorf("%d whole, missing %q, meant %v", whole, missing, meant)
	}
}
