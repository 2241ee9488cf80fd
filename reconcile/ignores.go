package reconcile

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"plumbline/schema"
)

func (c *Controller) ignoresPath() string { return filepath.Join(c.cfg.State, "ignores.json") }

// Ignores are the rules about drift of the commit that was followed last, also after a restart.
func (c *Controller) Ignores() []schema.Ignore {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ignores == nil {
		c.ignores = []schema.Ignore{}
		data, err := os.ReadFile(c.ignoresPath())
		if err == nil {
			err = json.Unmarshal(data, &c.ignores)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			c.log.Error().Err(err).Msg("cannot read the rules about drift: nothing is ignored until a commit is followed")
		}
	}
	return c.ignores
}

// follows takes over the rules of a commit.
func (c *Controller) follows(rules []schema.Ignore) {
	if slices.Equal(c.Ignores(), rules) {
		return
	}
	data, err := json.Marshal(rules)
	if err == nil {
		err = replace(c.ignoresPath(), data)
	}
	if err != nil {
		c.log.Error().Err(err).Msg("cannot remember the rules about drift")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ignores = slices.Clone(rules)
}
