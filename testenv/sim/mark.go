package sim

import (
	"encoding/json"
	"maps"
	"slices"

	"plumbline/actuators"
	"plumbline/schema"
)

// markIn finds the mark of an object in the params of an op, wherever the kind put it: as an object of installation, ID
// and hash, or as its word within a text. nil when there is none.
func markIn(params json.RawMessage, id schema.ID) *actuators.Mark {
	var value any
	if json.Unmarshal(params, &value) != nil {
		return nil
	}
	return findMark(value, id)
}

func findMark(value any, id schema.ID) *actuators.Mark {
	switch v := value.(type) {
	case string:
		if mark := actuators.ParseMark(v); mark != nil && mark.ID == id {
			return mark
		}
	case []any:
		for _, inner := range v {
			if mark := findMark(inner, id); mark != nil {
				return mark
			}
		}
	case map[string]any:
		installation, _ := v["installation"].(string)
		hash, _ := v["hash"].(string)
		if v["id"] == string(id) && installation != "" {
			return &actuators.Mark{Installation: installation, ID: id, Hash: hash}
		}
		for _, key := range slices.Sorted(maps.Keys(v)) {
			if mark := findMark(v[key], id); mark != nil {
				return mark
			}
		}
	}
	return nil
}
