package diff

import (
	"encoding/json"
	"fmt"

	"plumbline/actuators"
	"plumbline/schema"
)

// hints says of what appears where something of its kind and spec goes, and could be renamed in place, that it may be the same under another name.
func (c *comparison) hints() {
	going := map[string]*Change{}
	for _, change := range c.Changes {
		kind, _ := c.Kinds.Kind(change.Instance.ID.Kind())
		if _, can := kind.Op(actuators.OpRename); !can {
			continue
		}
		if change.Action == actuators.Retire && len(change.Steps) > 0 && c.Inventory[change.Instance] != nil {
			going[likeness(change.Instance, c.Inventory[change.Instance].Spec)] = change
		}
	}
	if len(going) == 0 {
		return
	}
	for _, change := range c.Changes {
		old := going[likeness(change.Instance, change.Want)]
		if change.Action == actuators.Create && old != nil {
			c.note(change.Instance, fmt.Sprintf("is new and %s goes: the same but for the name; to rename it in place write was: %q", old.Instance.ID, old.Instance.ID.Name()))
		}
	}
}

// likeness is kind, host and declared spec, without what follows from the name.
func likeness(i schema.Instance, spec json.RawMessage) string {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal(spec, &fields) != nil {
		return i.String()
	}
	delete(fields, "resolved")
	data, err := json.Marshal(fields)
	if err != nil {
		return i.String()
	}
	return i.ID.Kind() + "@" + i.Host + " " + string(data)
}
