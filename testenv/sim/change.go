package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// The ops whose meaning Predict does not tell: every kind names them so. Whatever else predicts nothing deletes.
const (
	opRetire  = "retire"  // sets aside
	opRestore = "restore" // brings back what was set aside
	opAdopt   = "adopt"   // marks what was not ours
	opPurge   = actuators.OpPurge
)

// observe gives all that the scope asks for. What is only observed, and never changed, is there by being asked for.
func (v *visit) observe(k *actuators.Kind, sc actuators.Scope) ([]actuators.Observed, error) {
	s, err := v.shelf(k.Name)
	if err != nil {
		return nil, err
	}
	ids := map[schema.ID]bool{}
	for _, target := range sc.Targets {
		ids[target.ID] = true
	}
	if sc.All {
		for id := range s.Slots {
			ids[id] = true
		}
	}
	var found []actuators.Observed
	hidden := v.veil(k.Name, ids)
	for id := range ids {
		if hidden[id] {
			found = append(found, actuators.Observed{ID: id, Unknown: "the model was told to hide it"})
			continue
		}
		at := s.Slots[id]
		if at.Here == nil && !at.Gone && !k.Changes() {
			at.Here = &Thing{State: json.RawMessage(`{"config":{},"status":{}}`)}
		}
		if at.Here != nil {
			found = append(found, actuators.Observed{ID: id, Mark: at.Here.Mark, State: at.Here.State})
		}
		if at.Retired != nil {
			found = append(found, actuators.Observed{ID: id, Mark: at.Retired.Mark, Retired: true, Aside: asideOf(id, at.Retired), State: at.Retired.State})
		}
	}
	slices.SortStableFunc(found, func(a, b actuators.Observed) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return found, nil
}

// asideOf tells of what was set aside. The model knows no files: what is said to be its size is what it holds.
func asideOf(id schema.ID, t *Thing) actuators.Aside {
	var state struct {
		Config struct {
			Size json.Number `json:"size"`
		} `json:"config"`
	}
	aside := actuators.Aside{Name: fmt.Sprintf("%s.plumb-retired-%d", id.Name(), t.Since), Since: time.Unix(t.Since, 0).UTC()}
	if json.Unmarshal(t.State, &state) == nil {
		aside.Bytes, _ = state.Config.Size.Int64()
	}
	return aside
}

// capture is the whole slot.
func (v *visit) capture(call exec.Call) (json.RawMessage, error) {
	at, err := v.slot(call.Instance.ID)
	if err != nil {
		return nil, err
	}
	if err := v.mine(call, at); err != nil {
		return nil, err
	}
	if call.Op == actuators.OpRename {
		return v.captureRename(call, at)
	}
	return json.Marshal(at)
}

// mine refuses what somebody else made.
func (v *visit) mine(call exec.Call, at slot) error {
	mark := markIn(call.Params, call.Instance.ID)
	if at.Here == nil || mark == nil || ours(at.Here, mark) {
		return nil
	}
	if at.Here.Mark == nil && (call.Op == opAdopt || v.unmarked(call.Kind)) {
		return nil
	}
	return actuators.Foreign(string(call.Instance.ID))
}

func ours(t *Thing, mark *actuators.Mark) bool {
	return t.Mark != nil && mark != nil && t.Mark.Installation == mark.Installation
}

func (v *visit) unmarked(kind string) bool {
	k, err := v.world.kind(kind)
	return err == nil && k.Unmarked
}

// do sets what the op decides to what it predicts, from the state that was captured: done twice, it is the same.
func (v *visit) do(call exec.Call) error {
	at, before, predicted, err := v.gather(call)
	if err != nil {
		return err
	}
	if err := v.mine(call, at); err != nil {
		return err
	}
	if call.Op == actuators.OpRename {
		return v.rename(call, at, before, predicted)
	}
	mark := markIn(call.Params, call.Instance.ID)
	switch {
	case call.Op == opPurge:
		at.Retired = nil
	case predicted == nil:
		if at.Here != nil && call.Op == opRetire {
			at.Retired = &Thing{Mark: at.Here.Mark, State: at.Here.State, Since: v.world.opts.Now().Unix()}
		}
		at.Here = nil
	case at.Here == nil && before.Here != nil:
		return fmt.Errorf("cannot %s %s: %w", call.Op, call.Instance.ID, actuators.ErrNotFound)
	case at.Here == nil && call.Op == opRestore && at.Retired == nil:
		return fmt.Errorf("cannot restore %s: %w", call.Instance.ID, actuators.ErrNotFound)
	case at.Here == nil && call.Op == opRestore:
		state, err := merge(nil, predicted, at.Retired.State, false)
		if err != nil {
			return err
		}
		at.Here = &Thing{Mark: mark, State: state}
	case at.Here == nil:
		at.Here = &Thing{Mark: mark, State: predicted}
	default:
		state, err := merge(stateOf(before.Here), predicted, at.Here.State, false)
		if err != nil {
			return err
		}
		at.Here = &Thing{Mark: at.Here.Mark, State: state}
	}
	if call.Op == opRestore {
		at.Retired = nil
	}
	if at.Here != nil && mark != nil && !v.unmarked(call.Kind) {
		at.Here.Mark = mark
	}
	return v.put(call.Instance.ID, at, call.Op)
}

// undo takes back what do changed, path by path, where the live value is still what was captured or what do wrote.
func (v *visit) undo(call exec.Call) error {
	at, before, predicted, err := v.gather(call)
	if err != nil {
		return err
	}
	if call.Op == actuators.OpRename {
		return v.renameBack(call, at, before)
	}
	mark := markIn(call.Params, call.Instance.ID)
	back := slot{Here: before.Here, Retired: before.Retired, Gone: at.Gone}
	switch {
	case at.Here != nil && mark != nil && !ours(at.Here, mark) && !v.unmarked(call.Kind):
		back.Here = at.Here // somebody else's, or not adopted yet
	case at.Here != nil && before.Here != nil:
		state, err := merge(predicted, before.Here.State, at.Here.State, true)
		if err != nil {
			return err
		}
		back.Here = &Thing{Mark: before.Here.Mark, State: state}
	case at.Here == nil && before.Here != nil && predicted != nil:
		return actuators.Stuck(string(call.Instance.ID), "absent", "there")
	}
	return v.put(call.Instance.ID, back, "undo of "+call.Op)
}

// gather reads what is there, what was there, and what the op makes of that.
func (v *visit) gather(call exec.Call) (at, before slot, predicted json.RawMessage, err error) {
	k, err := v.world.kind(call.Kind)
	if err != nil {
		return at, before, nil, err
	}
	op, ok := k.Op(call.Op)
	if !ok {
		return at, before, nil, errors.New("internal error: no op " + call.Op)
	}
	if at, err = v.slot(call.Instance.ID); err != nil {
		return at, before, nil, err
	}
	before = at
	if len(call.Before) > 0 {
		before = slot{}
		if err := json.Unmarshal(call.Before, &before); err != nil {
			return at, before, nil, fmt.Errorf("internal error: cannot read what was captured: %w", err)
		}
	}
	predicted, err = op.Predict(call.Params, stateOf(before.Here))
	return at, before, predicted, err
}

func stateOf(t *Thing) json.RawMessage {
	if t == nil {
		return nil
	}
	return t.State
}
