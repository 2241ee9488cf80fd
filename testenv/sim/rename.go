package sim

import (
	"encoding/json"
	"fmt"

	"plumbline/actuators"
	"plumbline/reconcile/exec"
	"plumbline/schema"
)

// earlier is the name that a renaming takes a thing from.
func earlier(call exec.Call) (schema.ID, error) {
	var p struct {
		Was actuators.Mark `json:"was"`
	}
	err := json.Unmarshal(call.Params, &p)
	if err == nil && p.Was.ID == "" {
		err = fmt.Errorf("internal error: the params of a renaming of %s do not say what it was", call.Instance.ID)
	}
	return p.Was.ID, err
}

// captureRename is the slot of the new name, with what is there under the earlier one.
func (v *visit) captureRename(call exec.Call, at slot) (json.RawMessage, error) {
	was, err := earlier(call)
	if err != nil {
		return nil, err
	}
	old, err := v.slot(was)
	if err != nil {
		return nil, err
	}
	if at.Was = old.Here; at.Was == nil {
		return nil, fmt.Errorf("cannot rename %s: %w", was, actuators.ErrNotFound)
	}
	if !ours(old.Here, markIn(call.Params, call.Instance.ID)) {
		return nil, actuators.Foreign(string(was))
	}
	return json.Marshal(at)
}

// rename moves what is there from its earlier name to the new one; done twice, it is the same.
func (v *visit) rename(call exec.Call, at, before slot, predicted json.RawMessage) error {
	was, err := earlier(call)
	if err != nil || at.Here != nil {
		return err
	}
	old, err := v.slot(was)
	if err != nil {
		return err
	}
	mark := markIn(call.Params, call.Instance.ID)
	switch {
	case old.Here == nil:
		return fmt.Errorf("cannot rename %s: %w", was, actuators.ErrNotFound)
	case !ours(old.Here, mark):
		return actuators.Foreign(string(was))
	}
	state, err := merge(stateOf(before.Was), predicted, old.Here.State, false)
	if err != nil {
		return err
	}
	at.Here, old.Here = &Thing{Mark: mark, State: state}, nil
	if err := v.put(was, old, call.Op); err != nil {
		return err
	}
	return v.put(call.Instance.ID, at, call.Op)
}

// renameBack gives it its earlier name and mark again, with what others changed in it meanwhile.
func (v *visit) renameBack(call exec.Call, at, before slot) error {
	was, err := earlier(call)
	if err != nil || at.Here == nil || !ours(at.Here, markIn(call.Params, call.Instance.ID)) {
		return err
	}
	old, err := v.slot(was)
	if err != nil {
		return err
	}
	if old.Here != nil {
		return actuators.Stuck(string(was), "there", "absent")
	}
	old.Here = &Thing{Mark: before.Was.Mark, State: at.Here.State}
	at.Here = nil
	if err := v.put(call.Instance.ID, at, "undo of "+call.Op); err != nil {
		return err
	}
	return v.put(was, old, "undo of "+call.Op)
}
