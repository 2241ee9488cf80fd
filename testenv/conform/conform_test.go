package conform

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
)

// toyCase is a case of everything that the suite can look at.
func toyCase(t *testing.T, fault string) Case {
	t.Helper()
	h := exec.NewMachine("host1", exec.Dirs{State: t.TempDir(), Secrets: t.TempDir()})
	put := func(path string, f toyFile) {
		data, _ := json.Marshal(f)
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(path(h, "neighbour"), toyFile{Mark: &actuators.Mark{Installation: Installation, ID: "toy/neighbour"}, Size: 7})
	one := path(h, "one")
	tear := func() func() {
		whole, err := os.ReadFile(one)
		if err == nil {
			err = os.WriteFile(one, []byte("{"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		return func() { os.WriteFile(one, whole, 0o600) }
	}
	mark := &actuators.Mark{Installation: Installation, ID: "toy/one", Hash: "x"}
	return Case{
		Kind: toy{fault: fault}.kind(), ID: "toy/one", Host: h,
		Specs:      []any{toySpec{Size: 1, Colour: "red", Secret: "hunter2"}, toySpec{Size: 2, Colour: "blue", Secret: "hunter2"}},
		Foreign:    func() { put(one, toyFile{Size: 9}) },
		NotForeign: func() { remove(one) },
		Renamed:    &Renamed{ID: "toy/two", Spec: toySpec{Size: 3, Colour: "blue", Secret: "hunter2"}},
		Sabotage: []Sabotage{
			{Name: "repainted", Do: func() { put(one, toyFile{Mark: mark, Size: 2, Colour: "black"}) }, Path: "colour"},
			{Name: "deleted", Do: func() { remove(one, list(h, "one")) }},
		},
		Broken:  []Breakage{{Name: "a torn file", Break: tear}, {Name: "one torn file", Break: tear, Alone: true}},
		Secrets: []string{"hunter2"}, Seed: 1,
	}
}

// recorder is a T that remembers how the suite ended.
type recorder struct{ failure string }

func (*recorder) Helper()             {}
func (*recorder) Logf(string, ...any) {}
func (r *recorder) Fatalf(format string, args ...any) {
	r.failure = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

func record(c Case) string {
	var r recorder
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		Run(&r, c)
	}()
	<-ended
	return r.failure
}

func TestToyConforms(t *testing.T) { Run(t, toyCase(t, "")) }

func TestToyConformsThroughAnExecutor(t *testing.T) {
	c := toyCase(t, "")
	c.At = c.Host.Name()
	host := c.Host
	c.Dial = func(context.Context) (exec.Executor, error) {
		return exec.Local(actuators.NewRegistry(c.Kind), host, exec.Options{}), nil
	}
	c.Host = nil
	Run(t, c)
}

// Every mutant breaks one promise, and the suite says which.
func TestMutantsFail(t *testing.T) {
	old := grace
	grace = time.Second
	t.Cleanup(func() { grace = old })
	for fault, message := range map[string]string{
		"forgets the undo":                "spec 0, step create, after a Do cut after its call 1 to the host: undo is not the inverse: it is there",
		"forgets the undo of an adoption": "foreign, adopting, step adopt, after a Do cut after its call 1 to the host: undo is not the inverse: its mark is",
		"undoes whole Dos only":           "step create, after a Do cut after its call 1 to the host: undo is not the inverse",
		"undo works once":                 "undo: nothing to undo",
		"undo forgets a part":             "step adopt, after an Undo without a Do: undo is not the inverse: config.listed is true, not absent",
		"do adds up":                      "step set: what is seen is not what was predicted: config.colour",
		"do twice fails":                  "step create: do is not idempotent: the second one says: it exists",
		"predict lies":                    "step set: what is seen is not what was predicted: config.size is 2, not 3",
		"absent on an error":              `broken by "a torn file": a look (all: true) that cannot see gives an answer`,
		"one hides all":                   `broken by "one torn file": a look (all: true) that cannot see one thing sees none`,
		"one hides others":                `broken by "one torn file": it hides others, too`,
		"absent without time":             "a look that had no time says that it is absent",
		"all misses some":                 "looking at all of the kind differs",
		"destroys foreign":                "planned before it came, step create: it was touched",
		"removes foreign":                 "planned before it came, step retire: it was touched",
		"adopting changes":                "foreign, adopting: it was changed: config.size is 10, not 9",
		"blind to sabotage":               `sabotage "repainted": it is not seen`,
		"names the wrong field":           `sabotage "repainted": it is seen, but not as colour`,
		"leaves something":                "something else was touched",
		"touches others":                  "something else was touched",
		"capture changes":                 "preflight or capture changed it: config.colour",
		"a secret in params":              "holds a secret",
		"a secret in before":              "what was captured holds a secret",
		"steps read the clock":            "Steps is not the same twice",
		"no mark":                         "second one says: not ours",
		"never content":                   "spec 0, applied: still to do: update",
		"made anew instead of restored":   "restore: it is set aside and declared again, but to be done is create",
		"purges nothing":                  "purge: it is still set aside",
		"purges others":                   "purge: something else was touched",
		"a stamp of names":                `stands for two states`,
		"a stamp of the time":             "at rest: its stamp is",
		"never stands":                    "watching: its first event does not say that it stands",
		"leaves the earlier name":         "renamed to toy/two, applied: it is still there as toy/one",
		"forgets the earlier name":        "renamed to toy/two, step rename, after a Do cut after its call 3 to the host: undo is not the inverse: toy/one: ",
		"deaf":                            "it does not heed its context",
	} {
		t.Run(fault, func(t *testing.T) {
			c := toyCase(t, fault)
			failure := record(c)
			if !strings.Contains(failure, message) {
				t.Errorf("the suite says %q, want %q", failure, message)
			}
			if failure != "" && !strings.HasPrefix(failure, "conform: toy/") || strings.Contains(failure, "hunter2") {
				t.Errorf("the message %q names no object, or a secret", failure)
			}
		})
	}
}

func TestWhatOtherToolsShowCountsToo(t *testing.T) {
	c := toyCase(t, "")
	dir := c.Host.StateDir()
	c.Native = func() string {
		names, _ := filepath.Glob(filepath.Join(dir, "*"))
		return strings.Join(names, "\n")
	}
	Run(t, c)
	c = toyCase(t, "")
	n := 0
	c.Native = func() string { n++; return fmt.Sprint(n) }
	if failure := record(c); !strings.Contains(failure, "it was touched") {
		t.Errorf("the suite says %q", failure)
	}
}

func TestAnEmptyCaseFails(t *testing.T) {
	if failure := record(Case{}); !strings.Contains(failure, "a case needs") {
		t.Errorf("the suite says %q", failure)
	}
}

func TestAStepThatIsKeptIsNotUndone(t *testing.T) {
	c := toyCase(t, "")
	c.Kind = toy{set: actuators.Kept}.kind()
	Run(t, c)
	c = toyCase(t, "")
	c.Kind = toy{set: actuators.Kept, fault: "do adds up"}.kind()
	if failure := record(c); !strings.Contains(failure, "step set: what is seen is not what was predicted") {
		t.Errorf("the suite says %q", failure)
	}
}

func TestAStepThatCompensatesMayLeaveWhatItDoesNotDecide(t *testing.T) {
	const fault = "leaves what it need not restore"
	c := toyCase(t, "")
	c.Kind = toy{set: actuators.Compensate, fault: fault}.kind()
	Run(t, c)
	if failure := record(toyCase(t, fault)); !strings.Contains(failure, "undo is not the inverse: config.scratch") {
		t.Errorf("the suite says %q of an exact one", failure)
	}
}
