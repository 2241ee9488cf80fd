package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"

	"plumbline/actuators"
)

// merge sets live to `to` wherever from and to differ, and leaves the rest of live alone. When it is strict, live must be
// one of the two there. Of status, which moves by itself, whatever `to` has is set.
func merge(from, to, live json.RawMessage, strict bool) (json.RawMessage, error) {
	f, err := decode(from)
	if err != nil {
		return nil, err
	}
	t, err := decode(to)
	if err != nil {
		return nil, err
	}
	l, err := decode(live)
	if err != nil {
		return nil, err
	}
	merged := map[string]any{}
	delete(f, "status")
	for _, half := range []string{"config", "status"} {
		value, err := mergeValue(half, f[half], t[half], l[half], strict && half == "config")
		if err != nil {
			return nil, err
		}
		if value == nil {
			value = map[string]any{}
		}
		merged[half] = value
	}
	return json.Marshal(merged)
}

func mergeValue(path string, from, to, live any, strict bool) (any, error) {
	if reflect.DeepEqual(from, to) {
		return live, nil
	}
	f, t, l, maps := threeMaps(from, to, live)
	if !maps {
		if strict && !reflect.DeepEqual(live, from) && !reflect.DeepEqual(live, to) {
			return nil, actuators.Stuck(path, text(live), text(to))
		}
		return to, nil
	}
	out := map[string]any{}
	for key, value := range l {
		out[key] = value
	}
	for _, keys := range []map[string]any{f, t} {
		for key := range keys {
			value, err := mergeValue(path+"."+key, f[key], t[key], l[key], strict)
			if err != nil {
				return nil, err
			}
			if out[key] = value; value == nil {
				delete(out, key)
			}
		}
	}
	if len(out) == 0 && to == nil {
		return nil, nil
	}
	return out, nil
}

// threeMaps takes absent for an empty map, where the others are maps.
func threeMaps(from, to, live any) (f, t, l map[string]any, ok bool) {
	for _, one := range []struct {
		value any
		into  *map[string]any
	}{{from, &f}, {to, &t}, {live, &l}} {
		m, is := one.value.(map[string]any)
		if !is && one.value != nil {
			return nil, nil, nil, false
		}
		*one.into = m
	}
	return f, t, l, f != nil || t != nil
}

// decode reads a state. Numbers stay text, so that 64-bit sizes keep every digit.
func decode(state json.RawMessage) (map[string]any, error) {
	if len(state) == 0 {
		return nil, nil
	}
	var value map[string]any
	d := json.NewDecoder(bytes.NewReader(state))
	d.UseNumber()
	if err := d.Decode(&value); err != nil {
		return nil, fmt.Errorf("cannot read a state: %w", err)
	}
	return value, nil
}

func text(value any) string {
	if value == nil {
		return "absent"
	}
	data, _ := json.Marshal(value)
	return string(data)
}
