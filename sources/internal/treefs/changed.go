package treefs

import (
	"context"
	"path"
	"slices"
)

// Changed lists the files that differ between two file systems, sorted, by
// comparing references: equal ones are not looked into. A nil from is empty.
func Changed(ctx context.Context, from, to *FS) ([]string, error) {
	c := comparison{ctx: ctx, from: from, to: to}
	if err := c.dir(".", from != nil, to != nil); err != nil {
		return nil, err
	}
	slices.Sort(c.paths)
	return c.paths, nil
}

type comparison struct {
	ctx      context.Context
	from, to *FS
	paths    []string
}

// dir compares the directory at p, which is in from, in to, or in both.
func (c *comparison) dir(p string, inFrom, inTo bool) error {
	if err := c.ctx.Err(); err != nil {
		return err
	}
	var a, b []Entry
	var err error
	if inFrom {
		if a, err = c.from.list(p); err != nil {
			return err
		}
	}
	if inTo {
		if b, err = c.to.list(p); err != nil {
			return err
		}
	}
	for len(a) > 0 || len(b) > 0 {
		var x, y *Entry
		if len(b) == 0 || len(a) > 0 && a[0].Name <= b[0].Name {
			x = &a[0]
		}
		if len(a) == 0 || len(b) > 0 && b[0].Name <= a[0].Name {
			y = &b[0]
		}
		if x != nil {
			a = a[1:]
		}
		if y != nil {
			b = b[1:]
		}
		if err := c.entry(p, x, y); err != nil {
			return err
		}
	}
	return nil
}

// entry compares one name; x or y is nil where it is missing.
func (c *comparison) entry(dir string, x, y *Entry) error {
	if x != nil && y != nil && x.Ref == y.Ref && x.Mode == y.Mode {
		return nil
	}
	name := ""
	if x != nil {
		name = x.Name
	} else {
		name = y.Name
	}
	p := path.Join(dir, name)
	xDir, yDir := x != nil && x.Mode.IsDir(), y != nil && y.Mode.IsDir()
	if x != nil && !xDir || y != nil && !yDir {
		c.paths = append(c.paths, p)
	}
	if xDir || yDir {
		return c.dir(p, xDir, yDir)
	}
	return nil
}
