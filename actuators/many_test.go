package actuators_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"plumbline/actuators"
	"plumbline/schema"
)

type state struct {
	Config map[string]string `json:"config"`
}

var errCulprit = errors.New("the culprit")

// manyOp refuses negative params and gives the params as what was before.
func manyOp(m *actuators.Many[int, string]) *actuators.ErasedOp {
	kind := actuators.Define(actuators.Def[int, state]{
		Name: "many", Where: schema.OnHost,
		Observe: func(context.Context, actuators.Host, actuators.Scope) ([]actuators.Live[state], error) {
			return nil, nil
		},
		Diff: func(*int, actuators.Have[state]) actuators.Diff { return actuators.Diff{} },
		Steps: func(actuators.Subject, actuators.Diff, *int, actuators.Have[state]) ([]actuators.Step, error) {
			return nil, nil
		},
		Ops: []actuators.AnyOp{actuators.Op[int, string, state]{
			Name: "do", Reversal: actuators.Exact, Predict: func(int, *state) *state { return nil }, Many: m,
		}},
	})
	op, _ := kind.Op("do")
	return op
}

func wholeMany() *actuators.Many[int, string] {
	verb := func(_ context.Context, _ actuators.Host, all []actuators.Item[int, string]) []error {
		errs := make([]error, len(all))
		for n, one := range all {
			if one.Params < 0 || one.Before == "" {
				errs[n] = errCulprit
			}
		}
		return errs
	}
	return &actuators.Many[int, string]{
		Capture: func(_ context.Context, _ actuators.Host, all []int) ([]string, []error) {
			before, errs := make([]string, len(all)), make([]error, len(all))
			for n, p := range all {
				if before[n] = strings.Repeat("x", max(p, 0)); p < 0 {
					errs[n] = errCulprit
				}
			}
			return before, errs
		},
		Do: verb, Undo: verb,
	}
}

func raw(texts ...string) (out []json.RawMessage) {
	for _, text := range texts {
		out = append(out, json.RawMessage(text))
	}
	return out
}

func TestAnOpForManyAnswersForEachItem(t *testing.T) {
	op := manyOp(wholeMany())
	before, errs := op.Many.Capture(t.Context(), nil, raw("1", "-1", `"no number"`, "2"))
	if string(before[0]) != `"x"` || string(before[3]) != `"xx"` || errs[0] != nil || !errors.Is(errs[1], errCulprit) || errs[2] == nil || errs[3] != nil {
		t.Errorf("capture: %s %v", before, errs)
	}
	errs = op.Many.Do(t.Context(), nil, raw("{", "1", "-1"), raw(`"x"`, `"x"`, `"x"`))
	if errs[0] == nil || errs[1] != nil || !errors.Is(errs[2], errCulprit) {
		t.Errorf("do: %v", errs)
	}
	if op.Many.Limit != actuators.DefaultMany {
		t.Errorf("limit %d", op.Many.Limit)
	}
}

func TestAnOpForManyServesOne(t *testing.T) {
	op := manyOp(wholeMany())
	before, err := op.Capture(t.Context(), nil, raw("3")[0])
	if err != nil || string(before) != `"xxx"` {
		t.Errorf("%s %v", before, err)
	}
	if err := op.Do(t.Context(), nil, raw("1")[0], before); err != nil {
		t.Error(err)
	}
	if err := op.Undo(t.Context(), nil, raw("-1")[0], before); !errors.Is(err, errCulprit) {
		t.Errorf("got %v", err)
	}
}

func TestTooFewAnswersAreNoAnswers(t *testing.T) {
	m := wholeMany()
	m.Do = func(context.Context, actuators.Host, []actuators.Item[int, string]) []error { return []error{nil} }
	for _, err := range manyOp(m).Many.Do(t.Context(), nil, raw("1", "2"), raw(`"x"`, `"x"`)) {
		if !errors.Is(err, actuators.ErrTransient) {
			t.Errorf("got %v", err)
		}
	}
}
