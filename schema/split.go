package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// split takes Meta, and if the kind lives on hosts the placement, off a declared spec.
func (seen *remembered) split(object *Object, declared json.RawMessage, placed bool) error {
	var space [24]member
	fields, ok := members(declared, space[:0])
	if !ok || bytes.ContainsAny(declared, "<>&\u2028\u2029\xff") {
		var err error
		if fields, err = decodedMembers(declared); err != nil {
			return err
		}
	}
	slices.SortFunc(fields, func(a, b member) int { return bytes.Compare(a.name, b.name) })
	spec := append(make([]byte, 0, len(declared)), '{')
	for _, f := range fields {
		if into := seen.place(object, string(f.name), placed); into != nil {
			if err := json.Unmarshal(f.value, into); err != nil {
				return fmt.Errorf("internal error: cannot read the field %s: %w", f.name, err)
			}
			continue
		}
		if len(spec) > 1 {
			spec = append(spec, ',')
		}
		spec = append(append(append(spec, f.name...), ':'), f.value...)
	}
	object.Spec = append(spec, '}')
	return nil
}

// decodedMembers are the fields of an object of any form, as encoding/json writes them.
func decodedMembers(object json.RawMessage) (all []member, err error) {
	var fields map[string]json.RawMessage
	if err = json.Unmarshal(object, &fields); err != nil {
		return nil, fmt.Errorf("internal error: cannot read the evaluated object: %w", err)
	}
	for name, value := range fields {
		quoted, _ := json.Marshal(name)
		written, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		all = append(all, member{quoted, written})
	}
	return all, nil
}

// place is where a field goes that is none of the kind's; nil for those of the kind.
func (seen *remembered) place(object *Object, name string, placed bool) any {
	switch {
	case name == `"manage"`:
		return &object.Meta.Manage
	case name == `"was"`:
		return &object.Meta.Was
	case name == `"drift"`:
		return &object.Meta.Drift
	case name == `"protect"`:
		return &object.Meta.Protect
	case name == `"self"`:
		return &object.Meta.Self
	case placed && name == `"host"`:
		return &seen.own.host
	case placed && name == `"hosts"`:
		return (*chosenHosts)(&seen.own)
	}
	return nil
}

// chosenHosts reads the field hosts: names, or labels.
type chosenHosts placement

// UnmarshalJSON reads a list of names or a map of labels.
func (p *chosenHosts) UnmarshalJSON(data []byte) error {
	if data[0] == '[' {
		return json.Unmarshal(data, &p.names)
	}
	p.labels = map[string]string{}
	return json.Unmarshal(data, &p.labels)
}
