package actuators

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// Holds tells whether an observed state is what a step decided: every path of `config` where predicted differs from
// before must be observed as predicted, and a path that vanishes must have vanished. Paths that the step does not decide
// and all of `status` are not looked at. Absent states are empty JSON; null, {} and [] within a state mean absent; lists
// are compared whole. When it does not hold, difference names the first path, in order.
func Holds(predicted, before, observed json.RawMessage) (ok bool, difference string) {
	var states [3]any
	for i, state := range []json.RawMessage{predicted, before, observed} {
		config, err := configOf(state)
		if err != nil {
			return false, err.Error()
		}
		states[i] = config
	}
	if there := len(observed) > 0; there != (len(predicted) > 0) {
		return false, presence(there)
	}
	difference = decided("config", states[0], states[1], states[2])
	return difference == "", difference
}

// SameConfig tells whether a state has the `config` half that it should have, or is absent as it should be. If not,
// difference names the first path, in order.
func SameConfig(want, have json.RawMessage) (ok bool, difference string) {
	return Holds(want, have, have)
}

func presence(there bool) string {
	if there {
		return "it is there"
	}
	return "it is not there"
}

// decided finds the first path that want changes from was and that is not as wanted.
func decided(path string, want, was, is any) string {
	if reflect.DeepEqual(want, was) {
		return ""
	}
	fields, ok := want.(map[string]any)
	before, same := was.(map[string]any)
	if !ok || (was != nil && !same) {
		if reflect.DeepEqual(want, is) {
			return ""
		}
		return fmt.Sprintf("%s is %s, not %s", path, text(is), text(want))
	}
	found, _ := is.(map[string]any)
	keys := slices.AppendSeq(slices.Collect(maps.Keys(fields)), maps.Keys(before))
	slices.Sort(keys)
	for _, key := range slices.Compact(keys) {
		if difference := decided(path+"."+key, fields[key], before[key], found[key]); difference != "" {
			return difference
		}
	}
	return ""
}

// configOf reads the config half. Numbers stay text, so that 64-bit sizes keep every digit.
func configOf(state json.RawMessage) (any, error) {
	if len(state) == 0 {
		return nil, nil
	}
	var halves struct {
		Config any `json:"config"`
	}
	d := json.NewDecoder(bytes.NewReader(state))
	d.UseNumber()
	if err := d.Decode(&halves); err != nil {
		return nil, fmt.Errorf("internal error: cannot read a live state: %w", err)
	}
	return withoutEmpty(halves.Config), nil
}

func withoutEmpty(value any) any {
	switch v := value.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(key string, inner any) bool {
			v[key] = withoutEmpty(inner)
			return v[key] == nil
		})
		if len(v) > 0 {
			return v
		}
		return nil
	case []any:
		if len(v) > 0 {
			return v
		}
		return nil
	}
	return value
}

func text(value any) string {
	if value == nil {
		return "absent"
	}
	data, _ := json.Marshal(value)
	return string(data)
}
