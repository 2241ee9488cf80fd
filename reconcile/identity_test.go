package reconcile

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"plumbline/reconcile/exec"
)

// machine answers Hello with its ID, and nothing else.
type machine struct {
	exec.Executor
	id string
}

func (m machine) Hello(context.Context) (exec.Hello, error) { return exec.Hello{Machine: m.id}, nil }
func (m machine) Close() error                              { return nil }

func TestOnlyTheMachineThatAHostWasIsTalkedTo(t *testing.T) {
	answering := ""
	known := &identities{path: filepath.Join(t.TempDir(), "hosts.json")}
	dial := checked(func(context.Context, string, string) (exec.Executor, error) { return machine{id: answering}, nil }, known.check)
	for _, step := range []struct {
		say, id  string
		stranger bool
	}{
		{"the first machine is remembered", "one", false},
		{"it is known again", "one", false},
		{"another one is a stranger", "two", true},
		{"one without an ID is a stranger, too", "", true},
		{"the first is still known", "one", false},
	} {
		answering = step.id
		if _, err := dial(t.Context(), "jino0", ""); errors.Is(err, ErrStranger) != step.stranger {
			t.Errorf("%s: got %v", step.say, err)
		}
	}
	if was, err := known.forget("jino0"); err != nil || !was {
		t.Fatalf("forget: %t, %v", was, err)
	}
	answering = "two"
	if _, err := dial(t.Context(), "jino0", ""); err != nil {
		t.Errorf("after trust: %v", err)
	}
}

func TestWhoOnlyLooksKnowsStrangersAndRemembersNobody(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts.json")
	known, looking := &identities{path: path}, &identities{path: path, looking: true}
	for _, step := range []struct {
		by       *identities
		id       string
		stranger bool
	}{{looking, "one", false}, {looking, "two", false}, {known, "one", false}, {looking, "two", true}, {looking, "one", false}} {
		if err := step.by.check("jino0", exec.Hello{Machine: step.id}); errors.Is(err, ErrStranger) != step.stranger {
			t.Errorf("%+v: got %v", step, err)
		}
	}
}

func TestWhatAnotherProcessTrustsIsHeeded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "hosts.json")
	answering := "one"
	known, other := &identities{path: path}, &identities{path: path}
	dial := checked(func(context.Context, string, string) (exec.Executor, error) { return machine{id: answering}, nil }, known.check)
	for _, host := range []string{"jino0", "jino1"} {
		if _, err := dial(t.Context(), host, ""); err != nil {
			t.Fatal(err)
		}
	}
	if was, err := other.forget("jino0"); err != nil || !was {
		t.Fatalf("forget: %t, %v", was, err)
	}
	answering = "two"
	if _, err := dial(t.Context(), "jino0", ""); err != nil {
		t.Errorf("after trust: %v", err)
	}
	if _, err := dial(t.Context(), "jino1", ""); !errors.Is(err, ErrStranger) {
		t.Errorf("of the other host: %v", err)
	}
}
