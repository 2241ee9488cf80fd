package diff

import "fmt"

// lost holds everything back when this state remembers nothing and things that the topology declares carry the mark of another
// installation: what is there was made with a state that was lost, most likely, and beside it nothing may be made anew.
func (c *comparison) lost() {
	if len(c.Inventory) > 0 || c.Installation == "" {
		return
	}
	theirs, marked := "", 0
	for _, look := range c.World.Looks() {
		for n := range look.Found {
			one := &look.Found[n]
			if look.Err == "" && one.Mark != nil && one.Mark.Installation != c.Installation && c.Want.Node(one.Mark.ID.On(look.Host)) != nil {
				theirs, marked = one.Mark.Installation, marked+1
			}
		}
	}
	if marked == 0 {
		return
	}
	text := fmt.Sprintf("nothing was applied with this state yet, and %d of the declared objects carry the mark of installation %s: if its state was lost, say \"plumb recover\"", marked, theirs)
	for _, change := range c.Changes {
		c.refuse(change.Instance, change.Pos, Blocked, text)
	}
	c.Changes = nil
}
